/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a bare-metal guest: an arm64 Image header, a stack, then main(); then power-off. */
	.section .head, "ax"
	b	start
	.long	0
	.quad	0			/* text offset */
	.quad	_end - head		/* image size */
	.quad	0xa			/* little-endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0
	.equ	head, . - 64
start:	adrp	x1, _end
	add	x1, x1, :lo12:_end
	mov	sp, x1
	mrs	x1, cpacr_el1		/* main() may use vector registers */
	orr	x1, x1, #(3 << 20)
	msr	cpacr_el1, x1
	isb
	bl	main
	ldr	x0, =0x84000008		/* PSCI SYSTEM_OFF */
	hvc	#0
	b	.
	.ltorg
