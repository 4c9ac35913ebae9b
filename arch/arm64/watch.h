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
 * out as a pair. When a load-exclusive comes here, the vCPU is stepped for some instructions, up to
 * the store: what clears a monitor (CLREX, an exception, a write of another vCPU) is then seen, and
 * clears ours. A store-exclusive whose load went by unseen, since only writes are watched, fails as
 * the architecture allows it to, and the vCPU then "wants" the page: reads come here as well until
 * its next pair succeeded. A store fails only when somebody else's write came between, so some vCPU
 * always gets on.
 *
 * What cannot be done by hand (SVE, maintenance, 32-bit code, code and page tables that are watched
 * themselves) is stepped by the CPU with the pages open and all other vCPUs out of the guest. Such
 * an access is reported when it changed a watched byte, or fetched one.
 *
 * Interrupts are not masked meanwhile: where a step takes longer than the guest's timer, it may be
 * the interrupt that is taken each time, and the guest does not get on.
 *
 * Not seen: what KVM itself reads or writes for the guest (the ITS's tables, stolen time).
 */
#ifndef VMM_ARCH_ARM64_WATCH_H
#define VMM_ARCH_ARM64_WATCH_H

#include "arch/arm64/emulate.h"
#include "arch/arm64/fault.h"
#include "arch/arm64/view.h"
#include "vmm/base/mutex.h"
#include "vmm/core/watchset.h"

struct arch_machine;

#define WATCH_HITS   16	  /* ranges that one access is reported for */
#define WATCH_SHADOW 4096 /* bytes of a range that are compared when an instruction is stepped */

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
};

/* The machine's. Zeroes, and the lock made, while nothing was watched yet. */
struct watching {
	struct mutex lock; /* taken after vcpus.lock's exclusion; before those of reports */
	const struct watchset *set; /* NULL: nothing; changes with the vCPUs held */
	struct gmem_observer observer;
	char *ram; /* where KVM's slots point to */
	uint64_t base, size;
	uint64_t page;		   /* bytes of a page of the host */
	unsigned wants;		   /* vCPUs that want a page; lock */
	struct watch_hits device;  /* between the observer's two calls; lock */
	struct watch_hits stepped; /* while a vCPU is alone; lock */
	uint8_t *shadow;	   /* as set: at most WATCH_SHADOW bytes of each range; owned */
};

/* A vCPU's. */
struct watch_cpu {
	struct emulate_monitor monitor; /* watching.lock */
	uint64_t monitor_pa;		/* watching.lock */
	bool wants;			/* watching.lock */
	unsigned patience;		/* reads by others before that ends; watching.lock */
	uint64_t page;			/* guest physical; watching.lock */
	unsigned steps;			/* left of its pair; own thread, or held */
};

/*
 * After KVM_RUN failed with EFAULT at the instruction of @w, with nothing wrong that is known of:
 * true when the pages that are watched were why, and then *next says how to go on.
 */
bool watch_efault(struct vcpu *v, struct view *w, enum fault_next *next, struct err *e);

/* After KVM_EXIT_DEBUG. */
enum fault_next watch_stepped(struct vcpu *v, struct err *e);

/* A vCPU's own write to [@pa, @pa + @size) is about to be done: monitors look. With the lock. */
void watch_written(struct arch_machine *a, uint64_t pa, uint64_t size);

/* Makes the lock; and frees what is left, when nothing runs any more. */
void watch_init(struct arch_machine *a);
void watch_destroy(struct arch_machine *a);

#endif
