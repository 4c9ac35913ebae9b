/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault: the facts of one bad access of the guest, as the architecture found them and the report
 * tells them. Plain data, filled by arch/ on the vCPU's thread; what only the architecture can put
 * into words is text already. Names of addresses (symbols) are the report's to add.
 *
 * Every part can be missing: a flag, a count or an empty text says so. Nothing here is trusted:
 * a hostile guest chose most of the values.
 */
#ifndef VMM_FAULT_H
#define VMM_FAULT_H

#include "vmm/base/defs.h"

/* What the guest did, as far as it can be told. */
enum fault_access {
	FAULT_READ,
	FAULT_WRITE,
	FAULT_READ_WRITE, /* an atomic operation: both at once */
	FAULT_FETCH,	  /* instruction fetch */
	FAULT_ACCESS_COUNT
};

/* Why it could not be carried out. */
enum fault_cause {
	FAULT_NOTHING_THERE,  /* case A: no memory and no device */
	FAULT_READ_ONLY,      /* case B: a write to memory that is read-only */
	FAULT_REFUSED,	      /* a device is there, but not for this size or alignment */
	FAULT_ENDS_OUTSIDE,   /* begins in memory or a device, and goes on beyond its end */
	FAULT_NOT_FOR_DEVICE, /* a device is there, and the instruction needs memory (fetch, atomic)
			       */
	FAULT_BEYOND_IPA,     /* an address above those that the VM has */
	FAULT_HOST_MEMORY,    /* the host's memory behind the guest's failed */
	FAULT_WATCHED,	      /* nothing is wrong: somebody wants to know of it (--watch) */
	FAULT_CAUSE_COUNT
};

/* What vmm did. */
enum fault_action {
	FAULT_ABORTED,	   /* an external abort was injected */
	FAULT_SERROR,	   /* an SError was injected */
	FAULT_ZEROES,	   /* reads as zero, writes are ignored */
	FAULT_ONES,	   /* reads as ones, writes are ignored */
	FAULT_SKIPPED,	   /* the instruction has no effect here (cache maintenance, prefetch) */
	FAULT_STOPPED,	   /* the machine stands still at the access */
	FAULT_LOCKUP,	   /* the guest's own vector cannot be fetched: the vCPU can never go on */
	FAULT_CARRIED_OUT, /* it took effect as if nobody had looked */
	FAULT_BY_KVM,	   /* nothing: the host's kernel injected an external abort, seen later */
	FAULT_ACTION_COUNT
};

/* How the virtual address is known. */
enum fault_va_source {
	FAULT_VA_UNKNOWN,
	FAULT_VA_REGISTER, /* the CPU's fault address register */
	FAULT_VA_DECODED,  /* worked out from the instruction and its registers */
	FAULT_VA_BOTH,	   /* both, and they agree */
	FAULT_VA_DISAGREE, /* both, and they do not: va is the register's, va_decoded the other */
};

#define FAULT_WALK_STEPS 6
#define FAULT_FRAMES	 32
#define FAULT_EXITS	 16

/* One descriptor that stage 1 read. */
struct fault_step {
	int level;	     /* -1 to 3 */
	uint64_t at;	     /* its guest physical address */
	uint64_t descriptor; /* 0 when it could not be read */
	bool read;
	char text[96]; /* "table", "2 MiB block, AttrIndx 0, EL0 no access, read-write" */
};

/* What lies beside the address. */
struct fault_neighbour {
	bool there;
	char name[48]; /* "RAM", "pl011", "virtio-mmio slot 3" */
	uint64_t base, size;
	uint64_t distance; /* bytes between it and the access: 0 adjoins */
};

/* One of the vCPU's last exits, oldest first. */
struct fault_exit {
	char text[64]; /* "MMIO read 4 bytes at 0x9000018: pl011" */
};

struct fault {
	/* What happened. */
	enum fault_access access;
	enum fault_cause cause;
	enum fault_action action;
	bool walk;  /* not the access itself: stage 1's walk for it met the fault */
	bool stops; /* FAULT_BY_KVM: the machine ends for it, by policy */

	/* Where. */
	unsigned vcpu;
	char state[32];	    /* "EL1h, AArch64" */
	unsigned privilege; /* exception level, 0 or 1 */
	bool aarch32;
	uint64_t pc;
	bool insn_known;
	uint32_t insn;	    /* the instruction's word; of T32 one halfword, or the first on top */
	char insn_text[96]; /* "str w1, [x0, #4]"; empty when unknown */

	/* The access. */
	unsigned size; /* bytes, all registers together; 0: unknown */
	bool value_known;
	uint64_t value[2]; /* what a write would have stored: low, high half */

	enum fault_va_source va_source;
	uint64_t va, va_decoded;
	bool ipa_known;
	uint64_t ipa; /* of the first byte that failed */

	/*
	 * FAULT_WATCHED: ipa, and va, are of the first watched byte that was touched; watched bytes
	 * from there on, at most 16, were old and are value, as a little-endian number. Stopped,
	 * it took effect before.
	 */
	char watch[64]; /* what is watched, as the user wrote it */
	bool device;	/* a device did it, and nothing is known of a vCPU */
	unsigned watched;
	bool old_known;
	uint64_t old[2];

	/* Stage 1: how va became ipa. */
	bool mmu_off;	 /* virtual addresses, pc's as well, are physical ones */
	char regime[96]; /* "TTBR1_EL1 0x41234000, 4K granule, 48 bits"; "MMU off" */
	unsigned nr_steps;
	struct fault_step step[FAULT_WALK_STEPS];
	char walk_result[128]; /* "0x... , normal memory, read-write"; "level 2 translation fault"
				*/

	/* Stage 2: why there was nothing. */
	char inside[48]; /* what the address lies in: "pl011"; FAULT_ENDS_OUTSIDE: begins in */
	struct fault_neighbour below, above;

	/* What the guest gets; for FAULT_ABORTED, FAULT_SERROR and FAULT_BY_KVM. */
	uint64_t esr, far;
	bool elr_lost; /* and so is the vector: an exception that was taken since replaced them */
	uint64_t elr, vector;
	char esr_text[128]; /* "Data Abort from the current EL, synchronous External abort, ..." */

	/* Where EL1's vectors are, when stage 1 maps them: names of a Linux kernel hang on it. */
	bool vectors_known;
	uint64_t vectors_va, vectors_pa;

	/* How it came there. */
	unsigned nr_frames;
	uint64_t
		frame[FAULT_FRAMES]; /* return addresses, innermost first; pc itself is not in it */
	bool frames_cut;	     /* there may be more */

	unsigned nr_exits;
	struct fault_exit exit[FAULT_EXITS];
};

#endif
