/* SPDX-License-Identifier: Apache-2.0 */
/*
 * insn32: A32 and T32 instructions that access memory, taken apart into the struct insn of insn.h
 * and written as assembler text; and what AArch32 state is to who looks at a vCPU from outside.
 *
 * Follows the Arm Architecture Reference Manual (ARM DDI 0487), chapters F2 to F5, for Armv8-A.
 * Mnemonics and operands are spelled as LLVM spells them. Loads and stores of general registers,
 * LDM and STM, exclusives, load-acquire and store-release, VLDR, VSTR, VLDM and VSTM are known, and
 * structures of Advanced SIMD (VLD1 to VLD4, VST1 to VST4), but for UNPREDICTABLE ones.
 * INSN_OTHER32 is what has an address and is not carried out: table branches, LDM and STM of other
 * registers than those of the current mode. Not known: hints (PLD), RFE and SRS, LDC and STC, and
 * FLDMX and FSTMX.
 *
 * What the fields of struct insn mean here:
 *   word	T32: the first halfword in bits 31:16, of two; a single one is in bits 15:0
 *   rn, rt, rt2, rm, rs  0 to 15; 15 is PC. As base, PC is the address of the instruction and 8
 *		(T32: and 4, rounded down to a multiple of 4). addr is never INSN_LITERAL
 *   size, regs	INSN_LDST, INSN_EXCLUSIVE: so many elements of so many bytes. A D register is two
 *		elements of 4 bytes
 *   list	INSN_LDST: when it is not 0, the data registers, lowest first, instead of rt and rt2
 *   simd	rt is the first S register, or with reg_bytes 8 D register
 *   reg_bytes	general registers: 4. SIMD&FP: 2, 4, 8
 *
 * Structures (INSN_STRUCT): as insn.h says, but that the registers are D registers, and which ones
 * insn32_struct_register() tells. The other half of a vector register stays. With replicate and
 * selem 1, regs may be 2: both get the element.
 *
 * All functions are pure. Any words will do.
 */
#ifndef VMM_ARCH_ARM64_INSN32_H
#define VMM_ARCH_ARM64_INSN32_H

#include "arch/arm64/insn/insn.h"

/* PSTATE in AArch32, as SPSR_ELx holds it. */
#define CPSR_M	0x1fU /* mode */
#define CPSR_T	(1U << 5)
#define CPSR_E	(1U << 9)
#define CPSR_SS (1U << 21)
#define CPSR_C	(1U << 29)
#define CPSR_IT (0x3fU << 10 | 3U << 25)

/* Whether an instruction with @cond, 0 to 14, is executed with these flags. F1.3 */
static inline bool insn32_passes(unsigned cond, uint32_t pstate)
{
	const bool n = pstate >> 31 & 1, z = pstate >> 30 & 1, c = pstate >> 29 & 1;
	const bool v = pstate >> 28 & 1;
	const bool holds[] = { z, c, n, v, c && !z, n == v, n == v && !z, true };

	return holds[cond >> 1 & 7] != (cond & 1);
}

/* Bytes of the T32 instruction that starts with halfword @first: 2 or 4. F3.1 */
static inline unsigned insn32_length(uint16_t first)
{
	return first >> 11 >= 0x1d ? 4 : 2;
}

/*
 * INSN_STRUCT: the D register that is the @k-th of its data, in the order that insn.h says. Those
 * of one structure are stride apart; each structure begins in the register behind that of the last.
 */
static inline unsigned insn32_struct_register(const struct insn *i, unsigned k)
{
	return i->rt + k / i->selem + k % i->selem * i->stride;
}

/*
 * Takes @word apart, in the state @cpsr. False when it is no instruction that accesses memory, and
 * then *@i says nothing.
 */
bool insn32_decode(uint32_t word, uint32_t cpsr, struct insn *i) MUST_CHECK GUEST_FACING;

/* As insn_text(); the offset from PC stays one: "ldr r0, [pc, #4]". INSN_OTHER32: mnemonic only. */
size_t insn32_text(uint32_t word, uint32_t cpsr, char *buf, size_t size);

/* The register of a vCPU, X0 to X30, that is R@n in the mode of @cpsr; @n up to 14. D1.20.1 */
unsigned insn32_register(uint32_t cpsr, unsigned n);

/* PSTATE behind an instruction that went on at @pc, whose bit 0 says that there is T32. */
uint32_t insn32_advance(uint32_t cpsr, uint32_t pc);

#endif
