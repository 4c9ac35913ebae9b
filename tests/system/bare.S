/* A bare-metal guest with an arm64 Image header: says "bare" and a newline on the PL011, then asks
 * PSCI to power off or, built with RESET defined, to reset: for ever. */
#ifdef RESET
#define LAST_CALL 0x84000009
#else
#define LAST_CALL 0x84000008
#endif
	.text
	b	start
	.long	0
	.quad	0			/* text offset */
	.quad	end - .text		/* image size */
	.quad	0xa			/* little-endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0
start:	ldr	x1, =0x09000000
	mov	w3, #0x301		/* UART, transmitter and receiver on */
	str	w3, [x1, #0x30]
	adr	x2, text
1:	ldrb	w3, [x2], #1
	cbz	w3, 3f
2:	ldr	w4, [x1, #0x18]		/* flags: transmitter full? */
	tbnz	w4, #5, 2b
	str	w3, [x1]
	b	1b
3:	ldr	x0, =LAST_CALL
	hvc	#0
	b	.
text:	.asciz	"bare\n"
	.ltorg
end:
