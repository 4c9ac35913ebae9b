/* SPDX-License-Identifier: Apache-2.0 */
/* insn_objdump.c compares texts in bulk; here are the fields, what is refused, and any bits. */
#include "arch/arm64/insn/insn.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>

#define PC 0x10000

/* All fields that are not 0, in a line. */
static void describe(const struct insn *i, char *buf, size_t size)
{
	static const char *const classes[] = {
		[INSN_LDST] = "ldst",	  [INSN_EXCLUSIVE] = "exclusive", [INSN_ATOMIC] = "atomic",
		[INSN_CAS] = "cas",	  [INSN_STRUCT] = "struct",	  [INSN_TAG] = "tag",
		[INSN_PREFETCH] = "hint", [INSN_ZERO] = "zero",		  [INSN_CACHE] = "cache",
		[INSN_LS64] = "ls64",	  [INSN_MOPS] = "mops",		  [INSN_SVE] = "sve",
		[INSN_SME] = "sme",
	};
	static const char *const addr[] = { "", " pre", " post", " literal" };
	static const char *const ops[] = { "add",  "clr",  "eor",  "set", "smax",
					   "smin", "umax", "umin", "swp" };
	static const char *const extends[] = { [INSN_UXTW] = "uxtw",
					       [INSN_UXTX] = "uxtx",
					       [INSN_SXTW] = "sxtw",
					       [INSN_SXTX] = "sxtx" };
	FILE *f = fmemopen(buf, size, "w");

	EXPECT(f != NULL);
	(void)fprintf(f, "%s%s", classes[i->class], addr[i->addr]);
	if (i->class == INSN_ATOMIC)
		(void)fprintf(f, " %s", ops[i->atomic]);
#define FLAG(name)                                                                                 \
	if (i->name)                                                                               \
	(void)fputs(" " #name, f)
#define NUMBER(name)                                                                               \
	if (i->name)                                                                               \
	(void)fprintf(f, " " #name "=%d", (int)i->name)
	FLAG(load);
	FLAG(store);
	FLAG(simd);
	FLAG(sign);
	FLAG(writeback);
	FLAG(acquire);
	FLAG(release);
	FLAG(unprivileged);
	FLAG(nontemporal);
	FLAG(status);
	FLAG(pauth);
	FLAG(single);
	FLAG(replicate);
	FLAG(unpredictable);
	NUMBER(size);
	NUMBER(regs);
	NUMBER(reg_bytes);
	NUMBER(selem);
	NUMBER(lane);
	NUMBER(rn);
	NUMBER(rt);
	NUMBER(rt2);
	NUMBER(rs);
	NUMBER(imm);
	if (i->reg_offset)
		(void)fprintf(f, " rm=%u %s %u", i->rm, extends[i->extend], i->shift);
	EXPECT_EQ(fclose(f), 0);
}

static const struct {
	uint32_t word;
	const char *text, *fields;
	unsigned bytes;
} known[] = {
	{ 0xf9400020, "ldr x0, [x1]", "ldst load size=8 regs=1 reg_bytes=8 rn=1", 8 },
	{ 0xb8627801, "ldr w1, [x0, x2, lsl #2]",
	  "ldst load size=4 regs=1 reg_bytes=4 rt=1 rm=2 uxtx 2", 4 },
	{ 0xf865d883, "ldr x3, [x4, w5, sxtw #3]",
	  "ldst load size=8 regs=1 reg_bytes=8 rn=4 rt=3 rm=5 sxtw 3", 8 },
	{ 0x397fffe6, "ldrb w6, [sp, #4095]",
	  "ldst load size=1 regs=1 reg_bytes=4 rn=31 rt=6 imm=4095", 1 },
	{ 0x386878e6, "ldrb w6, [x7, x8, lsl #0]",
	  "ldst load size=1 regs=1 reg_bytes=4 rn=7 rt=6 rm=8 uxtx 0", 1 },
	{ 0x386848e6, "ldrb w6, [x7, w8, uxtw]",
	  "ldst load size=1 regs=1 reg_bytes=4 rn=7 rt=6 rm=8 uxtw 0", 1 },
	{ 0x39c00441, "ldrsb w1, [x2, #1]",
	  "ldst load sign size=1 regs=1 reg_bytes=4 rn=2 rt=1 imm=1", 1 },
	{ 0x39800441, "ldrsb x1, [x2, #1]",
	  "ldst load sign size=1 regs=1 reg_bytes=8 rn=2 rt=1 imm=1", 1 },
	{ 0x78d00549, "ldrsh w9, [x10], #-256",
	  "ldst post load sign writeback size=2 regs=1 reg_bytes=4 rn=10 rt=9 imm=-256", 2 },
	{ 0x788ffd49, "ldrsh x9, [x10, #255]!",
	  "ldst pre load sign writeback size=2 regs=1 reg_bytes=8 rn=10 rt=9 imm=255", 2 },
	{ 0xb8a5e883, "ldrsw x3, [x4, x5, sxtx]",
	  "ldst load sign size=4 regs=1 reg_bytes=8 rn=4 rt=3 rm=5 sxtx 0", 4 },
	{ 0x793ffc3f, "strh wzr, [x1, #8190]",
	  "ldst store size=2 regs=1 reg_bytes=4 rn=1 rt=31 imm=8190", 2 },
	{ 0xf81f0fff, "str xzr, [sp, #-16]!",
	  "ldst pre store writeback size=8 regs=1 reg_bytes=8 rn=31 rt=31 imm=-16", 8 },
	{ 0xb8004462, "str w2, [x3], #4",
	  "ldst post store writeback size=4 regs=1 reg_bytes=4 rn=3 rt=2 imm=4", 4 },
	{ 0xf81ff041, "stur x1, [x2, #-1]", "ldst store size=8 regs=1 reg_bytes=8 rn=2 rt=1 imm=-1",
	  8 },
	{ 0xb8803041, "ldursw x1, [x2, #3]",
	  "ldst load sign size=4 regs=1 reg_bytes=8 rn=2 rt=1 imm=3", 4 },
	{ 0xf8408820, "ldtr x0, [x1, #8]",
	  "ldst load unprivileged size=8 regs=1 reg_bytes=8 rn=1 imm=8", 8 },
	{ 0x38c00820, "ldtrsb w0, [x1]",
	  "ldst load sign unprivileged size=1 regs=1 reg_bytes=4 rn=1", 1 },
	{ 0x781fe820, "sttrh w0, [x1, #-2]",
	  "ldst store unprivileged size=2 regs=1 reg_bytes=4 rn=1 imm=-2", 2 },
	{ 0x3d400420, "ldr b0, [x1, #1]", "ldst load simd size=1 regs=1 reg_bytes=1 rn=1 imm=1",
	  1 },
	{ 0x7c637841, "ldr h1, [x2, x3, lsl #1]",
	  "ldst load simd size=2 regs=1 reg_bytes=2 rn=2 rt=1 rm=3 uxtx 1", 2 },
	{ 0xbc004c62, "str s2, [x3, #4]!",
	  "ldst pre store simd writeback size=4 regs=1 reg_bytes=4 rn=3 rt=2 imm=4", 4 },
	{ 0xfc5f8083, "ldur d3, [x4, #-8]",
	  "ldst load simd size=8 regs=1 reg_bytes=8 rn=4 rt=3 imm=-8", 8 },
	{ 0x3dbffcbf, "str q31, [x5, #65520]",
	  "ldst store simd size=16 regs=1 reg_bytes=16 rn=5 rt=31 imm=65520", 16 },
	{ 0x3cc104c4, "ldr q4, [x6], #16",
	  "ldst post load simd writeback size=16 regs=1 reg_bytes=16 rn=6 rt=4 imm=16", 16 },
	{ 0xa8c17bfd, "ldp x29, x30, [sp], #16",
	  "ldst post load writeback size=8 regs=2 reg_bytes=8 rn=31 rt=29 rt2=30 imm=16", 16 },
	{ 0xa9bf7bfd, "stp x29, x30, [sp, #-16]!",
	  "ldst pre store writeback size=8 regs=2 reg_bytes=8 rn=31 rt=29 rt2=30 imm=-16", 16 },
	{ 0x295f8440, "ldp w0, w1, [x2, #252]",
	  "ldst load size=4 regs=2 reg_bytes=4 rn=2 rt2=1 imm=252", 8 },
	{ 0x69600440, "ldpsw x0, x1, [x2, #-256]",
	  "ldst load sign size=4 regs=2 reg_bytes=8 rn=2 rt2=1 imm=-256", 8 },
	{ 0xa8408440, "ldnp x0, x1, [x2, #8]",
	  "ldst load nontemporal size=8 regs=2 reg_bytes=8 rn=2 rt2=1 imm=8", 16 },
	{ 0xac200440, "stnp q0, q1, [x2, #-1024]",
	  "ldst store simd nontemporal size=16 regs=2 reg_bytes=16 rn=2 rt2=1 imm=-1024", 32 },
	{ 0x2cc10440, "ldp s0, s1, [x2], #8",
	  "ldst post load simd writeback size=4 regs=2 reg_bytes=4 rn=2 rt2=1 imm=8", 8 },
	{ 0x6d0427e8, "stp d8, d9, [sp, #64]",
	  "ldst store simd size=8 regs=2 reg_bytes=8 rn=31 rt=8 rt2=9 imm=64", 16 },
	{ 0x88dffc20, "ldar w0, [x1]", "ldst load acquire size=4 regs=1 reg_bytes=4 rn=1", 4 },
	{ 0x08dffc20, "ldarb w0, [x1]", "ldst load acquire size=1 regs=1 reg_bytes=4 rn=1", 1 },
	{ 0x489ffc20, "stlrh w0, [x1]", "ldst store release size=2 regs=1 reg_bytes=4 rn=1", 2 },
	{ 0xc8df7c20, "ldlar x0, [x1]", "ldst load acquire size=8 regs=1 reg_bytes=8 rn=1", 8 },
	{ 0xc89f7fe0, "stllr x0, [sp]", "ldst store release size=8 regs=1 reg_bytes=8 rn=31", 8 },
	{ 0x78bfc020, "ldaprh w0, [x1]", "ldst load acquire size=2 regs=1 reg_bytes=4 rn=1", 2 },
	{ 0x199ff020, "ldapursb x0, [x1, #-1]",
	  "ldst load sign acquire size=1 regs=1 reg_bytes=8 rn=1 imm=-1", 1 },
	{ 0x990ff020, "stlur w0, [x1, #255]",
	  "ldst store release size=4 regs=1 reg_bytes=4 rn=1 imm=255", 4 },
	{ 0xf8600420, "ldraa x0, [x1, #-4096]",
	  "ldst load pauth size=8 regs=1 reg_bytes=8 rn=1 imm=-4096", 8 },
	{ 0xf8a01c20, "ldrab x0, [x1, #8]!",
	  "ldst pre load writeback pauth size=8 regs=1 reg_bytes=8 rn=1 imm=8", 8 },
	{ 0xc85f7c20, "ldxr x0, [x1]", "exclusive load size=8 regs=1 reg_bytes=8 rn=1", 8 },
	{ 0x085ffc20, "ldaxrb w0, [x1]", "exclusive load acquire size=1 regs=1 reg_bytes=4 rn=1",
	  1 },
	{ 0xc8007c41, "stxr w0, x1, [x2]",
	  "exclusive store status size=8 regs=1 reg_bytes=8 rn=2 rt=1", 8 },
	{ 0x4800ffe1, "stlxrh w0, w1, [sp]",
	  "exclusive store release status size=2 regs=1 reg_bytes=4 rn=31 rt=1", 2 },
	{ 0x887f8440, "ldaxp w0, w1, [x2]",
	  "exclusive load acquire size=4 regs=2 reg_bytes=4 rn=2 rt2=1", 8 },
	{ 0xc8208861, "stlxp w0, x1, x2, [x3]",
	  "exclusive store release status size=8 regs=2 reg_bytes=8 rn=3 rt=1 rt2=2", 16 },
	{ 0xb8200041, "ldadd w0, w1, [x2]",
	  "atomic add load store size=4 regs=1 reg_bytes=4 rn=2 rt=1", 4 },
	{ 0xf8e00041, "ldaddal x0, x1, [x2]",
	  "atomic add load store acquire release size=8 regs=1 reg_bytes=8 rn=2 rt=1", 8 },
	{ 0xf820005f, "stadd x0, [x2]",
	  "atomic add load store size=8 regs=1 reg_bytes=8 rn=2 rt=31", 8 },
	{ 0xf8a0005f, "ldadda x0, xzr, [x2]",
	  "atomic add load store acquire size=8 regs=1 reg_bytes=8 rn=2 rt=31", 8 },
	{ 0x38201041, "ldclrb w0, w1, [x2]",
	  "atomic clr load store size=1 regs=1 reg_bytes=4 rn=2 rt=1", 1 },
	{ 0x78602041, "ldeorlh w0, w1, [x2]",
	  "atomic eor load store release size=2 regs=1 reg_bytes=4 rn=2 rt=1", 2 },
	{ 0xb86333ff, "stsetl w3, [sp]",
	  "atomic set load store release size=4 regs=1 reg_bytes=4 rn=31 rt=31 rs=3", 4 },
	{ 0xf8a04041, "ldsmaxa x0, x1, [x2]",
	  "atomic smax load store acquire size=8 regs=1 reg_bytes=8 rn=2 rt=1", 8 },
	{ 0x38205041, "ldsminb w0, w1, [x2]",
	  "atomic smin load store size=1 regs=1 reg_bytes=4 rn=2 rt=1", 1 },
	{ 0x78206041, "ldumaxh w0, w1, [x2]",
	  "atomic umax load store size=2 regs=1 reg_bytes=4 rn=2 rt=1", 2 },
	{ 0x3820705f, "stuminb w0, [x2]",
	  "atomic umin load store size=1 regs=1 reg_bytes=4 rn=2 rt=31", 1 },
	{ 0x38e08041, "swpalb w0, w1, [x2]",
	  "atomic swp load store acquire release size=1 regs=1 reg_bytes=4 rn=2 rt=1", 1 },
	{ 0xf83f805f, "swp xzr, xzr, [x2]",
	  "atomic swp load store size=8 regs=1 reg_bytes=8 rn=2 rt=31 rs=31", 8 },
	{ 0x88a07c41, "cas w0, w1, [x2]", "cas load store size=4 regs=1 reg_bytes=4 rn=2 rt=1", 4 },
	{ 0x08e0fc41, "casalb w0, w1, [x2]",
	  "cas load store acquire release size=1 regs=1 reg_bytes=4 rn=2 rt=1", 1 },
	{ 0x4860fc82, "caspal x0, x1, x2, x3, [x4]",
	  "cas load store acquire release size=8 regs=2 reg_bytes=8 rn=4 rt=2", 16 },
	{ 0x083e7ffc, "casp w30, wzr, w28, w29, [sp]",
	  "cas load store size=4 regs=2 reg_bytes=4 rn=31 rt=28 rs=30", 8 },
	{ 0x4c407000, "ld1 {v0.16b}, [x0]", "struct load simd size=1 regs=1 reg_bytes=16 selem=1",
	  16 },
	{ 0x4cdf641e, "ld1 {v30.8h, v31.8h, v0.8h}, [x0], #48",
	  "struct post load simd writeback size=2 regs=3 reg_bytes=16 selem=1 rt=30 imm=48", 48 },
	{ 0x4cc92c01, "ld1 {v1.2d-v4.2d}, [x0], x9",
	  "struct post load simd writeback size=8 regs=4 reg_bytes=16 selem=1 rt=1 rm=9 uxtx 0",
	  64 },
	{ 0x0c00afe0, "st1 {v0.1d, v1.1d}, [sp]",
	  "struct store simd size=8 regs=2 reg_bytes=8 selem=1 rn=31", 16 },
	{ 0x4c408800, "ld2 {v0.4s, v1.4s}, [x0]",
	  "struct load simd size=4 regs=2 reg_bytes=16 selem=2", 32 },
	{ 0x0c9f401d, "st3 {v29.8b-v31.8b}, [x0], #24",
	  "struct post store simd writeback size=1 regs=3 reg_bytes=8 selem=3 rt=29 imm=24", 24 },
	{ 0x0cc20820, "ld4 {v0.2s-v3.2s}, [x1], x2",
	  "struct post load simd writeback size=4 regs=4 reg_bytes=8 selem=4 rn=1 rm=2 uxtx 0",
	  32 },
	{ 0x4d401c00, "ld1 {v0.b}[15], [x0]",
	  "struct load simd single size=1 regs=1 reg_bytes=1 selem=1 lane=15", 1 },
	{ 0x4d9f5800, "st1 {v0.h}[7], [x0], #2",
	  "struct post store simd writeback single size=2 regs=1 reg_bytes=2 selem=1 lane=7 imm=2",
	  2 },
	{ 0x4de59000, "ld2 {v0.s, v1.s}[3], [x0], x5",
	  "struct post load simd writeback single size=4 regs=2 reg_bytes=4 selem=2 lane=3 rm=5 "
	  "uxtx 0",
	  8 },
	{ 0x4d9fa400, "st3 {v0.d-v2.d}[1], [x0], #24",
	  "struct post store simd writeback single size=8 regs=3 reg_bytes=8 selem=3 lane=1 imm=24",
	  24 },
	{ 0x0d60241f, "ld4 {v31.b, v0.b, v1.b, v2.b}[1], [x0]",
	  "struct load simd single size=1 regs=4 reg_bytes=1 selem=4 lane=1 rt=31", 4 },
	{ 0x0d40c000, "ld1r {v0.8b}, [x0]",
	  "struct load simd single replicate size=1 regs=1 reg_bytes=8 selem=1", 1 },
	{ 0x0dffcc00, "ld2r {v0.1d, v1.1d}, [x0], #16",
	  "struct post load simd writeback single replicate size=8 regs=2 reg_bytes=8 selem=2 "
	  "imm=16",
	  16 },
	{ 0x4de1e400, "ld4r {v0.8h-v3.8h}, [x0], x1",
	  "struct post load simd writeback single replicate size=2 regs=4 reg_bytes=16 selem=4 "
	  "rm=1 uxtx 0",
	  8 },
	{ 0xf9800400, "prfm pldl1keep, [x0, #8]", "hint imm=8", 0 },
	{ 0xf8a17815, "prfm pstl3strm, [x0, x1, lsl #3]", "hint rt=21 rm=1 uxtx 3", 0 },
	{ 0xf89ff00a, "prfum plil2keep, [x0, #-1]", "hint rt=10 imm=-1", 0 },
	{ 0xf9800026, "prfm #0x06, [x1]", "hint rn=1 rt=6", 0 },
	{ 0xd50b7420, "dc zva, x0", "zero store", 0 },
	{ 0xd50b7461, "dc gva, x1", "zero store rn=1", 0 },
	{ 0xd50b749f, "dc gzva, xzr", "zero store rn=31", 0 },
	{ 0xd50b7e22, "dc civac, x2", "cache rn=2", 0 },
	{ 0xd5087623, "dc ivac, x3", "cache rn=3", 0 },
	{ 0xd50b7524, "ic ivau, x4", "cache rn=4", 0 },
	{ 0xd9700020, "ldg x0, [x1, #-4096]", "tag load size=16 regs=1 reg_bytes=8 rn=1 imm=-4096",
	  16 },
	{ 0xd9201c3f, "stg sp, [x1, #16]!",
	  "tag pre store writeback size=16 regs=1 reg_bytes=8 rn=1 rt=31 imm=16", 16 },
	{ 0xd9601420, "stzg x0, [x1], #16",
	  "tag post store writeback size=16 regs=1 reg_bytes=8 rn=1 imm=16", 16 },
	{ 0xd9a00820, "st2g x0, [x1]", "tag store size=32 regs=1 reg_bytes=8 rn=1", 32 },
	{ 0xd9effbe0, "stz2g x0, [sp, #4080]",
	  "tag store size=32 regs=1 reg_bytes=8 rn=31 imm=4080", 32 },
	{ 0xd9a00020, "stgm x0, [x1]", "tag store regs=1 reg_bytes=8 rn=1", 0 },
	{ 0xd9e00020, "ldgm x0, [x1]", "tag load regs=1 reg_bytes=8 rn=1", 0 },
	{ 0x69008440, "stgp x0, x1, [x2, #16]",
	  "tag store size=8 regs=2 reg_bytes=8 rn=2 rt2=1 imm=16", 16 },
	{ 0xf83fd036, "ld64b x22, [x1]", "ls64 load size=8 regs=8 reg_bytes=8 rn=1 rt=22", 64 },
	{ 0xf83f93e0, "st64b x0, [sp]", "ls64 store size=8 regs=8 reg_bytes=8 rn=31", 64 },
	{ 0xf823b020, "st64bv x3, x0, [x1]",
	  "ls64 store status size=8 regs=8 reg_bytes=8 rn=1 rs=3", 64 },
	{ 0xf823a020, "st64bv0 x3, x0, [x1]",
	  "ls64 store status size=8 regs=8 reg_bytes=8 rn=1 rs=3", 64 },
	{ 0x19010440, "cpyfp [x0]!, [x1]!, x2!", "mops load store rn=2 rs=1", 0 },
	{ 0x1d419440, "cpymwtrn [x0]!, [x1]!, x2!", "mops load store rn=2 rs=1", 0 },
	{ 0x19dfb420, "setetn [x0]!, x1!, xzr", "mops store rn=1 rs=31", 0 },
	{ 0x1dc20420, "setgp [x0]!, x1!, x2", "mops store rn=1 rs=2", 0 },
	{ 0x58008000, "ldr x0, 0x11000", "ldst literal load size=8 regs=1 reg_bytes=8 imm=4096",
	  8 },
	{ 0x98ffffe1, "ldrsw x1, 0xfffc",
	  "ldst literal load sign size=4 regs=1 reg_bytes=8 rt=1 imm=-4", 4 },
	{ 0x9c000002, "ldr q2, 0x10000", "ldst literal load simd size=16 regs=1 reg_bytes=16 rt=2",
	  16 },
	{ 0xd8000040, "prfm pldl1keep, 0x10008", "hint literal imm=8", 0 },
	/* FEAT_LRCPC3 and FEAT_LSE128, which objdump 2.40 does not know */
	{ 0x99411860, "ldiapp w0, w1, [x3]",
	  "ldst load acquire size=4 regs=2 reg_bytes=4 rn=3 rt2=1", 8 },
	{ 0xd9410860, "ldiapp x0, x1, [x3], #16",
	  "ldst post load writeback acquire size=8 regs=2 reg_bytes=8 rn=3 rt2=1 imm=16", 16 },
	{ 0xd9010a1b, "stilp x27, x1, [x16, #-16]!",
	  "ldst pre store writeback release size=8 regs=2 reg_bytes=8 rn=16 rt=27 rt2=1 imm=-16",
	  16 },
	{ 0x99800841, "stlr w1, [x2, #-4]!",
	  "ldst pre store writeback release size=4 regs=1 reg_bytes=4 rn=2 rt=1 imm=-4", 4 },
	{ 0xd9c00841, "ldapr x1, [x2], #8",
	  "ldst post load writeback acquire size=8 regs=1 reg_bytes=8 rn=2 rt=1 imm=8", 8 },
	{ 0x9d1fd9e3, "stlur s3, [x15, #-3]",
	  "ldst store simd release size=4 regs=1 reg_bytes=4 rn=15 rt=3 imm=-3", 4 },
	{ 0x1dc0abe3, "ldapur q3, [sp, #10]",
	  "ldst load simd acquire size=16 regs=1 reg_bytes=16 rn=31 rt=3 imm=10", 16 },
	{ 0x0d0185e3, "stl1 {v3.d}[0], [x15]",
	  "struct store simd release single size=8 regs=1 reg_bytes=8 selem=1 rn=15 rt=3", 8 },
	{ 0x4d4185e3, "ldap1 {v3.d}[1], [x15]",
	  "struct load simd acquire single size=8 regs=1 reg_bytes=8 selem=1 lane=1 rn=15 rt=3",
	  8 },
	{ 0x19221161, "ldclrp x1, x2, [x11]",
	  "atomic clr load store size=8 regs=2 reg_bytes=8 rn=11 rt=1 rt2=2", 16 },
	{ 0x19a231f5, "ldsetpa x21, x2, [x15]",
	  "atomic set load store acquire size=8 regs=2 reg_bytes=8 rn=15 rt=21 rt2=2", 16 },
	{ 0x19e28161, "swppal x1, x2, [x11]",
	  "atomic swp load store acquire release size=8 regs=2 reg_bytes=8 rn=11 rt=1 rt2=2", 16 },
	/* SVE, SME */
	{ 0xa400a000, "ld1b", "sve load", 0 },
	{ 0xc4c1a400, "ldff1sh", "sve load", 0 },
	{ 0xe570e000, "st4w", "sve store", 0 },
	{ 0x85c06000, "prfd", "sve", 0 },
	{ 0xe5800020, "str", "sve store", 0 },
	{ 0x85804020, "ldr", "sve load", 0 },
	{ 0xe1df0000, "ld1q", "sme load", 0 },
	{ 0xe1200000, "str", "sme store", 0 },
};

TEST(insn_fields_and_text_of_each_kind)
{
	for (size_t n = 0; n < ARRAY_SIZE(known); n++) {
		char text[INSN_TEXT_MAX], fields[300];
		struct insn i;

		(void)insn_text(known[n].word, PC, text, sizeof(text));
		EXPECT_STR(text, known[n].text);
		EXPECT(insn_decode(known[n].word, &i));
		describe(&i, fields, sizeof(fields));
		if (strcmp(fields, known[n].fields) != 0)
			(void)printf("    %s\n", text);
		EXPECT_STR(fields, known[n].fields);
		EXPECT_EQ(insn_bytes(&i), known[n].bytes);
		EXPECT_EQ(i.word, known[n].word);
	}
}

TEST(insn_unallocated_and_other_instructions_are_refused)
{
	static const uint32_t words[] = {
		0x00000000, /* UDF */
		0xffffffff, /* in no group */
		0x91000400, /* add x0, x0, #1 */
		0x14000000, /* b . */
		0xd503201f, /* nop */
		0xd5087800, /* at s1e1r, x0: translates, accesses nothing */
		0xd5087640, /* dc isw, x0: by set and way */
		0xd508711f, /* ic ialluis: no address */
		0xd5388600, /* mrs: not SYS */
		0xd5281000, /* SYSL */
		0xb8e00400, /* post-index, size 10, opc 11 */
		0xf8800c00, /* pre-index where PRFM would be */
		0xf8800800, /* unprivileged PRFM */
		0x3c400800, /* unprivileged SIMD&FP */
		0x7d800000, /* 16-bit SIMD&FP, opc 10 */
		0xb8602800, /* register offset, option 001 */
		0xe8000000, /* pair, opc 11 */
		0x68000000, /* no-allocate pair, opc 01 */
		0xdc000000, /* literal, SIMD&FP, opc 11 */
		0x0861fc02, /* CASP from X1 on */
		0x0860fc01, /* CASP with X1 as new value */
		0x08e0f841, /* CAS, Rt2 not 31 */
		0x0c401000, /* structures, opcode 0001 */
		0x0c408c00, /* LD2 of 64-bit elements, Q 0 */
		0x0c610000, /* structures without post-index, bits 20:16 not 0 */
		0x0d404400, /* lane of 16 bits, size 01 */
		0x0d00c000, /* ST1R */
		0x0d409400, /* lane of 64 bits, S 1 */
		0xf83fd021, /* LD64B to X1 */
		0xf83fd038, /* LD64B to X24 */
		0xf820c020, /* LDAPR without A */
		0x7820d020, /* LD64B, size 01 */
		0xd9201020, /* STZGM with an offset */
		0x19c0c420, /* SET*, op2 11xx */
		0x59010440, /* CPY*, size 01 */
		0x19200000, /* LSE128, opc 000, o3 0 */
		0x1920103f, /* LDCLRP with XZR */
		0x99002800, /* LDIAPP's space, opc2 0010 */
		0x59400800, /* the same, size 01 */
		0xa41f4000, /* SVE LD1B, offset in XZR */
		0xe5204000, /* SVE ST1W, elements of 16 bits in the register */
		0xc6008000, /* SVE: outside of what accesses memory */
		0xe1008000, /* SME LDR, bit 15 */
	};

	for (size_t n = 0; n < ARRAY_SIZE(words); n++) {
		char text[INSN_TEXT_MAX], want[INSN_TEXT_MAX];
		struct insn i;

		(void)insn_text(words[n], PC, text, sizeof(text));
		(void)snprintf(want, sizeof(want), ".inst 0x%08x", words[n]);
		EXPECT_STR(text, want);
		EXPECT(!insn_decode(words[n], &i));
	}
}

TEST(insn_overlaps_and_should_be_one_bits_are_flagged)
{
	static const struct {
		uint32_t word;
		bool flagged;
	} cases[] = {
		{ 0xf8408421, true },  /* ldr x1, [x1], #8 */
		{ 0xf80087ff, false }, /* str xzr, [sp], #8: 31 is two things */
		{ 0xf9400021, false }, /* ldr x1, [x1] */
		{ 0xf8408401, false }, /* ldr x1, [x0], #8 */
		{ 0xa8c10801, false }, /* ldp x1, x2, [x0], #16 */
		{ 0xfc408421, false }, /* ldr d1, [x1], #8 */
		{ 0xa9400400, false }, /* ldp x0, x1, [x0] */
		{ 0xa9c00400, true },  /* ldp x0, x1, [x0, #0]! */
		{ 0xa9c00001, true },  /* ldp x1, x0, [x0, #0]! */
		{ 0xa8800400, true },  /* stp x0, x1, [x0], #0 */
		{ 0xa9400020, true },  /* ldp x0, x0, [x1] */
		{ 0xa9000020, false }, /* stp x0, x0, [x1] */
		{ 0xad400020, true },  /* ldp q0, q0, [x1] */
		{ 0xc8007c40, true },  /* stxr w0, x0, [x2] */
		{ 0xc8007c01, true },  /* stxr w0, x1, [x0] */
		{ 0xc81f7fe1, false }, /* stxr wzr, x1, [sp] */
		{ 0xc8200041, true },  /* stxp w0, x1, x0, [x2] */
		{ 0xc87f0040, true },  /* ldxp x0, x0, [x2] */
		{ 0xc85f7c41, false }, /* ldxr x1, [x2] */
		{ 0xc8407c41, true },  /* the same, Rs not all ones */
		{ 0xc85f0041, true },  /* the same, Rt2 not all ones */
		{ 0xc8dffc41, false }, /* ldar x1, [x2] */
		{ 0xc8c0fc41, true },  /* the same, Rs not all ones */
		{ 0xf8a0c020, true },  /* ldapr x0, [x1], Rs not all ones */
		{ 0xf8200c00, true },  /* ldraa x0, [x0]! */
		{ 0x99400800, true },  /* ldiapp w0, w0, [x0], #8 */
		{ 0x99010820, true },  /* stilp w0, w1, [x1, #-8]! */
		{ 0x99800821, true },  /* stlr w1, [x1, #-4]! */
		{ 0x19211041, true },  /* ldclrp x1, x1, [x2] */
		{ 0x19000440, true },  /* cpyfp [x0]!, [x0]!, x2! */
		{ 0x19010400, true },  /* cpyfp [x0]!, [x1]!, x0! */
		{ 0x191f0440, true },  /* cpyfp [x0]!, [xzr]!, x2! */
		{ 0x19df0420, false }, /* setp [x0]!, x1!, xzr */
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct insn i;

		EXPECT(insn_decode(cases[n].word, &i));
		if (i.unpredictable != cases[n].flagged)
			test_fail(__FILE__, __LINE__, "%08x: flag is %d", cases[n].word,
				  i.unpredictable);
	}
}

TEST(insn_literal_addresses_wrap)
{
	char text[INSN_TEXT_MAX];

	(void)insn_text(0x98ffffe1, 0, text, sizeof(text));
	EXPECT_STR(text, "ldrsw x1, 0xfffffffffffffffc");
	(void)insn_text(0x58000040, UINT64_MAX - 3, text, sizeof(text));
	EXPECT_STR(text, "ldr x0, 0x4");
}

TEST(insn_text_is_cut_to_any_size_and_its_length_told)
{
	static const uint32_t words[] = { 0x0d60241f, 0xa9bf7bfd, 0x00000000 };

	for (size_t n = 0; n < ARRAY_SIZE(words); n++) {
		char whole[INSN_TEXT_MAX];
		size_t len = insn_text(words[n], PC, whole, sizeof(whole));

		EXPECT_EQ(len, strlen(whole));
		EXPECT_EQ(insn_text(words[n], PC, NULL, 0), len);
		for (size_t size = 1; size <= len + 1; size++) {
			char *buf = malloc(size); /* its end is where ASan looks */

			EXPECT(buf != NULL);
			EXPECT_EQ(insn_text(words[n], PC, buf, size), len);
			EXPECT_EQ(strlen(buf), size - 1);
			EXPECT_EQ(memcmp(buf, whole, size - 1), 0);
			free(buf);
		}
	}
}

/* What an emulator relies on without looking. */
static void expect_bounds(const struct insn *i)
{
	bool general = !i->simd && (i->load || i->store);

	EXPECT(i->name && i->name[0] && i->suffix);
	EXPECT(i->rn < 32 && i->rt < 32 && i->rt2 < 32 && i->rs < 32 && i->rm < 32);
	EXPECT(i->shift <= 4 && i->regs <= 8 && i->selem <= 4);
	EXPECT(i->reg_bytes <= 16 && (i->size <= 16 || i->class == INSN_TAG));
	EXPECT_EQ(i->writeback, i->addr == INSN_PRE || i->addr == INSN_POST);
	if (i->reg_offset)
		EXPECT(i->extend == INSN_UXTW || i->extend == INSN_UXTX || i->extend == INSN_SXTW ||
		       i->extend == INSN_SXTX);
	if (i->class <= INSN_CAS)
		EXPECT(i->size && !(i->size & (i->size - 1)) && (i->regs == 1 || i->regs == 2));
	if (i->class <= INSN_CAS && general)
		EXPECT(i->size <= 8 && (i->reg_bytes == 4 || i->reg_bytes == 8));
	if (i->class == INSN_CAS && i->regs == 2)
		EXPECT(i->rs < 31 && i->rt < 31);
	if (i->class == INSN_LS64)
		EXPECT(i->rt <= 22);
	if (i->class == INSN_STRUCT) {
		EXPECT(i->regs && i->selem && i->regs % i->selem == 0 && i->size <= 8);
		EXPECT(i->reg_bytes % i->size == 0 && (i->lane + 1) * i->size <= 16);
	}
	EXPECT(insn_bytes(i) <= 64);
}

TEST(insn_any_bits_are_harmless_and_within_bounds)
{
	uint64_t state = 1;
	unsigned taken = 0;

	for (unsigned n = 0; n < 1000000; n++) {
		char text[INSN_TEXT_MAX];
		struct insn i;
		size_t len;
		uint32_t w;

		state = state * 6364136223846793005 + 1442695040888963407;
		w = (uint32_t)(state >> 32);
		if (n % 2)
			w = (w & ~0x0a000000U) | 0x08000000; /* loads and stores */
		len = insn_text(w, state, text, sizeof(text));
		EXPECT(len > 0 && len < sizeof(text));
		if (!insn_decode(w, &i))
			continue;
		taken++;
		expect_bounds(&i);
	}
	EXPECT(taken > 100000);
}

TEST_MAIN(T(insn_fields_and_text_of_each_kind),
	  T(insn_unallocated_and_other_instructions_are_refused),
	  T(insn_overlaps_and_should_be_one_bits_are_flagged), T(insn_literal_addresses_wrap),
	  T(insn_text_is_cut_to_any_size_and_its_length_told),
	  T(insn_any_bits_are_harmless_and_within_bounds))
