/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that uses each virtio device it finds, once, then resets, does it again, and powers off:
 * the whole life of a machine in a fraction of a second. Wants a vsock device, behind which it
 * looks for no other, and keeps on the first disk's first sector that it has been there; without
 * a disk there is no reset.
 *
 * Says, for each device, what became of it: "disk well", "disk error" (an answer that says so),
 * "disk silent" (none within ten seconds), "disk broken" (the device wants to be reset), "disk
 * lies" (what was answered is not so). Last "reset" or "off".
 */
#include "guest.h"
#include "mmu.h"

#define SLOTS	  0x0a000000UL
#define SLOT_SIZE 0x200
#define NR_SLOTS  32

enum {
	DEVICE = 0x08,
	DRIVER_FEATURES = 0x20,
	DRIVER_FEATURES_SEL = 0x24,
	QUEUE_SEL = 0x30,
	QUEUE_NUM = 0x38,
	QUEUE_READY = 0x44,
	QUEUE_NOTIFY = 0x50,
	STATUS = 0x70,
	QUEUE_DESC = 0x80,
	QUEUE_DRIVER = 0x90,
	QUEUE_DEVICE = 0xa0,
};

enum { NET = 1, DISK = 2, CONSOLE = 3, RNG = 4, BALLOON = 5, VSOCK = 19 };
enum { ENTRIES = 8, MAX_QUEUES = 4, NEEDS_RESET = 64, BLK_FLUSH = 1 << 9, SECTOR = 512 };
enum { READ = 0, WRITE = 1, FLUSH = 4 };

#define LOOK_NS	   20000000UL
#define SILENCE_NS 10000000000UL

enum outcome { WELL, ERROR, SILENT, BROKEN, LIES };

/* No table: what it pointed to would be where the program was linked, not where it is. */
static const char *outcome_name(enum outcome what)
{
	switch (what) {
	case WELL:
		return "well";
	case ERROR:
		return "error";
	case SILENT:
		return "silent";
	case BROKEN:
		return "broken";
	default:
		return "lies";
	}
}

struct queue {
	struct {
		uint64_t at;
		uint32_t len;
		uint16_t flags, next;
	} desc[ENTRIES];
	volatile uint16_t avail_flags, avail, ring[ENTRIES];
	uint16_t unused[2];
	volatile uint16_t used_flags, used;
	volatile struct {
		uint32_t id, len;
	} done[ENTRIES];
	uint16_t taken;
} __attribute__((aligned(64)));

struct piece {
	volatile void *at;
	uint32_t len;
	int in; /* for the device to write */
};

static struct queue queue[MAX_QUEUES];
static uintptr_t dev; /* the one at work */
static volatile uint8_t out[2048], in[2048];

static void fence(void)
{
	__asm__ volatile("dmb sy" : : : "memory");
}

static void fill(volatile uint8_t *at, unsigned len, uint8_t byte)
{
	while (len--)
		*at++ = byte;
}

static void address(unsigned reg, const volatile void *at)
{
	write32(dev + reg, (uint32_t)(uintptr_t)at);
	write32(dev + reg + 4, (uint32_t)((uintptr_t)at >> 32));
}

/* The device with its first @queues queues, and nothing negotiated but VERSION_1 and @features. */
static int begin(unsigned queues, uint32_t features)
{
	write32(dev + STATUS, 0);
	write32(dev + STATUS, 3);
	write32(dev + DRIVER_FEATURES_SEL, 0);
	write32(dev + DRIVER_FEATURES, features);
	write32(dev + DRIVER_FEATURES_SEL, 1);
	write32(dev + DRIVER_FEATURES, 1);
	write32(dev + STATUS, 11);
	if (!(read32(dev + STATUS) & 8))
		return 0;
	for (unsigned i = 0; i < queues; i++) {
		fill((volatile uint8_t *)&queue[i], sizeof(queue[i]), 0);
		write32(dev + QUEUE_SEL, i);
		write32(dev + QUEUE_NUM, ENTRIES);
		address(QUEUE_DESC, queue[i].desc);
		address(QUEUE_DRIVER, &queue[i].avail_flags);
		address(QUEUE_DEVICE, &queue[i].used_flags);
		write32(dev + QUEUE_READY, 1);
	}
	write32(dev + STATUS, 15);
	return read32(dev + STATUS) == 15;
}

/* Makes @n pieces a request of queue @i, and waits for it. */
static enum outcome request(unsigned i, const struct piece *p, unsigned n)
{
	struct queue *q = &queue[i];
	const uint64_t begun = now_ns();
	uint64_t waited = 0, looked = 0;

	for (unsigned k = 0; k < n; k++) {
		q->desc[k].at = (uintptr_t)p[k].at;
		q->desc[k].len = p[k].len;
		q->desc[k].flags = (uint16_t)((k + 1 < n ? 1 : 0) | (p[k].in ? 2 : 0));
		q->desc[k].next = (uint16_t)(k + 1);
	}
	q->ring[q->avail % ENTRIES] = 0;
	fence();
	q->avail++;
	fence();
	write32(dev + QUEUE_NOTIFY, i);
	while (q->used == q->taken) {
		waited = now_ns() - begun;
		if (waited > SILENCE_NS)
			return SILENT;
		if (waited < looked + LOOK_NS)
			continue;
		looked = waited; /* not all the time: it is an exit */
		if (read32(dev + STATUS) & NEEDS_RESET)
			return BROKEN;
	}
	fence();
	q->taken++;
	return WELL;
}

/* --- devices --------------------------------------------------------------------------------- */

/* One sector, of bytes @byte, to or from the disk. */
static enum outcome disk_request(uint32_t type, uint64_t sector)
{
	static volatile struct {
		uint32_t type, zero;
		uint64_t sector;
	} head;
	static volatile uint8_t status;
	const struct piece p[] = { { &head, 16, 0 },
				   { type == WRITE ? out : in, SECTOR, type == READ },
				   { &status, 1, 1 } };
	const struct piece flush[] = { { &head, 16, 0 }, { &status, 1, 1 } };
	enum outcome what;

	head.type = type;
	head.zero = 0;
	head.sector = sector;
	status = 0xff;
	what = type == FLUSH ? request(0, flush, 2) : request(0, p, 3);
	return what == WELL && status ? ERROR : what;
}

static enum outcome disk(void)
{
	enum outcome wrote, flushed, got;

	if (!begin(1, BLK_FLUSH))
		return BROKEN;
	fill(out, SECTOR, 0x5a);
	fill(in, SECTOR, 0);
	wrote = disk_request(WRITE, 5);
	flushed = disk_request(FLUSH, 0);
	got = disk_request(READ, 5);
	for (unsigned i = 0; wrote == WELL && got == WELL && i < SECTOR; i++)
		if (in[i] != 0x5a)
			return LIES;
	return wrote ? wrote : flushed ? flushed : got;
}

/* A frame that nobody waits for, or words for a console, or its numbers. */
static enum outcome send(unsigned q, unsigned len)
{
	const struct piece p = { out, len, 0 };

	fill(out, sizeof(out), 0);
	for (unsigned i = 0; i < 6; i++)
		out[12 + i] = 0xff;
	return begin(2, 0) ? request(q, &p, 1) : BROKEN;
}

static enum outcome console(void)
{
	const struct piece p = { out, 6, 0 };
	static const char words[] = "words\n";

	for (unsigned i = 0; i < 6; i++)
		out[i] = (uint8_t)words[i];
	return begin(2, 0) ? request(1, &p, 1) : BROKEN;
}

static enum outcome rng(void)
{
	const struct piece p = { in, 64, 1 };

	return begin(1, 0) ? request(0, &p, 1) : BROKEN;
}

static enum outcome balloon(void)
{
	const struct piece p = { out, 4, 0 };

	*(volatile uint32_t *)out = (0x40000000 + (8 << 20)) >> 12;
	return begin(2, 0) ? request(0, &p, 1) : BROKEN;
}

static void tell(const char *name, enum outcome what)
{
	say(name);
	say(" ");
	say(outcome_name(what));
	say("\n");
}

static void use(uint32_t device)
{
	switch (device) {
	case NET:
		return tell("net", send(1, 12 + 60));
	case DISK:
		return tell("disk", disk());
	case CONSOLE:
		return tell("console", console());
	case RNG:
		return tell("rng", rng());
	case BALLOON:
		return tell("balloon", balloon());
	default:
		return;
	}
}

/* Whether it was here before, as far as it can be known: if not, then from now on it can. */
static int been_here(void)
{
	if (disk_request(READ, 0) || in[0])
		return 1;
	fill(out, SECTOR, 1);
	return disk_request(WRITE, 0) || disk_request(READ, 0) || in[0] != 1;
}

int main(void)
{
	uintptr_t first_disk = 0;

	mmu_make();
	mmu_on();
	write32(UART + 0x30, 0x301);
	for (unsigned i = 0; i < NR_SLOTS; i++) {
		dev = SLOTS + i * SLOT_SIZE;
		use(read32(dev + DEVICE));
		if (read32(dev + DEVICE) == DISK && !first_disk)
			first_disk = dev;
		if (read32(dev + DEVICE) == VSOCK)
			break;
	}
	dev = first_disk;
	if (dev && begin(1, BLK_FLUSH) && !been_here()) {
		say("reset\n");
		psci(PSCI_SYSTEM_RESET);
	}
	say("off\n");
	return 0;
}
