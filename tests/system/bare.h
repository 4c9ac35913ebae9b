/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a bare-metal guest of one file begins: an arm64 Image header, which goes on at start; the image
 * ends at end. And two functions for the PL011, whose address they expect in x11; w3 and w4 change.
 */
	.text
	b	start
	.long	0
	.quad	0			/* text offset */
	.quad	end - .text		/* image size */
	.quad	0xa			/* little-endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

/* Says the text at x2. */
say:	ldr	w3, [x11, #0x30]
	tbnz	w3, #0, 1f
	mov	w3, #0x301		/* UART, transmitter and receiver on */
	str	w3, [x11, #0x30]
1:	ldrb	w3, [x2], #1
	cbz	w3, 3f
2:	ldr	w4, [x11, #0x18]	/* flags: transmitter full? */
	tbnz	w4, #5, 2b
	str	w3, [x11]
	b	1b
3:	ret

/* Waits for a character: w3. */
hear:	ldr	w4, [x11, #0x18]	/* flags: nothing received? */
	tbnz	w4, #4, hear
	ldr	w3, [x11]
	ret
