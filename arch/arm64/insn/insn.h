/* SPDX-License-Identifier: Apache-2.0 */
/*
 * insn: A64 instructions that access memory, taken apart and written as assembler text.
 *
 * Follows the Arm Architecture Reference Manual (ARM DDI 0487), sections C3.2 "Loads and stores",
 * C4.1 "A64 instruction set encoding" and C5.3 to C5.5 "System instructions"; mnemonics, aliases
 * and the spelling of operands are those of GNU binutils. What the manual leaves unallocated or
 * calls UNDEFINED is refused. What it calls CONSTRAINED UNPREDICTABLE (registers that overlap, bits
 * that should be 1) decodes, with a flag.
 *
 * Known are the extensions of binutils 2.40 (Armv9.3) and, after it, FEAT_LRCPC3 and FEAT_LSE128.
 * SVE and SME accesses are recognised and named, but not taken apart. Whether a CPU has an
 * extension is not looked at: an instruction that trapped was there.
 *
 * All functions are pure. Any 32-bit word and any pc will do. A32 and T32 instructions become the
 * same struct insn by insn32.h.
 */
#ifndef VMM_ARCH_ARM64_INSN_H
#define VMM_ARCH_ARM64_INSN_H

#include "vmm/base/defs.h"

enum insn_class {
	INSN_LDST,	/* LDR, STR, LDP, STP and all their kin, LDAR and STLR as well */
	INSN_EXCLUSIVE, /* LDXR, STXR, LDXP, STXP and kin */
	INSN_ATOMIC,	/* LDADD, SWP and kin; LDCLRP, LDSETP, SWPP */
	INSN_CAS,	/* CAS, CASP */
	INSN_STRUCT,	/* LD1 to LD4, ST1 to ST4, LD1R to LD4R, LDAP1, STL1 */
	INSN_PREFETCH,	/* PRFM, PRFUM: a hint, which never aborts */
	INSN_ZERO,	/* DC ZVA, DC GVA, DC GZVA: a block whose size DCZID_EL0 tells */
	INSN_CACHE,	/* DC and IC by virtual address: maintenance */
	INSN_TAG,	/* LDG, STG, STGM and kin, STGP: allocation tags */
	INSN_LS64,	/* LD64B, ST64B, ST64BV, ST64BV0: 64 bytes, single-copy atomic */
	INSN_MOPS,	/* CPY*, SET*: memory copy and set, in steps */
	INSN_SVE,	/* named, not taken apart */
	INSN_SME,	/* named, not taken apart */
	INSN_OTHER32,	/* AArch32, of which the address is known and no more: insn32.h */
};

/* Where the address comes from, and what happens to the base register. */
enum insn_addr {
	INSN_OFFSET,  /* base + offset; the base stays */
	INSN_PRE,     /* base + offset; the base becomes that */
	INSN_POST,    /* base; the base becomes base + offset */
	INSN_LITERAL, /* address of the instruction + imm; no base */
};

/* What happens to a register offset before it is shifted; values as in the field "option". */
enum insn_extend { INSN_UXTW = 2, INSN_UXTX = 3, INSN_SXTW = 6, INSN_SXTX = 7 };

/* What INSN_ATOMIC puts in memory, of the old value m and the operand s. */
enum insn_atomic {
	INSN_ADD,  /* m + s */
	INSN_CLR,  /* m & ~s */
	INSN_EOR,  /* m ^ s */
	INSN_SET,  /* m | s */
	INSN_SMAX, /* the larger, signed */
	INSN_SMIN,
	INSN_UMAX,
	INSN_UMIN,
	INSN_SWP, /* s */
};

/*
 * An instruction, taken apart. Register numbers are 0 to 31. 31 is SP as a base, and the zero
 * register (XZR, WZR) elsewhere; among SIMD&FP registers it is V31. Fields that a class does not
 * have are 0.
 *
 * Where the data goes, by class:
 *   INSN_LDST	     rt, and rt2 when regs is 2; of the SIMD&FP file with simd
 *   INSN_EXCLUSIVE  the same; rs is the status register of a store, 0 for success
 *   INSN_ATOMIC     rs is the operand, rt gets the old value. With regs 2 (128 bits) the pair
 *		     rt:rt2 is both, rt the lower half in memory
 *   INSN_CAS	     rs is compared and gets the old value, rt is the new value. With regs 2 these
 *		     are the pairs rs, rs+1 and rt, rt+1, the first of each the lower in memory
 *   INSN_STRUCT     regs registers of the SIMD&FP file from rt on, V0 after V31; see below
 *   INSN_PREFETCH   none; rt is the operation (prfop)
 *   INSN_ZERO, INSN_CACHE  none; rn is the register with the address, 31 is XZR (address 0)
 *   INSN_TAG	     rt, which has the tag (LDG, STG and kin: of size bytes in memory; LDGM, STGM,
 *		     STZGM: of a block, with size 0), 31 is SP in STG and kin; rt and rt2 are data
 *		     of STGP
 *   INSN_LS64	     rt to rt+7; rs is the status register of ST64BV and ST64BV0
 *   INSN_MOPS	     rt has the address written, rn the number of bytes left, rs the address read
 *		     (CPY) or the byte (SET)
 *   INSN_SVE, INSN_SME  nothing but word, name, load and store is told
 *
 * Structures (INSN_STRUCT): memory holds whole structures of selem elements. Element s of a
 * structure belongs to register rt + s. Without single, register sets follow each other:
 *	for (set = 0; set < regs / selem; set++)
 *		for (e = 0; e < reg_bytes / size; e++)
 *			for (s = 0; s < selem; s++)
 *				next element in memory is V[(rt + set * selem + s) % 32], lane e
 * With single, one structure is accessed. With replicate its elements go to all reg_bytes / size
 * lanes; else to or from lane, and the other lanes of the register stay. Any other load clears the
 * register beyond reg_bytes.
 */
