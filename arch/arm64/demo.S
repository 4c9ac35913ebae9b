/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo: the guest of `vmm demo faults`: a bare-metal program that touches what it must not, one way
 * after the other, and says on its console what it does and what it felt. vmm writes the image to
 * where any kernel comes from; see vmm/demo.c. Position-independent, no data relocations.
 */
	.section .rodata.demo, "a"
	.balign 4096
	.globl	arch_demo_image, arch_demo_image_end, arch_demo_names
	.type	arch_demo_image, %object

	.macro	func name
	.balign	4
\name:
	.endm

	.macro	enter
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	.endm

	.macro	leave
	ldp	x29, x30, [sp], #16
	ret
	.endm

	.macro	print text
	adr	x0, 91f
	bl	say
	b	92f
91:	.asciz	"\text"
	.balign	4
92:
	.endm

arch_demo_image:
	b	start
	.long	0
	.quad	0			/* text offset */
	.quad	stack_top - arch_demo_image
	.quad	0xa			/* little-endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

func start
	adr	x0, stack_top
	mov	sp, x0
	mov	x29, #0
	mov	x30, #0
	adr	x0, vectors
	msr	vbar_el1, x0
	mrs	x0, cpacr_el1
	orr	x0, x0, #(3 << 20)	/* SIMD&FP */
	msr	cpacr_el1, x0
	isb
	bl	mmu_on
	bl	write_to_nothing
	bl	load_a_pair
	bl	ask_a_device_for_too_much
	bl	write_read_only_memory
	bl	run_off_the_end_of_ram
	bl	jump_to_nothing
	bl	walk_through_nothing
	print	"\ndemo: done; the guest powers off\n"
	ldr	x0, =0x84000008		/* PSCI SYSTEM_OFF */
	hvc	#0
	b	.

/* --- the bad accesses ---------------------------------------------------------------------- */

func write_to_nothing
	enter
	print	"\ndemo: a store to an address that nothing claims, through a mapping\n"
	ldr	x1, =0xca000040		/* mapped to 0x0a000040 */
	mov	w2, #0x1234
	bl	poke
	leave

func poke
	enter
	str	w2, [x1]
	leave

func load_a_pair
	enter
	print	"\ndemo: a load of two registers with write-back: the CPU does not describe it\n"
	ldr	x1, =0x0b000000
	ldp	x2, x3, [x1], #16
	leave

func ask_a_device_for_too_much
	enter
	print	"\ndemo: 8 bytes of a UART, which has registers of 4 at most\n"
	ldr	x1, =0x09000000
	ldr	x2, [x1]
	leave

func write_read_only_memory
	enter
	print	"\ndemo: a store to read-only memory\n"
	ldr	x1, =0x04000100
	mov	w2, #1
	str	w2, [x1]
	leave

func run_off_the_end_of_ram
	enter
	print	"\ndemo: 16 bytes, of which the last 8 lie beyond the end of RAM\n"
	ldr	x1, =0x43fffff8
	ldr	q0, [x1]
	leave

func jump_to_nothing
	enter
	print	"\ndemo: a call to where there is no memory\n"
	ldr	x1, =0x60001000
	adr	x28, 1f			/* where to go on */
	blr	x1
1:	leave

func walk_through_nothing
	enter
	print	"\ndemo: a load from an address whose translation table is not in memory\n"
	ldr	x1, =0x80000000
	ldr	w2, [x1]
	leave

/* --- translation --------------------------------------------------------------------------- */

/*
 * 39 bits, 4 KiB granule, 1 GiB a descriptor: 0 is devices, 1 is RAM, 2 is a table that is not
 * there, 3 is devices once more.
 */
func mmu_on
	enter
	adr	x1, tables
	adr	x2, descriptors
	mov	x3, #4
