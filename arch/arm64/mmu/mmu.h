/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmu: stage 1 of the EL1&0 translation regime, walked in software: how a virtual address of the
 * guest becomes an intermediate physical one, descriptor by descriptor, or which fault it meets.
 * For the fault report, for reading the guest's instructions and stacks, and for what the emulator
 * touches. Pure: registers and a way to read memory in, a description out.
 *
 * Follows the Arm ARM (DDI 0487), chapters D8 (AArch64: 4K, 16K and 64K granules, 16 to 52 bits of
 * address, with LVA, LPA, LPA2, TTST, HPDS, HAFDBS, E0PD, PAN, EPAN, S1PIE) and G5 (AArch32: short
 * and long descriptors). A 32-bit EL0 below a 64-bit EL1 is an AArch64 regime whose addresses
 * happen to be short.
 *
 * Choices where the manual leaves one:
 *	- TxSZ beyond its limits is a level 0 Translation fault, not clamped (D8.2 allows both; KVM
 *	  and QEMU do the same).
 *	- A granule that is reserved or not implemented is the smallest one that is (D8.2). KVM's
 *own walker takes reserved ones for 64K.
 *	- A contiguous hint changes nothing but the bounds that are shown.
 *	- A descriptor that cannot be read is a synchronous External abort on the walk.
 *
 * Not done: 128-bit descriptors, AIE and the protected attribute, which KVM does not offer;
 *overlays (S1POE), which can only take permissions away; MTX. Access flag and dirty state are
 *looked at and never written. The tables may have changed since the access, and TLBs may hold what
 *was there before: a walk is evidence, not proof. Bounds: five reads of memory, no loop in the
 *tables can make more.
 */
#ifndef VMM_ARCH_ARM64_MMU_H
#define VMM_ARCH_ARM64_MMU_H

#include "vmm/core/gmem.h"
#include "vmm/fault.h"

/*
 * The registers, as KVM hands them out: whole, unmasked. When EL1 is in AArch32, its registers are
 * found in the AArch64 ones that they are mapped to: TTBCR2:TTBCR in tcr; MAIR1:MAIR0, which are
 * NMRR:PRRR as well, in mair. Registers that a CPU does not have are 0.
 */
struct mmu_regs {
	bool aarch32;		   /* EL1 is in AArch32 */
	bool pan;		   /* PSTATE.PAN */
	uint64_t sctlr, tcr, tcr2; /* TCR2_EL1: with FEAT_TCR2 only */
	uint64_t ttbr0, ttbr1, mair;
	uint64_t pir, pire0; /* PIR_EL1, PIRE0_EL1: with FEAT_S1PIE only */
	uint64_t mmfr[4];    /* ID_AA64MMFR0_EL1 to 3, as the guest sees them; not for AArch32 */
	uint32_t dacr;	     /* DACR32_EL2; AArch32 only */
};

struct mmu_recent;

/* Guest physical memory: @len bytes in the order they have there; false when some are not there. */
struct mmu_memory {
	bool (*read)(void *ctx, gpa_t at, void *dst, size_t len);
	void *ctx;
	struct mmu_recent *recent; /* borrowed; NULL: each walk reads its tables */
};

/* How translation is done for one address. */
enum mmu_format { MMU_OFF, MMU_LONG, MMU_SHORT };

struct mmu_regime {
	enum mmu_format format;
	bool aarch32;
	bool upper;	 /* TTBR1's half */
	bool tagged;	 /* a top byte that is ignored was not plain */
	bool big_endian; /* descriptors are */
	bool wide;	 /* output addresses have bits above 47 (LPA, LPA2) */
	bool lpa2;	 /* TCR_EL1.DS */
	bool hpd, ha,
		hd;   /* no hierarchical permissions; hardware sets access flag; and dirty state */
	bool pie;     /* indirect permissions */
	bool block_1; /* 64K: blocks at level 1 */
	unsigned granule; /* log2 of bytes: 12, 14, 16 */
	unsigned ia_bits; /* input address; 0: TxSZ is out of range */
	unsigned oa_bits; /* output address */
	int level;	  /* of the first table */
	uint64_t table;	  /* its address */
};

enum mmu_kind {
	MMU_UNREAD,   /* no memory there */
	MMU_INVALID,  /* bit 0 clear: software may use the rest */
	MMU_RESERVED, /* an encoding that means nothing at this level; faults like an invalid one */
	MMU_TABLE,
	MMU_BLOCK,
	MMU_PAGE,
	MMU_SECTION, /* the last four: short descriptors only */
	MMU_SUPERSECTION,
	MMU_LARGE_PAGE,
	MMU_SMALL_PAGE,
};

struct mmu_step {
	int level;	     /* -1 to 3 */
	uint64_t at;	     /* guest physical address of the descriptor */
	uint64_t descriptor; /* in the CPU's byte order; 0 when it could not be read */
	enum mmu_kind kind;
	uint64_t size; /* what a block or page maps, bytes; else 0 */
};