struct insn {
	uint32_t word;
	const char *name;   /* the mnemonic, but for the suffix: "ldr"; static */
	const char *suffix; /* what size, sign and ordering add to it: "sb"; static, maybe empty */
	enum insn_class class;
	enum insn_addr addr;
	enum insn_extend extend; /* with reg_offset: of rm, and then << shift */
	enum insn_atomic atomic;
	int64_t imm; /* bytes; the offset, unless reg_offset; INSN_LITERAL: from the pc */

	uint8_t rn; /* base: 31 is SP */
	uint8_t rt; /* see above */
	uint8_t rt2;
	uint8_t rs;
	uint8_t rm;	   /* offset register: 31 is XZR */
	uint8_t shift;	   /* 0 to 4 */
	uint8_t size;	   /* bytes of one element in memory, 1 to 16: endianness works on this;
			    * INSN_TAG: 0 to 32 */
	uint8_t regs;	   /* registers of data: 1 to 4; 8 with INSN_LS64 */
	uint8_t reg_bytes; /* written to a register: 4 or 8 general, 1 to 16 SIMD&FP; zero beyond */
	uint8_t selem;	   /* elements of a structure: 1 to 4 */
	uint8_t lane;	   /* with single: 0 to 15 */

	bool load;	   /* reads memory; both with INSN_ATOMIC, INSN_CAS, CPY* */
	bool store;	   /* writes memory */
	bool simd;	   /* data registers are of the SIMD&FP file */
	bool sign;	   /* a load: sign-extended from size to reg_bytes */
	bool reg_offset;   /* the offset is rm, extended and shifted, instead of imm */
	bool writeback;	   /* addr is INSN_PRE or INSN_POST */
	bool acquire;	   /* load-acquire of any kind (LDAR, LDAPR, LDLAR, the A forms) */
	bool release;	   /* store-release of any kind */
	bool unprivileged; /* LDTR, STTR and kin: permissions of EL0, where PSTATE and HCR say so */
	bool nontemporal;  /* LDNP, STNP: a hint */
	bool status;	   /* rs is a status register: store exclusive, ST64BV, ST64BV0 */
	bool pauth;	   /* LDRAA, LDRAB: the base is authenticated first */
	bool single;	   /* INSN_STRUCT: one structure, to one lane or with replicate to all */
	bool replicate;	   /* LD1R to LD4R */
	bool unpredictable; /* registers overlap, or bits that should be 1 are 0 */

	/* Of AArch32 alone: insn32.h. */
	uint8_t length;	    /* bytes of the instruction, 4 or in T32 2; A64: 4 */
	bool aarch32;	    /* the rest, and what insn32.h says of the fields above, is so */
	bool thumb;	    /* T32 */
	bool wide;	    /* T32: 4 bytes where there is a form of 2 */
	bool carry;	    /* PSTATE.C, for an offset that is rotated through it */
	bool subtract;	    /* rm is subtracted; with imm its sign, which 0 has as well */
	uint8_t cond;	    /* 0 to 14; it passed, or the instruction would access nothing */
	uint8_t shift_kind; /* of rm: 0 LSL, 1 LSR, 2 ASR, 3 ROR or, by 0 bits, RRX */
	uint8_t gap;	    /* from the address that addr says to the lowest byte: 0 or 4 */
	uint8_t stride;	    /* INSN_STRUCT: 1 or 2, from one register of a structure to the next */
	uint8_t align;	    /* INSN_STRUCT: the address is a multiple of this: 2 to 32; 0: of any */
	uint16_t list;	    /* LDM, STM: a bit for each register */
};

/*
 * Takes @word apart. False when it is no instruction that accesses memory, and then *@i says
 * nothing. C4.1.
 */
bool insn_decode(uint32_t word, struct insn *i) MUST_CHECK GUEST_FACING;

/*
 * How many bytes of memory it reads or writes, from the lowest address on; 0 when the word alone
 * does not tell (a prefetch, maintenance, DC ZVA, LDGM and kin, MOPS, SVE, SME). LDG and STG count
 * the 16 bytes of their granule. An instruction that loads and stores counts them once.
 */
unsigned insn_bytes(const struct insn *i);

/*
 * The instruction at @pc as objdump spells it, with single blanks and no comment:
 * "ldp x29, x30, [sp, #16]!". A literal is an address: "ldr x0, 0x4010".
 * ".inst 0x00000000" for what insn_decode() refuses. SVE and SME: the mnemonic alone.
 *
 * Returns the length of the whole text, as snprintf(); @buf has as much as fits in @size bytes,
 * ended by a NUL. INSN_TEXT_MAX bytes are always enough.
 */
#define INSN_TEXT_MAX 96
size_t insn_text(uint32_t word, uint64_t pc, char *buf, size_t size);

#endif
