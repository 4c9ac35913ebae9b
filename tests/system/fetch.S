/* SPDX-License-Identifier: Apache-2.0 */
/* A bare-metal guest with an arm64 Image header: its CPU 1 fetches from the clock's registers, and stays
 * in its vector. CPU 0 says "ready" on the PL011, then powers off when it reads "o" there, and
 * resets when it reads "r". */
	.text
	b	start
	.long	0
	.quad	0			/* text offset */
	.quad	end - .text		/* image size */
	.quad	0xa			/* little-endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

start:	ldr	x0, =0xc4000003		/* PSCI CPU_ON */
	mov	x1, #1
	adr	x2, second
	hvc	#0
	ldr	x11, =0x09000000
	mov	w3, #0x301		/* UART, transmitter and receiver on */
	str	w3, [x11, #0x30]
	adr	x2, ready
say:	ldrb	w3, [x2], #1
	cbz	w3, order
1:	ldr	w4, [x11, #0x18]	/* flags: transmitter full? */
	tbnz	w4, #5, 1b
	str	w3, [x11]
	b	say
order:	ldr	w4, [x11, #0x18]	/* flags: nothing received? */
	tbnz	w4, #4, order
	ldr	w3, [x11]
	ldr	x0, =0x84000008
	cmp	w3, #'o'
	b.eq	call
	ldr	x0, =0x84000009
	cmp	w3, #'r'
	b.ne	order
call:	hvc	#0
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