/* The fault that the access meets, in the words of the manual. */
enum mmu_fault {
	MMU_NO_FAULT,
	MMU_TRANSLATION_FAULT,
	MMU_ADDRESS_SIZE_FAULT,
	MMU_ACCESS_FLAG_FAULT,
	MMU_DOMAIN_FAULT, /* short descriptors only */
	MMU_PERMISSION_FAULT,
	MMU_EXTERNAL_ABORT, /* on the walk */
};

/* What it is about, where the fault's name does not say it all. */
enum mmu_why {
	MMU_WHY_PLAIN,
	MMU_WHY_TXSZ,	/* TxSZ is out of range */
	MMU_WHY_RANGE,	/* the address has more bits than TxSZ allows */
	MMU_WHY_EPD,	/* walks by this TTBR are turned off: EPDn, PDn */
	MMU_WHY_E0PD,	/* and for EL0: E0PDn */
	MMU_WHY_TTBR,	/* the address in TTBRn is too large */
	MMU_WHY_OUTPUT, /* MMU off, and the address is too large */
	MMU_WHY_PAN,	/* PSTATE.PAN keeps EL1 from what EL0 may use */
	MMU_WHY_CLEAN,	/* PIE: the page is clean, and hardware does not set dirty state */
};

/* Permissions, as a mask. */
enum { MMU_R = 1, MMU_W = 2, MMU_X = 4 };

#define MMU_MAX_STEPS 5

struct mmu_walk {
	/* What was asked. */
	uint64_t va;
	enum fault_access access;
	bool privileged;

	struct mmu_regime regime;
	unsigned nr_steps;
	struct mmu_step step[MMU_MAX_STEPS];

	enum mmu_fault fault;
	enum mmu_why why;
	int level; /* of the fault, or of the descriptor that maps the address */

	/*
	 * The address is mapped, and what follows is known. Also with an access flag, domain or
	 * permission fault; and with the MMU off.
	 */
	bool mapped;
	uint64_t pa;	   /* the output address */
	uint64_t run_size; /* bytes of the contiguous run around pa; 0: none */
	uint8_t memory; /* type and cacheability, encoded as in MAIR_ELx; see mmu_memory_name() */
	uint8_t sh;	/* shareability: SH[1:0] */
	uint8_t domain; /* short descriptors only */
	unsigned el0, el1; /* permissions: MMU_R..., all rules applied but PAN */
};

/*
 * The last walks that mapped something, as a TLB keeps them: for who asks again and again for the
 * same few pages, such as those of a stack, while registers and tables are taken to stay as they
 * are. All zeroes is an empty one.
 */
#define MMU_RECENT 4

struct mmu_recent {
	struct mmu_walk walk[MMU_RECENT];
	unsigned nr; /* of all that were kept, modulo 2^32 */
};

/*
 * Walks the tables for an @access to @va by EL1 (@privileged) or EL0; unprivileged loads and stores
 * of EL1 count as EL0's. Addresses of a 32-bit EL1 or EL0 have 32 bits; above, they are ignored for
 * a 32-bit EL1. The result is complete whatever happens.
 */
void mmu_walk(const struct mmu_regs *r, const struct mmu_memory *m, uint64_t va,
	      enum fault_access access, bool privileged, struct mmu_walk *w);

/*
 * Reads up to @len bytes at @va as a debugger does: permissions and access flags do not matter.
 * Returns how many bytes from the first on could be read. One walk for each 4 KiB.
 */
size_t mmu_read_va(const struct mmu_regs *r, const struct mmu_memory *m, uint64_t va, void *dst,
		   size_t len);

/*
 * How many bits of a virtual address in the half of @va are translated: 64 - TxSZ, 32 for AArch32;
 * 0 when TxSZ is out of range. Pointer authentication codes begin above.
 */
unsigned mmu_va_bits(const struct mmu_regs *r, uint64_t va);

/*
 * The fault status code that a 64-bit EL1, or a 32-bit one with long descriptors, gets for the
 * fault of @w (ISS.DFSC, IFSC; see esr.h). @w has a fault other than MMU_DOMAIN_FAULT.
 */
unsigned mmu_fsc(const struct mmu_walk *w);

/* A memory type in words: "Normal WB", "Device-nGnRE". Inner and outer, where they differ. */
struct mmu_name {
	char s[28];
};
struct mmu_name mmu_memory_name(uint8_t attr);

/*
 * The walk in words, each into a buffer of @size bytes; what does not fit is left out, item by
 *item.
 *
 *	regime	"TTBR1_EL1 0x41234000, 4K granule, 48 bits"; "MMU off"
 *	step	"table"; "2 MiB block, AttrIndx 0 (Normal WB), EL0 none, EL1 read-write, PXN UXN";
 *what the descriptor itself says, before table attributes and other rules result	"0x4a201000,
 *Normal WB, inner shareable, EL0 none, EL1 read-write"; all rules applied; "level 2 translation
 *fault"
 *
 * Those of struct fault are large enough for all that occurs in practice. @i < w->nr_steps.
 */
void mmu_regime_text(const struct mmu_walk *w, char *buf, size_t size);
void mmu_step_text(const struct mmu_regs *r, const struct mmu_walk *w, unsigned i, char *buf,
		   size_t size);
void mmu_result_text(const struct mmu_walk *w, char *buf, size_t size);

#endif
