/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emulate: carries out one load or store, of A64, A32 or T32, for a vCPU that is stopped at it.
 *
 * KVM describes an access to a device only when one general register moves and nothing else
 * happens. For pairs, write-back, SIMD&FP registers, atomics, exclusives and DC ZVA the instruction
 * itself has to tell: insn_decode() takes it apart, this does it. Registers and memory are reached
 * through callbacks; beside them it is pure: no I/O, no globals, no locks. The work is bounded: at
 * most 64 calls for memory, or 128 for DC ZVA, or 1 + EMULATE_TRIES for an atomic.
 *
 * Follows the Arm Architecture Reference Manual (ARM DDI 0487): section C3.2, what C6.2 and C7.2
 * say of each instruction, and chapter B2, whose sections go by name here since their numbers
 * differ between issues:
 *
 *   "Requirements for single-copy atomicity": each element is an access; in Normal memory a pair
 *	of general registers is one when it is aligned as a whole. (FEAT_LSE2 promises so much, and
 *	of pairs that are not aligned a bit more, which is not kept.)
 *   "Endian support": the bytes of an element are turned round, elements stay in their order.
 *   "Alignment of data accesses": in Device memory every element has to be aligned, or there is an
 *	Alignment fault. Exclusives and atomics have to lie within 16 aligned bytes of Normal
 *	memory; of Device memory, be aligned as a whole. The other rules (SCTLR_ELx.A, SA and nAA)
 *	do not depend on the memory: the CPU looked before stage 2 could refuse the access.
 *   "Device memory": as Device-nGnRE, an access for each element, in the order of the program,
 *	none merged, repeated or made up. The order within a pair or a structure is not defined;
 *	here the lowest address is first. A Q register is two accesses of 8 bytes, which the manual
 *	allows and buses need. DC ZVA gives an Alignment fault, which the manual allows too.
 *   "Possible implementation restrictions on using atomic instructions", "Synchronization and
 *	semaphores": exclusives and atomics on Device memory are IMPLEMENTATION DEFINED. Here they
 *	are not supported, as on most cores. On RAM they are; see struct emulate_monitor.
 *
 * Order: calls come in program order, lowest address first, between two full barriers: more than
 * any acquire or release asks for.
 *
 * An access that is refused leaves registers as they were: no write-back, no loaded value, PC at
 * the instruction. What a store wrote before stays written; run again, it starts from the front.
 *
 * Registers that overlap in a CONSTRAINED UNPREDICTABLE way do what most cores do. A load that
 * writes back to a register it loads leaves the loaded value; a store that writes back to a
 * register it stores stores the old value; of two loads into one register the second stays; a
 * store-exclusive has the old value of its status register as data and base.
 *
 * AArch32 (section E2 of the manual, by the same names): LDM, LDRD, VLDM and kin are accesses to
 * words, in the order of their addresses, and a D register is two, as is an element of 8 bytes of
 * VLD1 and VST1; addresses are of 32 bits. The alignment that VLD1, VST1 and kin may name is
 * checked in any memory. A conditional instruction got here, so its condition passed. Registers are
 * 0 to 14, of the current mode; R13 is SP. A load may change PC: its bit 0 says T32.
 *
 * Not done (EMULATE_CANNOT): SVE, SME, MOPS, LD64B and kin, allocation tags (MTE), LDRAA and LDRAB;
 * what insn32.h calls INSN_OTHER32.
 * Left to the CPU and the callbacks: permissions, also those of LDTR and kin; tags in the top byte
 * of an address (TBI), which callbacks get as the program made them. Hints have no effect.
 */
#ifndef VMM_ARCH_ARM64_EMULATE_H
#define VMM_ARCH_ARM64_EMULATE_H

#include "arch/arm64/insn/insn.h"

enum emulate_status {
	EMULATE_DONE,
	EMULATE_ABORT,	     /* memory refused the access at result.va */
	EMULATE_ALIGNMENT,   /* Alignment fault (DFSC 0x21); nothing was accessed */
	EMULATE_UNSUPPORTED, /* unsupported exclusive or atomic (DFSC 0x35); nothing was accessed */
	EMULATE_AGAIN,	     /* an atomic lost all its tries to others: let the vCPU run it again */
	EMULATE_CANNOT,	     /* an instruction that is not done here; nothing was accessed */
	EMULATE_FAILED,	     /* a callback of the host failed: registers may be half written */
};

/*
 * What lies at the address. An access that touches both counts as EMULATE_DEVICE; what a CPU does
 * with it is CONSTRAINED UNPREDICTABLE ("Memory access restrictions").
 */
enum emulate_memory { EMULATE_NORMAL, EMULATE_DEVICE };

/* Registers that get() and set() know, beside 0 to 30 for X0 to X30. */
enum { EMULATE_SP = 31, EMULATE_PC = 32 };

/* Up to 128 bits: a SIMD&FP register, or the value of an access. */
struct emulate_wide {
	uint64_t lo, hi;
};

