/* SPDX-License-Identifier: Apache-2.0 */
/* A bare-metal guest that says "ready" on the PL011 when its PSCI knows SYSTEM_RESET2, else "absent",
 * then does what it reads there: "w" calls SYSTEM_RESET2 by its SMC32 function ID, "x" by the SMC64 one,
 * "o" SYSTEM_OFF. Says "returned" of a call that did. */
#include "bare.inc"

start:	ldr	x11, =0x09000000
	ldr	x0, =0x8400000a		/* PSCI_FEATURES */
	ldr	x1, =0x84000012
	hvc	#0
	adr	x2, ready
	cmp	w0, #0
	b.ge	1f
	adr	x2, absent
1:	bl	say
2:	bl	hear
	ldr	x0, =0x84000012
	cmp	w3, #'w'
	b.eq	3f
	ldr	x0, =0xc4000012
	cmp	w3, #'x'
	b.eq	3f
	ldr	x0, =0x84000008
	cmp	w3, #'o'
	b.ne	2b
3:	mov	x1, #0			/* SYSTEM_WARM_RESET */
	mov	x2, #0			/* cookie */
	hvc	#0
	adr	x2, back
	b	1b
ready:	.asciz	"ready\n"
absent:	.asciz	"absent\n"
back:	.asciz	"returned\n"
	.align	2
	.ltorg
end:
