/* SPDX-License-Identifier: Apache-2.0 */
/* A bare-metal guest whose CPU 1 fetches from the clock's registers, and stays in its vector. CPU 0 says
 * "ready" on the PL011, then powers off when it reads "o" there, and resets when it reads "r". */
#include "bare.inc"

start:	ldr	x0, =0xc4000003		/* PSCI CPU_ON */
	mov	x1, #1
	adr	x2, second
	hvc	#0
	ldr	x11, =0x09000000
	adr	x2, ready
	bl	say
1:	bl	hear
	ldr	x0, =0x84000008
	cmp	w3, #'o'
	b.eq	2f
	ldr	x0, =0x84000009
	cmp	w3, #'r'
	b.ne	1b
2:	hvc	#0
	b	.

second:	adr	x1, vectors
	msr	vbar_el1, x1
	isb
	ldr	x1, =0x09010040
	br	x1
ready:	.asciz	"ready\n"
	.align	2
	.ltorg
	.balign	2048
vectors: .space	0x200
	b	.			/* Synchronous, from this level */
end:
