/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio driver in plain memory: what a guest's does, through the registers of virtio-mmio on a
 * bus, with both ring formats, indirect tables and event suppression. And what a hostile one does:
 * the rings lie open.
 *
 *	struct driver d;
 *	driver_init(&d, 4 * MiB);
 *	driver_plug(&d, class_create(..., &d.mem, ...));
 *	driver_start(&d, features, 16);
 *	addr = driver_alloc(&d, 512);
 *	driver_add(&d.queue[0], (struct piece[]){ { addr, 512, true } }, 1, cookie);
 *	driver_kick(&d.queue[0]);
 *	... let the device work ...
 *	EXPECT(driver_get(&d.queue[0], &cookie, &written));
 *	driver_done(&d);
 *
 * A queue is used by one thread at a time, and so are the registers.
 */
#ifndef TESTS_LIB_VIRTIO_DRIVER_H
#define TESTS_LIB_VIRTIO_DRIVER_H

#include "devices/virtio/mmio.h"
#include "vmm/core/bus.h"

#define DRIVER_RAM    0x40000000ULL /* guest physical */
#define DRIVER_MMIO   0x0a000000ULL
#define DRIVER_QUEUES 64

/* Registers of virtio-mmio, from the specification and not from the device under test. */
enum driver_reg {
	REG_MAGIC = 0x00,
	REG_VERSION = 0x04,
	REG_DEVICE_ID = 0x08,
	REG_VENDOR_ID = 0x0c,
	REG_DEVICE_FEATURES = 0x10,
	REG_DEVICE_FEATURES_SEL = 0x14,
	REG_DRIVER_FEATURES = 0x20,
	REG_DRIVER_FEATURES_SEL = 0x24,
	REG_QUEUE_SEL = 0x30,
	REG_QUEUE_NUM_MAX = 0x34,
	REG_QUEUE_NUM = 0x38,
	REG_QUEUE_READY = 0x44,
	REG_QUEUE_NOTIFY = 0x50,
	REG_INTERRUPT_STATUS = 0x60,
	REG_INTERRUPT_ACK = 0x64,
	REG_STATUS = 0x70,
	REG_QUEUE_DESC = 0x80, /* and its higher half 4 bytes on, as the next two */
	REG_QUEUE_DRIVER = 0x90,
	REG_QUEUE_DEVICE = 0xa0,
	REG_SHM_SEL = 0xac,
	REG_SHM_LEN = 0xb0,
	REG_SHM_BASE = 0xb8,
	REG_QUEUE_RESET = 0xc0,
	REG_CONFIG_GENERATION = 0xfc,
	REG_CONFIG = 0x100,
};

/* Flags of descriptors in both formats; the last two of packed ones. */
enum { D_NEXT = 1, D_WRITE = 2, D_INDIRECT = 4, D_AVAIL = 1 << 7, D_USED = 1 << 15 };

/* A piece of a buffer; @in: for the device to write. */
struct piece {
	uint64_t addr;
	uint32_t len;
	bool in;
};

struct driver_queue {
	struct driver *d;
	unsigned index, size;
	bool packed, event_idx;
	bool indirect; /* driver_add() uses tables; as negotiated, the test may change it */
	uint64_t desc, avail, used; /* guest physical; packed: ring, driver's, device's events */

	uint16_t next_avail, next_used; /* free-running; packed: below size */
	bool avail_wrap, used_wrap;
	uint16_t kicked; /* next_avail at the last kick; packed: entries added since */
	unsigned nr_free;
	uint16_t free_head, *free_next; /* split: free descriptors; packed: free ids */
	uint16_t *entries;		/* of a buffer, by id */
	uint64_t *cookie, *table;	/* by id; the table is guest physical */
	unsigned out;			/* buffers with the device */
	unsigned long kicks;		/* notifications that were sent */
};

struct driver {
	struct gmem mem;
	char *ram;
	int ram_fd; /* the same, for other processes */
	uint64_t ram_size, used;
	struct device *dev; /* owned, with its class */
	struct bus *bus;
	struct irq_line irq;
	int irq_fd;		/* an eventfd that gets what an irqfd would */
	_Atomic uint32_t edges; /* of the line, rising */
	uint64_t features;
	struct driver_queue queue[DRIVER_QUEUES];
	unsigned nr_queues;
};

/* Makes @ram bytes of memory, zeroed, as mem's only region. */
void driver_init(struct driver *d, uint64_t ram);

/* Puts the device on a bus behind virtio-mmio, reset. Owns @v. */
void driver_plug(struct driver *d, struct virtio *v);

/* The same, and it may fail: then there is no device. */
int driver_try_plug(struct driver *d, struct virtio *v, struct err *e);

/* Takes all apart. Fine without driver_plug(). */
void driver_done(struct driver *d);

/* Guest memory that nobody used yet, aligned to 16; as the host sees it. */
uint64_t driver_alloc(struct driver *d, uint64_t len);
void *driver_at(struct driver *d, uint64_t addr);

/* Forgets all of it, and zeroes it; after a reset. */
void driver_forget(struct driver *d);

uint32_t driver_read(struct driver *d, unsigned reg);
void driver_write(struct driver *d, unsigned reg, uint32_t v);

/* Resets the device and negotiates: false when FEATURES_OK did not stay. */
bool driver_negotiate(struct driver *d, uint64_t features);

/* Makes queue @i in memory and tells the device, not yet that it is ready. */
void driver_queue_make(struct driver *d, unsigned i, unsigned size);
void driver_queue_program(struct driver *d, unsigned i);

/*
 * The whole of a driver's start: negotiates VERSION_1 and @features, makes all queues with at most
 * @size entries, enables them, DRIVER_OK.
 */
void driver_start(struct driver *d, uint64_t features, unsigned size);

/* The same, with a device that may need another reset then: false. */
bool driver_try_start(struct driver *d, uint64_t features, unsigned size);

/* Makes a buffer of @n pieces available. False when the ring has no room. @cookie comes back. */
bool driver_add(struct driver_queue *q, const struct piece *piece, unsigned n, uint64_t cookie);

/* Notifies if the device asked for it since the last call; whether it did. */
bool driver_kick(struct driver_queue *q);

/* The next used buffer; false when there is none. */
bool driver_get(struct driver_queue *q, uint64_t *cookie, uint32_t *written);

/*
 * Wants an interrupt from now on, for the next used buffer, or wants none (a hint). Wanted: whether
 * there is a used buffer already.
 */
bool driver_want_interrupt(struct driver_queue *q, bool want);

/* The same, not before @after more buffers are used. Needs EVENT_IDX. */
bool driver_want_interrupt_after(struct driver_queue *q, unsigned after);

/* Waits for an interrupt for at most @ms; reads and acknowledges what for. 0: none came. */
unsigned driver_wait(struct driver *d, int ms);

/* Rings as they lie in memory: descriptor @i, of either format. */
void driver_desc(struct driver_queue *q, unsigned i, uint64_t addr, uint32_t len, uint16_t third,
		 uint16_t fourth);
void driver_desc_at(struct driver *d, uint64_t at, uint64_t addr, uint32_t len, uint16_t third,
		    uint16_t fourth);

/* Split: entry @i of the available ring; its index. */
void driver_avail_entry(struct driver_queue *q, unsigned i, uint16_t head);
void driver_avail_index(struct driver_queue *q, uint16_t idx);

#endif