/*
 * The vCPU and its memory. @ctx is that of struct emulate_cpu.
 *
 * Registers: 0, or -errno when the host fails; what there is to say about it stays with @ctx. SP is
 * the one that the exception level and PSTATE.SP choose. PC is set last and once: PSTATE.BTYPE and
 * PSTATE.SS become 0 with it. In AArch32 PSTATE.T becomes its bit 0, and PSTATE.IT goes on. Setting
 * a SIMD&FP register clears the SVE register above it.
 *
 * Memory: @size bytes at the virtual address @va, in the order they have in memory. Sizes are 1, 2,
 * 4, 8, and in Normal memory 16. There, an access that crosses a 4 KiB boundary (the smallest
 * granule) comes as a call for each side, of any size below 16; so a call is always within one page
 * and never wraps. A call for an aligned address has to be one single-copy atomic access, of 16
 * bytes as far as the host can. Calls are in program order, and the vCPU's own accesses before and
 * after are kept apart from them by barriers.
 *
 * Return EMULATE_DONE; EMULATE_ABORT, with memory as it was; or EMULATE_FAILED. Anything but
 * EMULATE_DONE ends the instruction there and is what emulate() returns.
 */
struct emulate_ops {
	int (*get)(void *ctx, unsigned reg, uint64_t *v);
	int (*set)(void *ctx, unsigned reg, uint64_t v);
	int (*get_simd)(void *ctx, unsigned n, struct emulate_wide *v); /* V0 to V31 */
	int (*set_simd)(void *ctx, unsigned n, struct emulate_wide v);

	enum emulate_status (*read)(void *ctx, uint64_t va, void *data, unsigned size);
	enum emulate_status (*write)(void *ctx, uint64_t va, const void *data, unsigned size);

	/*
	 * Normal memory only, within 16 aligned bytes. In one atomic step: where memory equals
	 * @expected it becomes @desired. *matched says whether; when not, @expected becomes what is
	 * there. Called after a read() by atomics, without one by compare-and-swap and
	 * store-exclusives.
	 */
	enum emulate_status (*cas)(void *ctx, uint64_t va, unsigned size, void *expected,
				   const void *desired, bool *matched);
} OPS;

/*
 * The exclusive monitor of a vCPU ("Synchronization and semaphores"), for emulated pairs of load
 * and store. All zeroes is an open one. A store-exclusive succeeds when the last load-exclusive had
 * the same address and size, and memory still, or again, has the value it read.
 *
 * The CPU has a monitor of its own, which an exit clears. So a pair works when both halves come
 * here, or neither does. Where only one does, the guest tries for ever: watch a page for loads and
 * stores alike, or look at result.unpaired. Make it zeroes when the guest may have run CLREX or
 * returned from an exception in between; neither comes here.
 */
struct emulate_monitor {
	uint64_t va;
	unsigned bytes; /* 0: open; 1 to 16 */
	uint8_t value[16];
};

struct emulate_cpu {
	const struct emulate_ops *ops;	 /* borrowed */
	void *ctx;			 /* handed to ops */
	struct emulate_monitor *monitor; /* borrowed; the vCPU's own */
	unsigned zva_bytes; /* block of DC ZVA: 4 << DCZID_EL0.BS, 4 to 2048; else it cannot be */
	bool big_endian;    /* of data at this exception level: SCTLR_ELx.EE, or E0E at EL0 */
};

/* Where an instruction accesses memory. */
struct emulate_address {
	uint64_t va;	   /* lowest byte */
	unsigned bytes;	   /* from va on, modulo 2^64; 0: none, or not known (LDGM and kin) */
	uint64_t new_base; /* what the base register becomes, with insn.writeback */
};

enum emulate_kind {
	EMULATE_READ,	/* also a comparison that failed, and so wrote nothing */
	EMULATE_WRITE,	/* also a store-exclusive that succeeded */
	EMULATE_UPDATE, /* an atomic or compare-and-swap that wrote */
};

/*
 * One call for memory that was done; an atomic's calls together. Values are those of registers, in
 * the program's byte order: of a pair the first register is the lower half.
 */
struct emulate_access {
	enum emulate_kind kind;
	unsigned bytes; /* 1 to 16; DC ZVA: all that was zeroed, up to 2048 */
	uint64_t va;
	struct emulate_wide read;    /* EMULATE_READ, EMULATE_UPDATE: what was there */
	struct emulate_wide written; /* EMULATE_WRITE, EMULATE_UPDATE: what is there now */
};

#define EMULATE_MAX_ACCESSES 64 /* LD4 of 16 lanes of bytes */
#define EMULATE_TRIES	     64 /* of an atomic, before EMULATE_AGAIN */

struct emulate_result {
	uint64_t va;   /* lowest byte that was refused: EMULATE_ABORT, _ALIGNMENT, _UNSUPPORTED */
	bool unpaired; /* a store-exclusive failed since no load-exclusive for it came here */
	unsigned nr;   /* accesses done, also those before one that was refused */
	struct emulate_access access[EMULATE_MAX_ACCESSES]; /* in order */
};

/*
 * Where @i, which is at PC, would access memory ("Load/store addressing modes"). Reads registers
 * only. EMULATE_DONE; EMULATE_FAILED; EMULATE_CANNOT for SVE, SME, MOPS, where the base has to be
 * authenticated, for DC ZVA without a block size, and in AArch32 where PC would be changed.
 * INSN_TAG and INSN_LS64 have an address.
 */
enum emulate_status emulate_address(const struct emulate_cpu *cpu, const struct insn *i,
				    struct emulate_address *out) MUST_CHECK;

/*
 * Carries out @i, which is at PC and comes from insn_decode(). On EMULATE_DONE the instruction is
 * complete, and PC behind it; otherwise registers are unchanged, but for EMULATE_FAILED. All of
 * *out is set, but for entries of out->access from out->nr on. Cache maintenance and prefetches are
 * complete without an access.
 */
enum emulate_status emulate(const struct emulate_cpu *cpu, const struct insn *i,
			    enum emulate_memory memory, struct emulate_result *out) MUST_CHECK;

#endif
