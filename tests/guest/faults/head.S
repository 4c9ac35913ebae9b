/* SPDX-License-Identifier: Apache-2.0 */
/* The head of the guest: an arm64 Image header, the vectors, and run(). */
#include "faults.h"

	.section .head, "ax"
head:	b	start
	.long	0
	.quad	0			/* text offset */
	.quad	_end - head		/* image size */
	.quad	0xa			/* little-endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

start:	adrp	x1, head
	ldr	x2, =head
	cmp	x1, x2			/* linked for the start of RAM, and there it is */
	b.ne	off
	ldr	x1, =stack_end
	mov	sp, x1
	mov	x1, #(3 << 20 | 3 << 16) /* FP and SVE, where there is */
	msr	cpacr_el1, x1
	adrp	x1, vectors
	msr	vbar_el1, x1
	isb
	bl	main
off:	ldr	x0, =0x84000008		/* PSCI SYSTEM_OFF */
	hvc	#0
	b	.
	.ltorg

	.text
/* void run(const struct cpu *in, struct cpu *out) */
	.global	run
run:	stp	x29, x30, [sp, #-96]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	adrp	x2, back
	add	x2, x2, :lo12:back
	mov	x3, sp
	stp	x3, x1, [x2]
	ldr	x3, =0x1122334455667788	/* what no case expects */
	msr	far_el1, x3
	msr	esr_el1, x3
	ldp	q0, q1, [x0, #CPU_V]
	ldp	q2, q3, [x0, #CPU_V + 0x20]
	ldp	q4, q5, [x0, #CPU_V + 0x40]
	ldp	q6, q7, [x0, #CPU_V + 0x60]
	ldr	x1, [x0, #CPU_SP0]
	msr	sp_el0, x1
	ldp	x1, x2, [x0, #CPU_SP1]	/* and the PC */
	mov	sp, x1
	msr	elr_el1, x2
	ldr	x1, [x0, #CPU_PSTATE]
	msr	spsr_el1, x1
	ldp	x2, x3, [x0, #0x10]
	ldp	x4, x5, [x0, #0x20]
	ldp	x6, x7, [x0, #0x30]
	ldp	x8, x9, [x0, #0x40]
	ldp	x10, x11, [x0, #0x50]
	ldp	x12, x13, [x0, #0x60]
	ldp	x14, x15, [x0, #0x70]
	ldp	x16, x17, [x0, #0x80]
	ldp	x18, x19, [x0, #0x90]
	ldp	x20, x21, [x0, #0xa0]
	ldp	x22, x23, [x0, #0xb0]
	ldp	x24, x25, [x0, #0xc0]
	ldp	x26, x27, [x0, #0xd0]
	ldp	x28, x29, [x0, #0xe0]
	ldr	x30, [x0, #0xf0]
	ldp	x0, x1, [x0]
	eret

/* Any exception: with a case under way its end, else that of the guest. X0 is in TPIDR_EL1. */
save:	msr	tpidr_el0, x0
	adrp	x0, back
	add	x0, x0, :lo12:back
	ldr	x0, [x0, #8]
	cbz	x0, 1f
	stp	x2, x3, [x0, #0x10]
	stp	x4, x5, [x0, #0x20]
	stp	x6, x7, [x0, #0x30]
	stp	x8, x9, [x0, #0x40]
	stp	x10, x11, [x0, #0x50]
	stp	x12, x13, [x0, #0x60]
	stp	x14, x15, [x0, #0x70]
	stp	x16, x17, [x0, #0x80]
	stp	x18, x19, [x0, #0x90]
	stp	x20, x21, [x0, #0xa0]
	stp	x22, x23, [x0, #0xb0]
	stp	x24, x25, [x0, #0xc0]
	stp	x26, x27, [x0, #0xd0]
	stp	x28, x29, [x0, #0xe0]
	str	x30, [x0, #0xf0]
	mrs	x2, tpidr_el1
	stp	x2, x1, [x0]
	mrs	x2, sp_el0
	str	x2, [x0, #CPU_SP0]
	mov	x2, sp
	mrs	x3, elr_el1
	stp	x2, x3, [x0, #CPU_SP1]
	mrs	x2, spsr_el1
	str	x2, [x0, #CPU_PSTATE]
	stp	q0, q1, [x0, #CPU_V]
	stp	q2, q3, [x0, #CPU_V + 0x20]
	stp	q4, q5, [x0, #CPU_V + 0x40]
	stp	q6, q7, [x0, #CPU_V + 0x60]
	mrs	x2, esr_el1
	mrs	x3, far_el1
	stp	x2, x3, [x0, #CPU_ESR]
	mrs	x2, tpidr_el0
	str	x2, [x0, #CPU_VECTOR]
	adrp	x2, back
	add	x2, x2, :lo12:back
	ldr	x3, [x2]
	mov	sp, x3
	str	xzr, [x2, #8]
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #96
	ret
1:	ldr	x0, =stack_end
	mov	sp, x0
	mrs	x0, esr_el1
	mrs	x1, far_el1
	mrs	x2, elr_el1
	bl	stray
	b	off
	.ltorg

	.macro	vector offset
	.org	vectors + \offset
	msr	tpidr_el1, x0
	mov	x0, #\offset
	b	save
	.endm

	.balign	4096
	.global	vectors
vectors:
	.irp	offset, 0x000, 0x080, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380
	vector	\offset
	.endr
	.irp	offset, 0x400, 0x480, 0x500, 0x580, 0x600, 0x680, 0x700, 0x780
	vector	\offset
	.endr
	.org	vectors + 0x800

	.bss
	.balign	16
back:	.skip	16			/* of run(): its stack pointer, and where the CPU goes; or 0 */
	.skip	0x8000
stack_end:
