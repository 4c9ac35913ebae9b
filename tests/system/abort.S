/* SPDX-License-Identifier: Apache-2.0 */
/* A bare-metal guest that touches what nobody claims, in four ways, and says
 * "aborts N": how many of them were the synchronous external abort of real hardware, with the right
 * ESR, FAR and ELR and the target register untouched. Then asks PSCI to power off. */
#include "bare.inc"

/* Is the access at x19 of the address in x11 that aborted? Counts in x20, and goes on behind it. */
	.align	11
vectors:
	.space	0x200			/* exceptions with SP_EL0: none */
	mrs	x0, esr_el1
	cmp	w0, w21
	b.ne	1f
	mrs	x0, far_el1
	cmp	x0, x11
	b.ne	1f
	mrs	x0, elr_el1
	cmp	x0, x19
	b.ne	1f
	ldr	x0, =0x5a5a
	cmp	x10, x0
	b.ne	1f
	add	x20, x20, #1
1:	mrs	x0, elr_el1
	add	x0, x0, #4
	msr	elr_el1, x0
	eret
	.ltorg

	/* ESR: data abort, same level, 32-bit instruction; external abort; WnR as said */
	.macro	touch wnr, instruction:vararg
	ldr	w21, =0x96000010 | (\wnr << 6)
	adr	x19, 1f
	ldr	x10, =0x5a5a
1:	\instruction
	.endm

start:	adr	x0, vectors
	msr	vbar_el1, x0
	isb
	mov	x20, #0
	ldr	x11, =0x0a000000	/* an empty virtio slot */
	touch	0, ldr w10, [x11]
	touch	1, str w10, [x11]
	touch	0, ldp x10, x12, [x11]	/* no syndrome */
	ldr	x11, =0x09000000	/* a PL011, which has no 64-bit registers */
	touch	0, ldr x10, [x11]
	adr	x2, text
	add	w20, w20, #'0'
	strb	w20, [x2, #7]
	bl	say
	ldr	x0, =0x84000008
	hvc	#0
	b	.
text:	.asciz	"aborts ?\n"
	.align	2
	.ltorg
end:
