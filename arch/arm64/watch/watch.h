/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch: reports accesses to some bytes of the guest's RAM, and lets them take effect.
 *
 * The pages of the host that hold such bytes are taken from the vCPUs: KVM's memory slots point to
 * a mapping of RAM of which vmm has another (RAM_TWICE in vmm/core/ram.h), and there those pages
 * are read-only, or nothing at all when reads are watched. KVM_RUN then fails with EFAULT at the
 * instruction, with all registers as they were, and the instruction is carried out by hand
 * (touch.h), reported or not. So a page has no writers but those that come here and hold the lock;
 * readers of a page that is only watched for writes still read it as they always did, and see each
 * write as one.
 *
 * Exclusives. The CPU's own monitor does not survive the exit, so a pair of them has to be carried
 * out as a pair: from its load on, a vCPU is stepped up to the store, and what clears a monitor
 * (CLREX, an exception, a write of another vCPU) ends the pair. A store whose load went by unseen,
 * since only writes are watched, fails as the architecture allows it to, and the vCPU is stepped
 * from there: its next load is then seen. Where it does not come soon, the vCPU "wants" the page:
 * reads come here as well until its next pair succeeded. A store fails only when somebody else's
 * write came between, so some vCPU always gets on.
 *
 * What cannot be done by hand (SVE, maintenance, some of AArch32, code and page tables in a page
 * that is watched for reads) is stepped by the CPU with the pages open that it asks for, and all
 * other vCPUs out of the guest. Such an access is reported when it changed a watched byte, or
 * fetched one. All exclusives are then done by hand, and what would wait for somebody else does
 * not.
 *
 * While a vCPU is stepped, its interrupts are masked: else, where a step takes longer than the
 * guest's timer, it would be the interrupt that is taken each time. The guest does not see the mask
 * (watch_mask.h).
 *
 * Not seen: what an SVE instruction reads, what a table walk reads, and what KVM itself reads or
 * writes for the guest (the ITS's tables).
 */
#ifndef VMM_ARCH_ARM64_WATCH_H
#define VMM_ARCH_ARM64_WATCH_H

#include "arch/arm64/insn/emulate.h"
#include "arch/arm64/fault/fault.h"
#include "arch/arm64/fault/view.h"
#include "vmm/base/mutex.h"
#include "vmm/core/watchset.h"

struct arch_machine;

#define WATCH_HITS 16 /* ranges that one access is reported for */

/* One range that an access touches. */
struct watch_hit {
	const struct watch_range *range;
	uint64_t pa, va; /* va 0: not known */
	unsigned bytes;	 /* from pa on that are shown: 1 to 16 */
	uint8_t old[16];
};

struct watch_hits {
	struct watch_hit at[WATCH_HITS];
	unsigned nr;
	bool late; /* taken down after the access: old says nothing */
};

/* Pages that an instruction may need: 128 of SVE's elements, and tables. */
#define WATCH_OPENED 160

struct watch_opened {
	uint64_t page;
	uint8_t *before; /* the page as it was; in watching.before */
};

/* The machine's. Zeroes, and the lock made, while nothing was watched yet. */
struct watching {
	struct mutex lock;	    /* taken after a vCPU is alone; before the locks of reports */
	const struct watchset *set; /* NULL: nothing; changes with the vCPUs held */
	struct gmem_observer observer;
	char *ram; /* where KVM's slots point to */
	uint64_t base, size;
	uint64_t page;		  /* bytes of a page of the host */
	unsigned wants;		  /* vCPUs that want a page; lock */
	struct watch_hits device; /* between the observer's two calls; lock */
	uint8_t *before; /* a page for each of opened[]; owned; NULL: nothing was watched yet */
	/* While a vCPU is alone: what it may touch. lock */
	struct watch_opened opened[WATCH_OPENED];
	unsigned nr_opened;
	struct watch_hits stepped;
};

/* A vCPU's. */
struct watch_cpu {
	struct emulate_monitor monitor; /* watching.lock */
	uint64_t monitor_pa;		/* watching.lock */
	bool wants;			/* watching.lock */
	unsigned patience;		/* reads by others before that ends; watching.lock */
	uint64_t page;			/* guest physical; watching.lock */
	bool pairing;			/* between a load-exclusive and its store; own thread */
	uint64_t failed_pa;		/* of a store-exclusive that failed, or 0; own thread */
};

/*
 * After KVM_RUN failed with EFAULT at the instruction of @w, with nothing wrong that is known of:
 * true when the pages that are watched were why, and then *next says how to go on.
 */
bool watch_efault(struct vcpu *v, struct view *w, enum fault_next *next, struct err *e);

/* Makes the lock; and frees what is left, when nothing runs any more. */
void watch_init(struct arch_machine *a);
void watch_destroy(struct arch_machine *a);

#endif