1:	ldr	x4, [x2], #8
	str	x4, [x1], #8
	subs	x3, x3, #1
	b.ne	1b
	ldr	x0, =0xff04		/* 0: Device-nGnRE, 1: Normal WB */
	msr	mair_el1, x0
	ldr	x0, =0x200803519	/* T0SZ 25, WB walks, no TTBR1, 40 bits out */
	msr	tcr_el1, x0
	adr	x0, tables
	msr	ttbr0_el1, x0
	dsb	sy
	isb
	mrs	x0, sctlr_el1
	orr	x0, x0, #1
	msr	sctlr_el1, x0
	isb
	leave
	.balign	8
descriptors:
	.quad	0x0060000000000401	/* block at 0, Device, AF, no execution */
	.quad	0x0000000040000705	/* block at 1 GiB, Normal, inner shareable, AF */
	.quad	0x0000000020000003	/* table at 0x20000000 */
	.quad	0x0060000000000401

/* --- what the guest feels ------------------------------------------------------------------ */

	.balign	2048
vectors:
	.space	0x200			/* with SP_EL0: none */
	b	felt
	.space	0x600 - 4

/* Says ESR, FAR and ELR; goes on behind a data access, and at x28 after a fetch. */
func felt
	stp	x29, x30, [sp, #-96]!
	stp	x0, x1, [sp, #16]
	stp	x2, x3, [sp, #32]
	stp	x4, x5, [sp, #48]
	stp	x6, x7, [sp, #64]
	mov	x29, sp
	print	"guest: exception taken, ESR "
	mrs	x0, esr_el1
	bl	say_hex
	print	" FAR "
	mrs	x0, far_el1
	bl	say_hex
	print	" ELR "
	mrs	x0, elr_el1
	bl	say_hex
	print	"\n"
	mrs	x0, elr_el1
	add	x0, x0, #4
	mrs	x1, esr_el1
	ubfx	x1, x1, #26, #6
	cmp	x1, #0x21		/* instruction abort */
	csel	x0, x28, x0, eq
	msr	elr_el1, x0
	ldp	x0, x1, [sp, #16]
	ldp	x2, x3, [sp, #32]
	ldp	x4, x5, [sp, #48]
	ldp	x6, x7, [sp, #64]
	ldp	x29, x30, [sp], #96
	eret

/* --- a PL011 -------------------------------------------------------------------------------- */

func say
	ldr	x4, =0x09000000
1:	ldrb	w5, [x0], #1
	cbz	w5, 3f
2:	ldr	w6, [x4, #0x18]		/* flags: transmitter full? */
	tbnz	w6, #5, 2b
	str	w5, [x4]
	b	1b
3:	mrs	x4, cntvct_el0		/* 1/32 s, so that it is out before vmm's report */
	mrs	x5, cntfrq_el0
	add	x4, x4, x5, lsr #5
4:	isb
	mrs	x5, cntvct_el0
	cmp	x5, x4
	b.lo	4b
	ret

func say_hex
	ldr	x4, =0x09000000
	mov	x7, #32			/* the low 32 bits say it all here */
1:	sub	x7, x7, #4
	lsr	x5, x0, x7
	and	x5, x5, #0xf
	cmp	x5, #10
	add	x6, x5, #'0'
	add	x5, x5, #('a' - 10)
	csel	x5, x6, x5, lo
	str	w5, [x4]
	cbnz	x7, 1b
	ret
	.ltorg

	.balign	4096
tables:	.space	4096
	.space	4096
stack_top:
arch_demo_image_end:
	.size	arch_demo_image, . - arch_demo_image

/* Pairs of an offset in the image and a name, ended by an empty one. */
	.macro	name function
	.long	\function - arch_demo_image
	.asciz	"\function"
	.balign	4
	.endm
	.balign	4
arch_demo_names:
	name	start
	name	write_to_nothing
	name	poke
	name	load_a_pair
	name	ask_a_device_for_too_much
	name	write_read_only_memory
	name	run_off_the_end_of_ram
	name	jump_to_nothing
	name	walk_through_nothing
	name	mmu_on
	name	vectors
	name	felt
	name	say
	name	say_hex
	.long	0
	.asciz	""
