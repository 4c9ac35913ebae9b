/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio driver for attacks: it makes rings, and lets who uses it write anything into them. It is
 * not a good one: good requests go one at a time and are waited for.
 *
 * Each device has memory of its own, which a reset gives back: whatever an attack left of it.
 */
#ifndef TESTS_ATTACK_DRIVER_H
#define TESTS_ATTACK_DRIVER_H

#include "tests/attack/hal.h"

/* Registers of virtio-mmio (virtio 1.3, section 4.2.2). */
enum {
	R_MAGIC = 0x00,
	R_VERSION = 0x04,
	R_DEVICE_ID = 0x08,
	R_VENDOR_ID = 0x0c,
	R_DEVICE_FEATURES = 0x10,
	R_DEVICE_FEATURES_SEL = 0x14,
	R_DRIVER_FEATURES = 0x20,
	R_DRIVER_FEATURES_SEL = 0x24,
	R_QUEUE_SEL = 0x30,
	R_QUEUE_NUM_MAX = 0x34,
	R_QUEUE_NUM = 0x38,
	R_QUEUE_READY = 0x44,
	R_QUEUE_NOTIFY = 0x50,
	R_INTERRUPT_STATUS = 0x60,
	R_INTERRUPT_ACK = 0x64,
	R_STATUS = 0x70,
	R_QUEUE_DESC = 0x80, /* the higher half follows, as for the next two */
	R_QUEUE_DRIVER = 0x90,
	R_QUEUE_DEVICE = 0xa0,
	R_SHM_SEL = 0xac,
	R_SHM_LEN = 0xb0,
	R_SHM_BASE = 0xb8,
	R_QUEUE_RESET = 0xc0,
	R_CONFIG_GENERATION = 0xfc,
	R_CONFIG = 0x100,
	R_END = 0x200, /* of a slot */
};

enum {
	S_ACKNOWLEDGE = 1,
	S_DRIVER = 2,
	S_DRIVER_OK = 4,
	S_FEATURES_OK = 8,
	S_NEEDS_RESET = 64,
	S_FAILED = 128,
	S_RUNS = S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK,
};

#define F(bit)		    (UINT64_C(1) << (bit))
#define F_INDIRECT	    F(28)
#define F_EVENT_IDX	    F(29)
#define F_VERSION_1	    F(32)
#define F_PACKED	    F(34)
#define F_NOTIFICATION_DATA F(38)
#define F_RING_RESET	    F(40)

/* Flags of descriptors; the last two of packed ones. */
enum { D_NEXT = 1, D_WRITE = 2, D_INDIRECT = 4, D_AVAIL = 1 << 7, D_USED = 1 << 15 };

enum { DEV_RINGS = 8, DEV_MEMORY = 1 << 20 };

struct dev;

/* What is special about a type of device: kinds.c. */
struct kind {
	uint32_t id;
	const char *name;
	unsigned ring;	 /* the queue that is attacked where any will do */
	bool any;	 /* ... and whatever chain it is given, it answers */
	uint64_t wanted; /* features of the device type that a driver should take */

	/* The device has been started: good requests, and whether they do what they should. */
	void (*good)(struct dev *d);
};

/* The kind of device type @id, or NULL. */
const struct kind *kind_of(uint32_t id);

struct piece {
	uint64_t at;
	uint32_t len;
	bool in; /* for the device to write */
};

struct ring {
	struct dev *d;
	unsigned index, size;
	bool packed;
	uint64_t desc, driver, device;	/* guest physical: the areas */
	uint16_t next_avail, next_used; /* split: free-running; packed: below size */
	bool avail_wrap, used_wrap;
	unsigned out; /* packed: entries that the last request took */
};

struct dev {
	const struct kind *kind;
	uint64_t base;
	uint64_t memory, used; /* its memory, and how much of it is */
	uint64_t dirty;	       /* ... and was since the last reset */
	uint64_t scratch;      /* 8 KiB of it, for good requests; since the last start */
	uint64_t features;     /* as negotiated */
	uint64_t offered;
	unsigned nr_rings; /* that the device has, at most DEV_RINGS */
	struct ring ring[DEV_RINGS];
	unsigned disk;	 /* which of the disks it is */
	unsigned number; /* of good requests so far: each is another */
};

/* What must be so and is not: of the attack under way. The first one counts. */
void complain(const char *why);
void complain_of(const char *what, uint64_t got, uint64_t wanted);
bool complained(void);

/* Registers, of 4 bytes. */
uint32_t dev_read(struct dev *d, unsigned reg);
void dev_write(struct dev *d, unsigned reg, uint32_t v);
uint64_t dev_features(struct dev *d);

/* Memory of the device that nobody has yet, zeroed, aligned to 4 KiB or to 16 bytes. */
uint64_t dev_pages(struct dev *d, uint64_t len);
uint64_t dev_alloc(struct dev *d, uint64_t len);

/* Resets the device, which takes a while, and gives its memory back. */
void dev_reset(struct dev *d);

/* Resets and negotiates VERSION_1 and @features; whether FEATURES_OK stayed. */
bool dev_negotiate(struct dev *d, uint64_t features);

/* Makes a ring in memory and programs it; ring_enable() sets QUEUE_READY. */
void ring_make(struct dev *d, unsigned i, unsigned size);
void ring_program(struct ring *r);
void ring_enable(struct ring *r);

/* All of a start, up to DRIVER_OK, with rings of at most @size entries. */
void dev_start(struct dev *d, uint64_t features, unsigned size);

/* The same where it need not come to run; whether it took the features. */
bool dev_try_start(struct dev *d, uint64_t features, unsigned size);

/* The same as a good driver does it: with the features that it should take. */
void dev_start_well(struct dev *d);

/* Rings as they lie in memory: descriptor @i, a descriptor anywhere, split rings' words. */
void ring_desc(struct ring *r, unsigned i, uint64_t at, uint32_t len, unsigned flags,
	       uint16_t link);
void ring_desc_at(uint64_t to, bool packed, uint64_t at, uint32_t len, unsigned flags,
		  uint16_t link);
void ring_avail(struct ring *r, unsigned i, uint16_t head);
void ring_avail_index(struct ring *r, uint16_t idx);
uint16_t ring_used_index(struct ring *r);

/* Makes a request available, in descriptors 0 and on (split) or the next (packed). */
void ring_add(struct ring *r, const struct piece *p, unsigned n);
void ring_kick(struct ring *r);

/* What became of what was made available. */
enum answer { USED, BROKEN, LATE };

/* Waits for the next used buffer: its length. */
enum answer ring_wait(struct ring *r, uint32_t *len);

/* Waits until the device says that it needs a reset. */
bool dev_wait_broken(struct dev *d);

/* The longest wait, or access to a register, since wait_reset(), in microseconds. */
void wait_reset(void);
uint64_t wait_longest_us(void);

/* Waits until @done says so, as long as hal.patience_ms. */
bool wait_until(bool (*done)(void *ctx), void *ctx);

/* Adds, kicks and waits; complains unless it comes back with @len bytes written. */
bool ring_good(struct ring *r, const struct piece *p, unsigned n, uint32_t len);

void mem_fill(uint64_t at, uint8_t byte, uint64_t len);

#endif
