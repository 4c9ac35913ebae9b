/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instructions that are tried, a row each: what it does, how many bytes at all and at once, how far
 * from its base register, what it needs, and the instruction. Registers of the cases:
 *
 *	x1, sp		the base (SP_BASE)
 *	x2, x3; v2-v5	data; CASP has x8 to x11
 *	x4		0x20
 *	x5		-0x20 in the lower half, other bits above
 *	x6		0x20 in the lower half, other bits above
 */
#include "faults.h"

	.arch	armv8.5-a+sve

	.macro	row kind, bytes, element, off, flags, insn:vararg
	row2	\kind, \bytes, \element, \off, (\flags), "", \insn
	.endm

	/* The same with other instructions in front. */
	.macro	row2 kind, bytes, element, off, flags, front, insn:vararg
	.pushsection .stubs, "ax"
9001:	\front
9002:	\insn
	brk	#BRK_DONE
	.popsection
	.pushsection .rodata.names, "a"
9003:	.asciz	"\insn"
	.popsection
	.pushsection .rows, "a"
	.quad	9001b, 9003b
	.long	\off, \flags
	.byte	\kind, \bytes, \element, 9002b - 9001b
	.long	0
	.popsection
	.endm

	/* --- one general register */
	row	READ, 1, 1, 5, CORE, ldrb w2, [x1, 5]
	row	READ, 2, 2, 6, 0, ldrh w2, [x1, 6]
	row	READ, 4, 4, 8, CORE, ldr w2, [x1, 8]
	row	READ, 8, 8, 16, CORE, ldr x2, [x1, 16]
	row	READ, 8, 8, 32760, 0, ldr x2, [x1, 32760]
	row	READ, 4, 4, 0, 0, ldr wzr, [x1]
	row	READ, 1, 1, 1, 0, ldrsb w2, [x1, 1]
	row	READ, 1, 1, 1, CORE, ldrsb x2, [x1, 1]
	row	READ, 2, 2, 2, 0, ldrsh w2, [x1, 2]
	row	READ, 2, 2, 2, 0, ldrsh x2, [x1, 2]
	row	READ, 4, 4, 4, 0, ldrsw x2, [x1, 4]
	row	WRITE, 1, 1, 5, CORE, strb w2, [x1, 5]
	row	WRITE, 2, 2, 6, 0, strh w2, [x1, 6]
	row	WRITE, 4, 4, 8, CORE, str w2, [x1, 8]
	row	WRITE, 8, 8, 16, CORE, str x2, [x1, 16]
	row	WRITE, 8, 8, 32760, 0, str x2, [x1, 32760]
	row	WRITE, 8, 8, 0, 0, str xzr, [x1]

	/* unscaled */
	row	READ, 1, 1, -1, 0, ldurb w2, [x1, -1]
	row	READ, 2, 2, -3, 0, ldurh w2, [x1, -3]
	row	READ, 4, 4, -5, CORE, ldur w2, [x1, -5]
	row	READ, 8, 8, -256, 0, ldur x2, [x1, -256]
	row	READ, 1, 1, 255, 0, ldursb x2, [x1, 255]
	row	READ, 2, 2, 255, 0, ldursh w2, [x1, 255]
	row	READ, 4, 4, 255, 0, ldursw x2, [x1, 255]
	row	WRITE, 1, 1, -1, 0, sturb w2, [x1, -1]
	row	WRITE, 2, 2, -3, 0, sturh w2, [x1, -3]
	row	WRITE, 4, 4, -5, 0, stur w2, [x1, -5]
	row	WRITE, 8, 8, -255, 0, stur x2, [x1, -255]

	/* pre-index */
	row	READ, 1, 1, 1, 0, ldrb w2, [x1, 1]!
	row	READ, 2, 2, -2, 0, ldrh w2, [x1, -2]!
	row	READ, 4, 4, -4, CORE, ldr w2, [x1, -4]!
	row	READ, 8, 8, 255, 0, ldr x2, [x1, 255]!
	row	READ, 1, 1, 1, 0, ldrsb w2, [x1, 1]!
	row	READ, 2, 2, 2, 0, ldrsh x2, [x1, 2]!
	row	READ, 4, 4, 4, 0, ldrsw x2, [x1, 4]!
	row	READ, 4, 4, 4, 0, ldr wzr, [x1, 4]!
	row	WRITE, 1, 1, 1, 0, strb w2, [x1, 1]!
	row	WRITE, 2, 2, -2, 0, strh w2, [x1, -2]!
	row	WRITE, 4, 4, -256, CORE, str w2, [x1, -256]!
	row	WRITE, 8, 8, 8, 0, str x2, [x1, 8]!

	/* post-index */
	row	READ, 1, 1, 0, 0, ldrb w2, [x1], 1
	row	READ, 2, 2, 0, 0, ldrh w2, [x1], -2
	row	READ, 4, 4, 0, 0, ldr w2, [x1], 4
	row	READ, 8, 8, 0, CORE, ldr x2, [x1], 255
	row	READ, 1, 1, 0, 0, ldrsb x2, [x1], 1
	row	READ, 2, 2, 0, 0, ldrsh w2, [x1], 2
	row	READ, 4, 4, 0, 0, ldrsw x2, [x1], 4
	row	WRITE, 1, 1, 0, 0, strb w2, [x1], 1
	row	WRITE, 2, 2, 0, 0, strh w2, [x1], -2
	row	WRITE, 4, 4, 0, CORE, str w2, [x1], -4
	row	WRITE, 8, 8, 0, 0, str x2, [x1], -256

	/* register offset */
	row	READ, 8, 8, 0x20, 0, ldr x2, [x1, x4]
	row	READ, 8, 8, 0x100, CORE, ldr x2, [x1, x4, lsl 3]
	row	READ, 4, 4, 0x20, 0, ldr w2, [x1, w6, uxtw]
	row	READ, 4, 4, 0x80, 0, ldr w2, [x1, w6, uxtw 2]
	row	READ, 4, 4, -0x20, 0, ldr w2, [x1, w5, sxtw]
	row	READ, 8, 8, -0x100, 0, ldr x2, [x1, w5, sxtw 3]
	row	READ, 1, 1, -0x20, 0, ldrb w2, [x1, w5, sxtw]
	row	READ, 2, 2, 0x40, 0, ldrsh x2, [x1, x4, sxtx 1]
	row	READ, 4, 4, 0x80, 0, ldrsw x2, [x1, x4, lsl 2]
	row	WRITE, 8, 8, 0x100, 0, str x2, [x1, x4, lsl 3]
	row	WRITE, 4, 4, 0x80, 0, str w2, [x1, w6, uxtw 2]
	row	WRITE, 1, 1, -0x20, 0, strb w2, [x1, w5, sxtw]
	row	WRITE, 2, 2, 0x40, 0, strh w2, [x1, x4, lsl 1]

	/* SP as base */
	row	READ, 8, 8, 0, SP_BASE, ldr x2, [sp]
	row	READ, 4, 4, 16, SP_BASE, ldr w2, [sp, 16]!
	row	READ, 8, 4, 0, SP_BASE | CORE, ldp w2, w3, [sp], 16
	row	WRITE, 8, 8, -16, SP_BASE, str x2, [sp, -16]!
	row	WRITE, 16, 8, -32, SP_BASE | CORE, stp x2, x3, [sp, -32]!
	row	WRITE, 4, 4, 0, SP_BASE, str s2, [sp], 16

	/* literal */
	row	READ, 4, 4, 0x1000, PC_BASE, ldr w2, .+0x1000
	row	READ, 8, 8, 0x1000, PC_BASE, ldr x2, .+0x1000
	row	READ, 4, 4, 0x1000, PC_BASE, ldrsw x2, .+0x1000
	row	READ, 16, 16, 0x1000, PC_BASE, ldr q2, .+0x1000
	row	HINT, 0, 8, 0x1000, PC_BASE, prfm pldl1keep, .+0x1000

	/* --- pairs */
	row	READ, 8, 4, 0, CORE, ldp w2, w3, [x1]
	row	READ, 16, 8, 16, CORE, ldp x2, x3, [x1, 16]
	row	READ, 8, 4, 8, 0, ldp w2, w3, [x1, 8]!
	row	READ, 16, 8, -512, CORE, ldp x2, x3, [x1, -512]!
	row	READ, 8, 4, 0, 0, ldp w2, w3, [x1], -8
	row	READ, 16, 8, 0, 0, ldp x2, x3, [x1], 504
	row	READ, 8, 4, 4, 0, ldpsw x2, x3, [x1, 4]
	row	READ, 8, 4, 0, 0, ldpsw x2, x3, [x1], 8
	row	READ, 8, 4, 8, 0, ldnp w2, w3, [x1, 8]
	row	READ, 16, 8, 16, 0, ldnp x2, x3, [x1, 16]
	row	WRITE, 8, 4, 0, CORE, stp w2, w3, [x1]
	row	WRITE, 16, 8, 16, CORE, stp x2, x3, [x1, 16]
	row	WRITE, 8, 4, -8, 0, stp w2, w3, [x1, -8]!
	row	WRITE, 16, 8, 16, 0, stp x2, x3, [x1, 16]!
	row	WRITE, 8, 4, 0, 0, stp w2, w3, [x1], 8
	row	WRITE, 16, 8, 0, CORE, stp x2, x3, [x1], -16
	row	WRITE, 8, 4, 0, 0, stnp w2, w3, [x1]
	row	WRITE, 16, 8, 16, 0, stnp x2, x3, [x1, 16]
	row	WRITE, 16, 8, 0, 0, stp xzr, xzr, [x1]
	row	READ, 8, 4, 0, 0, ldp s2, s3, [x1]
	row	READ, 16, 8, 16, 0, ldp d2, d3, [x1, 16]!
	row	READ, 32, 16, 32, CORE, ldp q2, q3, [x1, 32]
	row	READ, 32, 16, 0, 0, ldp q2, q3, [x1], 32
	row	READ, 32, 16, 0, 0, ldnp q2, q3, [x1]
	row	WRITE, 8, 4, 0, 0, stp s2, s3, [x1]
	row	WRITE, 16, 8, 0, 0, stp d2, d3, [x1], 16
	row	WRITE, 32, 16, -32, CORE, stp q2, q3, [x1, -32]!
	row	WRITE, 32, 16, 0, 0, stnp q2, q3, [x1]

	/* --- one SIMD&FP register */
	row	READ, 1, 1, 3, 0, ldr b2, [x1, 3]
	row	READ, 2, 2, 6, 0, ldr h2, [x1, 6]
	row	READ, 4, 4, 8, 0, ldr s2, [x1, 8]
	row	READ, 8, 8, 16, 0, ldr d2, [x1, 16]
	row	READ, 16, 16, 32, CORE, ldr q2, [x1, 32]
	row	READ, 16, 16, 16, 0, ldr q2, [x1, 16]!
	row	READ, 8, 8, 0, 0, ldr d2, [x1], 8
	row	READ, 4, 4, 0, 0, ldr s2, [x1], -4
	row	READ, 16, 16, -16, 0, ldur q2, [x1, -16]
	row	READ, 4, 4, -3, 0, ldur s2, [x1, -3]
	row	READ, 16, 16, 0x200, 0, ldr q2, [x1, x4, lsl 4]
	row	READ, 4, 4, -0x80, 0, ldr s2, [x1, w5, sxtw 2]
	row	WRITE, 1, 1, 3, 0, str b2, [x1, 3]
	row	WRITE, 2, 2, 6, 0, str h2, [x1, 6]
	row	WRITE, 4, 4, 8, 0, str s2, [x1, 8]
	row	WRITE, 8, 8, 16, 0, str d2, [x1, 16]
	row	WRITE, 16, 16, 32, CORE, str q2, [x1, 32]
	row	WRITE, 16, 16, 16, 0, str q2, [x1, 16]!
	row	WRITE, 4, 4, 0, 0, str s2, [x1], 4
	row	WRITE, 16, 16, 0, 0, str q2, [x1], -16
	row	WRITE, 2, 2, -1, 0, stur h2, [x1, -1]
	row	WRITE, 4, 4, 0x80, 0, str s2, [x1, w6, uxtw 2]

	/* --- structures */
	row	READ, 16, 1, 0, CORE, ld1 {v2.16b}, [x1]
	row	READ, 16, 4, 0, 0, ld1 {v2.4s}, [x1], 16
	row	READ, 16, 4, 0, 0, ld1 {v2.2s, v3.2s}, [x1]
	row	READ, 48, 8, 0, 0, ld1 {v2.2d, v3.2d, v4.2d}, [x1]
	row	READ, 64, 8, 0, 0, ld1 {v2.2d, v3.2d, v4.2d, v5.2d}, [x1], x4
	row	READ, 16, 4, 0, 0, ld2 {v2.2s, v3.2s}, [x1]
	row	READ, 32, 4, 0, CORE, ld2 {v2.4s, v3.4s}, [x1]
	row	READ, 48, 2, 0, 0, ld3 {v2.8h, v3.8h, v4.8h}, [x1], 48
	row	READ, 64, 1, 0, 0, ld4 {v2.16b, v3.16b, v4.16b, v5.16b}, [x1]
	row	READ, 4, 4, 0, CORE, ld1 {v2.s}[1], [x1]
	row	READ, 1, 1, 0, 0, ld1 {v2.b}[15], [x1], 1
	row	READ, 16, 8, 0, 0, ld2 {v2.d, v3.d}[1], [x1]
	row	READ, 12, 4, 0, 0, ld3 {v2.s, v3.s, v4.s}[3], [x1], 12
	row	READ, 8, 2, 0, 0, ld4 {v2.h, v3.h, v4.h, v5.h}[5], [x1], x4
	row	READ, 4, 4, 0, 0, ld1r {v2.4s}, [x1]
	row	READ, 16, 4, 0, 0, ld4r {v2.2s, v3.2s, v4.2s, v5.2s}, [x1], 16
	row	WRITE, 16, 1, 0, 0, st1 {v2.16b}, [x1]
	row	WRITE, 16, 4, 0, CORE, st1 {v2.4s}, [x1], 16
	row	WRITE, 16, 4, 0, 0, st1 {v2.2s, v3.2s}, [x1]
	row	WRITE, 64, 8, 0, 0, st1 {v2.2d, v3.2d, v4.2d, v5.2d}, [x1]
	row	WRITE, 16, 4, 0, 0, st2 {v2.2s, v3.2s}, [x1], x4
	row	WRITE, 24, 2, 0, 0, st3 {v2.4h, v3.4h, v4.4h}, [x1]
	row	WRITE, 64, 4, 0, CORE, st4 {v2.4s, v3.4s, v4.4s, v5.4s}, [x1], 64
	row	WRITE, 4, 4, 0, 0, st1 {v2.s}[3], [x1], 4
	row	WRITE, 1, 1, 0, 0, st1 {v2.b}[7], [x1]
	row	WRITE, 8, 4, 0, 0, st2 {v2.s, v3.s}[0], [x1]
	row	WRITE, 16, 4, 0, 0, st4 {v2.s, v3.s, v4.s, v5.s}[2], [x1], x4

	/* --- ordered */
	row	READ, 1, 1, 0, ALIGNED, ldarb w2, [x1]
	row	READ, 2, 2, 0, ALIGNED, ldarh w2, [x1]
	row	READ, 4, 4, 0, ALIGNED | CORE, ldar w2, [x1]
	row	READ, 8, 8, 0, ALIGNED, ldar x2, [x1]
	row	READ, 4, 4, 0, ALIGNED | NEEDS_RCPC, ldapr w2, [x1]
	row	READ, 1, 1, -7, ALIGNED | NEEDS_RCPC2, ldapursb x2, [x1, -7]
	row	READ, 8, 8, 8, ALIGNED | NEEDS_RCPC2, ldapur x2, [x1, 8]
	row	WRITE, 1, 1, 0, ALIGNED, stlrb w2, [x1]
	row	WRITE, 2, 2, 0, ALIGNED, stlrh w2, [x1]
	row	WRITE, 4, 4, 0, ALIGNED | CORE, stlr w2, [x1]
	row	WRITE, 8, 8, 0, ALIGNED, stlr x2, [x1]
	row	WRITE, 4, 4, 4, ALIGNED | NEEDS_RCPC2, stlur w2, [x1, 4]

	/* --- unprivileged */
	row	READ, 1, 1, 0, UNPRIVILEGED, ldtrb w2, [x1]
	row	READ, 4, 4, 4, UNPRIVILEGED, ldtr w2, [x1, 4]
	row	READ, 8, 8, -8, UNPRIVILEGED | CORE, ldtr x2, [x1, -8]
	row	READ, 4, 4, 4, UNPRIVILEGED, ldtrsw x2, [x1, 4]
	row	WRITE, 1, 1, 0, UNPRIVILEGED, sttrb w2, [x1]
	row	WRITE, 8, 8, -8, UNPRIVILEGED | CORE, sttr x2, [x1, -8]

	/* --- exclusive */
	row	READ, 1, 1, 0, EXCLUSIVE | ALIGNED, ldxrb w2, [x1]
	row	READ, 4, 4, 0, EXCLUSIVE | ALIGNED | CORE, ldxr w2, [x1]
	row	READ, 8, 8, 0, EXCLUSIVE | ALIGNED, ldaxr x2, [x1]
	row	READ, 8, 8, 0, EXCLUSIVE | ALIGNED, ldxp w2, w3, [x1]
	row	READ, 16, 16, 0, EXCLUSIVE | ALIGNED, ldxp x2, x3, [x1]
	row	READ, 16, 16, 0, EXCLUSIVE | ALIGNED, ldaxp x2, x3, [x1]
	row2	WRITE, 4, 4, 0, EXCLUSIVE | ALIGNED | STORE_EX, "ldxr w7, [x1]", stxr w2, w3, [x1]
	row2	WRITE, 8, 8, 0, EXCLUSIVE | ALIGNED | STORE_EX, "ldaxr x7, [x1]", stlxr w2, x3, [x1]
	row2	WRITE, 16, 16, 0, EXCLUSIVE | ALIGNED | STORE_EX, "ldxp x7, x8, [x1]", \
		stxp w2, x3, x4, [x1]

	/* --- atomic */
	row	UPDATE, 4, 4, 0, NEEDS_LSE | ALIGNED | CORE, ldadd w2, w3, [x1]
	row	UPDATE, 8, 8, 0, NEEDS_LSE | ALIGNED, ldaddal x2, x3, [x1]
	row	UPDATE, 1, 1, 0, NEEDS_LSE | ALIGNED, ldclrb w2, w3, [x1]
	row	UPDATE, 2, 2, 0, NEEDS_LSE | ALIGNED, ldsmaxh w2, w3, [x1]
	row	UPDATE, 8, 8, 0, NEEDS_LSE | ALIGNED, stset x2, [x1]
	row	UPDATE, 8, 8, 0, NEEDS_LSE | ALIGNED, swp x2, x3, [x1]
	row	UPDATE, 1, 1, 0, NEEDS_LSE | ALIGNED, swpalb w2, w3, [x1]
	row	UPDATE, 4, 4, 0, NEEDS_LSE | ALIGNED, cas w2, w3, [x1]
	row	UPDATE, 8, 8, 0, NEEDS_LSE | ALIGNED | CORE, casal x2, x3, [x1]
	row	UPDATE, 8, 8, 0, NEEDS_LSE | ALIGNED, casp w8, w9, w10, w11, [x1]
	row	UPDATE, 16, 16, 0, NEEDS_LSE | ALIGNED, caspal x8, x9, x10, x11, [x1]

	/* --- pointer authentication: with the keys off, a load */
	row	READ, 8, 8, 0, NEEDS_PAUTH, ldraa x2, [x1]
	row	READ, 8, 8, 8, NEEDS_PAUTH, ldrab x2, [x1, 8]!

	/* --- scalable vectors: of 16 bytes here (ZCR_EL1) */
	row2	READ, 16, 8, 0, NEEDS_SVE | ANY_FAR, "ptrue p0.d", ld1d {z2.d}, p0/z, [x1]
	row2	WRITE, 16, 4, 0, NEEDS_SVE | ANY_FAR, "ptrue p0.s", st1w {z2.s}, p0, [x1]
	row	READ, 16, 1, 0, NEEDS_SVE | ANY_FAR, ldr z2, [x1]
	row	WRITE, 16, 1, 0, NEEDS_SVE | ANY_FAR, str z2, [x1]

	/* --- no data */
	row	HINT, 0, 8, 0, CORE, prfm pldl1keep, [x1]
	row	HINT, 0, 8, -1, 0, prfum pstl2strm, [x1, -1]
	row	HINT, 0, 8, 0, 0, dc cvac, x1
	row	HINT, 0, 8, 0, 0, dc cvau, x1
	row	HINT, 0, 8, 0, CORE, dc civac, x1
	row	HINT, 0, 8, 0, EL1_ONLY, dc ivac, x1
	row	HINT, 0, 8, 0, 0, ic ivau, x1
	row	ZERO, 64, 1, 0, CORE, dc zva, x1
