/* SPDX-License-Identifier: Apache-2.0 */
/* A bare-metal guest with an arm64 Image header: says "ready" on the PL011 when its PSCI knows
 * SYSTEM_RESET2, else "absent", then does what it reads there: "w" calls SYSTEM_RESET2 by its SMC32
 * function ID, "x" by the SMC64 one, "o" SYSTEM_OFF. Says "returned" of a call that did. */
	.text
	b	start
	.long	0
	.quad	0			/* text offset */
	.quad	end - .text		/* image size */
	.quad	0xa			/* little-endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

start:	ldr	x11, =0x09000000
	mov	w3, #0x301		/* UART, transmitter and receiver on */
	str	w3, [x11, #0x30]
	ldr	x0, =0x8400000a		/* PSCI_FEATURES */
	ldr	x1, =0x84000012
	hvc	#0
	adr	x2, ready
	cmp	w0, #0
	b.ge	say
	adr	x2, absent
say:	ldrb	w3, [x2], #1
	cbz	w3, order
1:	ldr	w4, [x11, #0x18]	/* flags: transmitter full? */
	tbnz	w4, #5, 1b
	str	w3, [x11]
	b	say
order:	ldr	w4, [x11, #0x18]	/* flags: nothing received? */
	tbnz	w4, #4, order
	ldr	w3, [x11]
	ldr	x0, =0x84000012
	cmp	w3, #'w'
	b.eq	call
	ldr	x0, =0xc4000012
	cmp	w3, #'x'
	b.eq	call
	ldr	x0, =0x84000008
	cmp	w3, #'o'
	b.ne	order
call:	mov	x1, #0			/* SYSTEM_WARM_RESET */
	mov	x2, #0			/* cookie */
	hvc	#0
	adr	x2, back
	b	say
ready:	.asciz	"ready\n"
absent:	.asciz	"absent\n"
back:	.asciz	"returned\n"
	.align	2
	.ltorg
end:
