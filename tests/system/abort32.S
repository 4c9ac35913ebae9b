/*
 * A bare-metal guest of a 32-bit EL1, with a zImage header, MMU off. Each row of its table is a letter, an
 * address and an instruction of A32, which is run with the address in r1 and sp, 0x22 in r2 and
 * 0x33 in r3. It says a line for each: the letter; after an abort "d" and DFSR, DFAR, or "f" and IFSR,
 * IFAR, then LR from the instruction (of a fetch: from r1); and r2, r3, sp.
 *
 * In words, since the assembler at hand is that of A64; beside them what LLVM says they are.
 */
	.text
	.inst	0xea00000a		/* b start */
	.fill	8, 4, 0xe320f000
	.long	0x016f2818
	.long	0
	.long	end - .text

/* start */
	.inst	0xe28f0f4a	/* add r0, pc, #296 */
	.inst	0xee0c0f10	/* mcr p15, #0, r0, c12, c0, #0 */
	.inst	0xee110f50	/* mrc p15, #0, r0, c1, c0, #2 */
	.inst	0xe380060f	/* orr r0, r0, #15728640 */
	.inst	0xee010f50	/* mcr p15, #0, r0, c1, c0, #2 */
	.inst	0xf57ff06f	/* isb sy */
	.inst	0xe3a00101	/* mov r0, #1073741824 */
	.inst	0xeee80a10	/* vmsr fpexc, r0 */
	.inst	0xe3a0a409	/* mov r10, #150994944 */
	.inst	0xe28fcf49	/* add r12, pc, #292 */
/* next */
	.inst	0xe8bc0007	/* ldm r12!, {r0, r1, r2} */
	.inst	0xe3500000	/* cmp r0, #0 */
	.inst	0x0a000033	/* beq off */
	.inst	0xe58a0000	/* str r0, [r10] */
	.inst	0xe28f601c	/* add r6, pc, #28 */
	.inst	0xe5862000	/* str r2, [r6] */
	.inst	0xf57ff04f	/* dsb sy */
	.inst	0xee070f15	/* mcr p15, #0, r0, c7, c5, #0 */
	.inst	0xf57ff04f	/* dsb sy */
	.inst	0xf57ff06f	/* isb sy */
	.inst	0xe1a0d001	/* mov sp, r1 */
	.inst	0xe3a02022	/* mov r2, #34 */
	.inst	0xe3a03033	/* mov r3, #51 */
/* slot */
	.inst	0xe320f000	/* nop */
	.inst	0xe1a00002	/* mov r0, r2 */
	.inst	0xeb00001a	/* bl hex */
	.inst	0xe1a00003	/* mov r0, r3 */
	.inst	0xeb000018	/* bl hex */
	.inst	0xe1a0000d	/* mov r0, sp */
	.inst	0xeb000016	/* bl hex */
	.inst	0xe3a0000a	/* mov r0, #10 */
	.inst	0xe58a0000	/* str r0, [r10] */
	.inst	0xeaffffe8	/* b next */
/* data */
	.inst	0xe04eb006	/* sub r11, lr, r6 */
	.inst	0xf1020013	/* cps #19 */
	.inst	0xee150f10	/* mrc p15, #0, r0, c5, c0, #0 */
	.inst	0xee165f10	/* mrc p15, #0, r5, c6, c0, #0 */
	.inst	0xe3a09064	/* mov r9, #100 */
	.inst	0xea000004	/* b common */
/* fetch */
	.inst	0xe04eb001	/* sub r11, lr, r1 */
	.inst	0xf1020013	/* cps #19 */
	.inst	0xee150f30	/* mrc p15, #0, r0, c5, c0, #1 */
	.inst	0xee165f50	/* mrc p15, #0, r5, c6, c0, #2 */
	.inst	0xe3a09066	/* mov r9, #102 */
/* common */
	.inst	0xe3a04020	/* mov r4, #32 */
	.inst	0xe58a4000	/* str r4, [r10] */
	.inst	0xe58a9000	/* str r9, [r10] */
	.inst	0xeb000004	/* bl hex */
	.inst	0xe1a00005	/* mov r0, r5 */
	.inst	0xeb000002	/* bl hex */
	.inst	0xe1a0000b	/* mov r0, r11 */
	.inst	0xeb000000	/* bl hex */
	.inst	0xeaffffe2	/* b slot+0x4 */
/* hex */
	.inst	0xe3a04020	/* mov r4, #32 */
	.inst	0xe58a4000	/* str r4, [r10] */
	.inst	0xe3a0401c	/* mov r4, #28 */
/* digit */
	.inst	0xe1a07430	/* lsr r7, r0, r4 */
	.inst	0xe207700f	/* and r7, r7, #15 */
	.inst	0xe357000a	/* cmp r7, #10 */
	.inst	0x32877030	/* addlo r7, r7, #48 */
	.inst	0x22877057	/* addhs r7, r7, #87 */
	.inst	0xe58a7000	/* str r7, [r10] */
	.inst	0xe2544004	/* subs r4, r4, #4 */
	.inst	0x5afffff7	/* bpl digit */
	.inst	0xe12fff1e	/* bx lr */
/* off */
	.inst	0xe3a00321	/* mov r0, #-2080374784 */
	.inst	0xe3800008	/* orr r0, r0, #8 */
	.inst	0xe1400070	/* hvc #0 */
/* wait */
	.inst	0xeafffffe	/* b wait */
	.inst	0xe320f000	/* nop */
	.inst	0xe320f000	/* nop */
	.inst	0xe320f000	/* nop */
	.inst	0xe320f000	/* nop */
	.inst	0xe320f000	/* nop */
	.inst	0xe320f000	/* nop */
	.inst	0xe320f000	/* nop */
/* vectors */
	.inst	0xeafffff6	/* b wait */
	.inst	0xeafffff5	/* b wait */
	.inst	0xeafffff4	/* b wait */
	.inst	0xeaffffd6	/* b fetch */
	.inst	0xeaffffcf	/* b data */
	.inst	0xeafffff1	/* b wait */
	.inst	0xeafffff0	/* b wait */
	.inst	0xeaffffef	/* b wait */

/* table */
	.long	'A', 0x0a000040, 0xe5912000	/* ldr r2, [r1] */
	.long	'B', 0x0a000040, 0xe5812000	/* str r2, [r1] */
	.long	'C', 0x0a000040, 0xe8b1000c	/* ldm r1!, {r2, r3} */
	.long	'D', 0x0a000040, 0xe921000c	/* stmdb r1!, {r2, r3} */
	.long	'E', 0x0a000040, 0xed910b02	/* vldr d0, [r1, #8] */
	.long	'F', 0x0a000040, 0xe92d000c	/* push {r2, r3} */
	.long	'G', 0x09000fe0, 0xe891000c	/* ldm r1, {r2, r3} */
	.long	'H', 0x09000fe0, 0xe1c120d8	/* ldrd r2, r3, [r1, #8] */
	.long	'I', 0x09000fe0, 0xe8bd000c	/* pop {r2, r3} */
	.long	'T', 0x09000fe0, 0xf42d078d	/* vld1.32 {d0}, [sp]! */
	.long	'U', 0x09000fe0, 0xec532b10	/* vmov r2, r3, d0 */
	.long	'V', 0x09000fe4, 0xf421079f	/* vld1.32 {d0}, [r1:64] */
	.long	'J', 0x09000fe0, 0xe1912f9f	/* ldrex r2, [r1] */
	.long	'K', 0x0c000040, 0xe1c120f0	/* strd r2, r3, [r1] */
	.long	'Q', 0x0c000040, 0xe5812000	/* str r2, [r1] */
	.long	'R', 0x0c000040, 0xe881000c	/* stm r1, {r2, r3} */
	.long	'S', 0x0c000040, 0xe891000c	/* ldm r1, {r2, r3} */
	.long	'L', 0x0a000040, 0xe12fff11	/* bx r1 */
	.long	'M', 0x80000000, 0xee021f50	/* mcr p15, 0, r1, c2, c0, 2 */
	.long	'N', 0x0a000040, 0xe891000c	/* ldm r1, {r2, r3} */
	.long	'O', 0x09000fe0, 0xe1912f9f	/* ldrex r2, [r1] */
	.long	'P', 0x0a000040, 0xe5812000	/* str r2, [r1] */
	.long	0
end:
