/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest with one virtio device, that does what a program says: good manners are operations, so
 * that few bytes reach far, and everything else is possible. Unlike tests/lib/virtio_driver.h it
 * believes nothing that is in memory, and expects nothing of the device but that it leaves alone
 * what is not its own: read-only memory, and what lies beside memory.
 *
 * Guest memory, each piece somewhere else on the host with nothing mapped around it:
 *
 *	RAM	256 KiB; a page for each queue and its tables, then buffers
 *	MORE	64 KiB, right behind it for the guest
 *	ROM	64 KiB, read-only
 *
 * A queue's page: descriptors at 0, the driver's area at 0x400, the device's at 0x600, an indirect
 * table at 0x800: room for 64 entries.
 */
#ifndef TESTS_FUZZ_GUEST_H
#define TESTS_FUZZ_GUEST_H

#include "devices/virtio/mmio.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/rounds.h"
#include "tests/lib/virtio_driver.h" /* the registers' names, and the flags' */
#include "vmm/base/checked.h"
#include "vmm/core/bus.h"
#include "vmm/core/loop.h"
#include "vmm/core/ram.h"

#include <sys/mman.h>
#include <unistd.h>

#define GUEST_RAM      0x40000000ULL
#define GUEST_RAM_LEN  (256 * KiB)
#define GUEST_MORE     (GUEST_RAM + GUEST_RAM_LEN)
#define GUEST_MORE_LEN (64 * KiB)
#define GUEST_ROM      0x10000000ULL
#define GUEST_ROM_LEN  (64 * KiB)
#define GUEST_MMIO     0x0a000000ULL
#define GUEST_QUEUES   24U
#define GUEST_BUFFERS  (GUEST_RAM + 128 * KiB)
#define GUEST_ENTRIES  64U

struct guest_queue {
	unsigned size; /* 0: not made */
	uint16_t next; /* position in the ring */
	uint16_t free; /* descriptor that is taken next; packed: id */
	bool packed, wrap;
};

struct guest {
	struct program *p;
	uint64_t base;	/* of the device's registers */
	unsigned first; /* page of RAM that its queues begin at */
	struct gmem mem;
	struct device *dev; /* owned, with its class */
	struct bus *bus;
	struct bus_cursor cursor;
	struct irq_line irq;
	unsigned edges;
	struct loop *loop; /* NULL: none */
	uint64_t features;
	struct guest_queue queue[GUEST_QUEUES];
	unsigned nr_queues;
	unsigned scratch; /* pieces of memory taken for requests */
};

/* A piece of memory with nothing on either side of it; the process' for ever. */
static void *guest_map(size_t len, int *fd)
{
	const size_t around = 64 * KiB;
	char *at = mmap(NULL, len + 2 * around, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*fd = memfd_create("guest", MFD_CLOEXEC);
	EXPECT(at != MAP_FAILED && *fd >= 0 && ftruncate(*fd, (off_t)len) == 0);
	at = mmap(at + around, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, *fd, 0);
	EXPECT(at != MAP_FAILED);
	return at;
}

/* What memory is made of; made once, and clean before each run. */
static struct guest_pieces {
	struct ram ram;
	char *more, *rom;
	int more_fd, rom_fd;
} guest_pieces;

static void guest_memory(struct gmem *mem)
{
	struct guest_pieces *g = &guest_pieces;
	struct gmem_region r[3];
	struct err e;

	if (!g->more) {
		g->ram = (struct ram){ .size = GUEST_RAM_LEN, .page = 4096 };
		g->ram.host = g->ram.guest = guest_map(GUEST_RAM_LEN, &g->ram.fd);
		g->more = guest_map(GUEST_MORE_LEN, &g->more_fd);
		g->rom = guest_map(GUEST_ROM_LEN, &g->rom_fd);
		memset(g->rom, 0x5a, GUEST_ROM_LEN);
	}
	memset(g->ram.host, 0, GUEST_RAM_LEN);
	memset(g->more, 0, GUEST_MORE_LEN);
	*mem = (struct gmem){ .nr = 0 };
	r[0] = (struct gmem_region){ .base = GUEST_RAM,
				     .size = GUEST_RAM_LEN,
				     .host = g->ram.host,
				     .ram = &g->ram,
				     .shared = true,
				     .fd = g->ram.fd,
				     .name = "RAM" };
	r[1] = (struct gmem_region){ .base = GUEST_MORE,
				     .size = GUEST_MORE_LEN,
				     .host = g->more,
				     .shared = true,
				     .fd = g->more_fd,
				     .name = "more" };
	r[2] = (struct gmem_region){ .base = GUEST_ROM,
				     .size = GUEST_ROM_LEN,
				     .host = g->rom,
				     .readonly = true,
				     .name = "ROM" };
	for (size_t i = 0; i < ARRAY_SIZE(r); i++)
		EXPECT_EQ(gmem_add(mem, &r[i], &e), 0);
}

static void guest_line(struct irq_line *line, bool level)
{
	container_of(line, struct guest, irq)->edges += level;
}

/* Memory, and a loop if @loop; the target makes the class then. */
static UNUSED void guest_init(struct guest *g, struct program *p, bool loop)
{
	struct err e;

	*g = (struct guest){ .p = p, .base = GUEST_MMIO, .irq = { .set = guest_line, .spi = 16 } };
	guest_memory(&g->mem);
	if (loop) {
		g->loop = loop_create(&e);
		EXPECT(g->loop != NULL);
	}
}

/* On the guest's bus, or one of its own. */
static void guest_plug(struct guest *g, struct virtio *v)
{
	struct err e;

	g->nr_queues = v->nr_queues < GUEST_QUEUES ? v->nr_queues : GUEST_QUEUES;
	g->dev = virtio_mmio_create(g->base, 0x200, &g->irq, v, &e);
	if (!g->bus)
		g->bus = bus_create(&e);
	EXPECT(g->dev && g->bus);
	EXPECT_EQ(bus_add(g->bus, g->dev, &e), 0);
	device_reset(g->dev);
}

static UNUSED void guest_done(struct guest *g)
{
	for (size_t i = 0; i < GUEST_ROM_LEN; i += 8)
		EXPECT_EQ(*(const uint64_t *)(const void *)(guest_pieces.rom + i),
			  0x5a5a5a5a5a5a5a5aULL);
	bus_destroy(g->bus);
	device_destroy(g->dev);
	loop_destroy(g->loop);
}

/* RAM as the driver writes it; NULL outside. */
static uint8_t *guest_at(uint64_t addr, size_t len)
{
	if (!range_inside(addr, len, GUEST_RAM, GUEST_RAM_LEN))
		return NULL;
	return (uint8_t *)guest_pieces.ram.host + (addr - GUEST_RAM);
}

static uint64_t guest_read(struct guest *g, unsigned reg, unsigned size)
{
	uint64_t v;

	(void)bus_read(g->bus, &g->cursor, g->base + reg, size, &v);
	return v;
}

static void guest_write(struct guest *g, unsigned reg, unsigned size, uint64_t v)
{
	(void)bus_write(g->bus, &g->cursor, g->base + reg, size, v);
}

/* --- what a driver does ----------------------------------------------------------------------- */

static uint64_t guest_page(const struct guest *g, unsigned q)
{
	return GUEST_RAM + (g->first + q) * 4096ULL;
}

static void guest_put16(uint64_t at, uint16_t v)
{
	uint8_t *to = guest_at(at, 2);

	if (to)
		memcpy(to, &v, 2);
}

static void guest_set_up(struct guest *g, unsigned q, unsigned size)
{
	static const struct {
		unsigned reg, off;
	} area[] = { { REG_QUEUE_DESC, 0 },
		     { REG_QUEUE_DRIVER, 0x400 },
		     { REG_QUEUE_DEVICE, 0x600 } };
	unsigned max;

	guest_write(g, REG_QUEUE_SEL, 4, q);
	max = (unsigned)guest_read(g, REG_QUEUE_NUM_MAX, 4);
	if (size > max && max)
		size = max;
	g->queue[q] = (struct guest_queue){
		.size = size,
		.packed = g->features & VIRTIO_BIT(VIRTIO_F_RING_PACKED),
		.wrap = true,
	};
	memset(guest_at(guest_page(g, q), 4096), 0, 4096);
	guest_write(g, REG_QUEUE_NUM, 4, size);
	for (size_t i = 0; i < ARRAY_SIZE(area); i++) {
		guest_write(g, area[i].reg, 4, (uint32_t)(guest_page(g, q) + area[i].off));
		guest_write(g, area[i].reg + 4, 4, 0);
	}
	guest_write(g, REG_QUEUE_READY, 4, 1);
}

static void guest_negotiate(struct guest *g, uint64_t features)
{
	g->features = features;
	guest_write(g, REG_STATUS, 4, 0);
	guest_write(g, REG_STATUS, 4, 3);
	for (unsigned word = 0; word < 2; word++) {
		guest_write(g, REG_DRIVER_FEATURES_SEL, 4, word);
		guest_write(g, REG_DRIVER_FEATURES, 4, (uint32_t)(features >> (32 * word)));
	}
	guest_write(g, REG_STATUS, 4, 11);
}

static uint64_t guest_offered(struct guest *g)
{
	uint64_t f;

	guest_write(g, REG_DEVICE_FEATURES_SEL, 4, 1);
	f = guest_read(g, REG_DEVICE_FEATURES, 4) << 32;
	guest_write(g, REG_DEVICE_FEATURES_SEL, 4, 0);
	return f | guest_read(g, REG_DEVICE_FEATURES, 4);
}

/* A whole start; of what is offered, @how says what not to take. */
static void guest_start(struct guest *g, unsigned how, uint64_t without)
{
	uint64_t f = guest_offered(g) & ~without;

	if (how & 1)
		f &= ~VIRTIO_BIT(VIRTIO_F_RING_PACKED);
	if (how & 2)
		f &= ~VIRTIO_BIT(VIRTIO_F_EVENT_IDX);
	if (how & 4)
		f &= ~VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC);
	guest_negotiate(g, f);
	for (unsigned q = 0; q < g->nr_queues; q++)
		guest_set_up(g, q, how & 8 ? 8 : GUEST_ENTRIES);
	guest_write(g, REG_STATUS, 4, 15);
}

/* A piece of a buffer, as descriptors have it. */
struct guest_piece {
	uint64_t addr;
	uint32_t len;
	bool in;
};

/* A descriptor of any table; @flags without those of the packed ring. */
static void guest_desc(const struct guest_queue *q, uint64_t at, const struct guest_piece *d,
		       uint16_t flags, uint16_t next)
{
	uint8_t *to = guest_at(at, 16);

	if (!to)
		return;
	memcpy(to, &d->addr, 8);
	memcpy(to + 8, &d->len, 4);
	memcpy(to + 12, q->packed ? &next : &flags, 2);
	memcpy(to + 14, q->packed ? &flags : &next, 2);
}

static uint16_t guest_flags(const struct guest_piece *d, bool more)
{
	return (uint16_t)((d->in ? D_WRITE : 0) | (more ? D_NEXT : 0));
}

static void guest_add_split(const struct guest *g, unsigned index, struct guest_queue *q,
			    const struct guest_piece *d, unsigned n, bool indirect)
{
	const uint64_t page = guest_page(g, index);
	const uint16_t head = q->free;

	for (unsigned i = 0; i < n; i++) {
		const uint16_t here = q->free, next = (uint16_t)((here + 1) % q->size);

		if (indirect)
			guest_desc(q, page + 0x800 + 16 * i, &d[i], guest_flags(&d[i], i + 1 < n),
				   (uint16_t)(i + 1));
		else
			guest_desc(q, page + 16ULL * here, &d[i], guest_flags(&d[i], i + 1 < n),
				   next);
		if (!indirect || i == 0)
			q->free = next;
	}
	if (indirect)
		guest_desc(q, page + 16ULL * head,
			   &(struct guest_piece){ page + 0x800, 16 * n, false }, D_INDIRECT, 0);
	guest_put16(page + 0x404 + 2ULL * (q->next % q->size), head);
	guest_put16(page + 0x402, ++q->next);
}

static void guest_add_packed(const struct guest *g, unsigned index, struct guest_queue *q,
			     const struct guest_piece *d, unsigned n, bool indirect)
{
	const struct guest_piece table = { guest_page(g, index) + 0x800, 16 * n, false };
	const uint16_t id = q->free;

	q->free = (uint16_t)((q->free + 1) % q->size);
	for (unsigned i = 0; indirect && i < n; i++)
		guest_desc(q, table.addr + 16 * i, &d[i], guest_flags(&d[i], false), 0);
	if (indirect) {
		d = &table;
		n = 1;
	}
	for (unsigned i = 0; i < n; i++) {
		const uint16_t wrap = q->wrap ? D_AVAIL : (uint16_t)D_USED;
		uint16_t flags = guest_flags(&d[i], i + 1 < n);

		if (indirect)
			flags = D_INDIRECT;
		guest_desc(q, guest_page(g, index) + 16ULL * q->next, &d[i],
			   (uint16_t)(flags | wrap), id);
		if (++q->next == q->size) {
			q->next = 0;
			q->wrap = !q->wrap;
		}
	}
}

static void guest_add(struct guest *g, unsigned index, const struct guest_piece *d, unsigned n,
		      bool indirect)
{
	struct guest_queue *q = &g->queue[index];

	if (q->size == 0 || n == 0)
		return;
	if (q->packed)
		guest_add_packed(g, index, q, d, n, indirect);
	else
		guest_add_split(g, index, q, d, n, indirect);
}

/* 256 bytes for a request that the target makes; 31 more and it is another's. */
static UNUSED uint64_t guest_scratch(struct guest *g)
{
	return GUEST_RAM + GUEST_RAM_LEN - (1 + g->scratch++ % 32) * 256ULL;
}

static void guest_kick(struct guest *g, unsigned q)
{
	guest_write(g, REG_QUEUE_NOTIFY, 4, q);
}

/* --- what a program says ---------------------------------------------------------------------- */

/* Where a piece lies: 128 buffers of 1 KiB, somewhere else, or anywhere. */
static struct guest_piece guest_take_piece(struct guest *g)
{
	static const uint32_t lens[] = { 0, 1, 8, 12, 16, 44, 512, 513, 1024, 4096, 65536 };
	const uint8_t what = program_u8(g->p), where = program_u8(g->p);
	struct guest_piece d = { .in = what & 1 };
	const unsigned len = what >> 1 & 15;

	d.len = len < ARRAY_SIZE(lens) ? lens[len]
		: len < 15	       ? program_u8(g->p)
				       : program_u32(g->p);
	switch (what >> 5) {
	case 0:
	case 1:
	case 2:
	case 3:
		d.addr = GUEST_BUFFERS + (where & 127) * KiB + (what >> 5 & 3);
		break;
	case 4: /* from one piece of memory to the next */
		d.addr = GUEST_MORE - where;
		break;
	case 5:
		d.addr = GUEST_ROM + where * 8;
		break;
	case 6: /* a queue's own page */
		d.addr = guest_page(g, where % GUEST_QUEUES) + program_u8(g->p) * 8U;
		break;
	default:
		d.addr = program_u64(g->p);
		break;
	}
	return d;
}

static void guest_take_chain(struct guest *g)
{
	const unsigned q = program_u8(g->p) % GUEST_QUEUES, how = program_u8(g->p);
	struct guest_piece d[32];
	unsigned n = 1 + (how & 7);

	if (how & 8)
		n *= 4;
	for (unsigned i = 0; i < n; i++)
		d[i] = guest_take_piece(g);
	guest_add(g, q, d, n, how & 16);
	if (how & 32)
		guest_kick(g, q);
}

static void guest_take_poke(struct guest *g)
{
	const uint64_t at = GUEST_RAM + program_u16(g->p) * 4ULL;
	const uint8_t *from;
	const size_t len = program_take(g->p, &from, program_u8(g->p) % 64U + 1);
	uint8_t *to = guest_at(at, len);

	if (to && len)
		memcpy(to, from, len);
}

/* What the driver wants to be told of: its event word. */
static void guest_take_event(struct guest *g)
{
	const unsigned q = program_u8(g->p) % GUEST_QUEUES;
	const uint16_t event = program_u16(g->p);

	if (g->queue[q].packed) {
		guest_put16(guest_page(g, q) + 0x400, event);
		guest_put16(guest_page(g, q) + 0x402, program_u8(g->p));
	} else {
		guest_put16(guest_page(g, q) + 0x404 + 2ULL * g->queue[q].size, event);
		guest_put16(guest_page(g, q) + 0x400, program_u8(g->p));
	}
}

enum guest_op {
	GUEST_WRITE,
	GUEST_READ,
	GUEST_START,
	GUEST_CHAIN,
	GUEST_POKE,
	GUEST_KICK,
	GUEST_TURNS,
	GUEST_RESET,
	GUEST_ACK,
	GUEST_QUEUE,
	GUEST_EVENT,
	GUEST_SPACE,
	GUEST_OPS
};

/* One of the operations that all devices have. Turns of loops are the target's. */
static UNUSED void guest_do(struct guest *g, enum guest_op op)
{
	struct program *p = g->p;
	unsigned q;

	switch (op) {
	case GUEST_WRITE:
		q = program_u8(p) * 4U;
		guest_write(g, q & 0x1ff, 4, program_u32(p));
		break;
	case GUEST_READ:
		q = program_u16(p);
		(void)guest_read(g, q & 0x1ff, 1U << (q >> 14));
		break;
	case GUEST_START:
		q = program_u8(p);
		guest_start(g, q, q & 16 ? program_u64(p) : 0);
		break;
	case GUEST_CHAIN:
		guest_take_chain(g);
		break;
	case GUEST_POKE:
		guest_take_poke(g);
		break;
	case GUEST_KICK:
		guest_kick(g, program_u8(p));
		break;
	case GUEST_RESET:
		guest_write(g, REG_STATUS, 4, 0);
		break;
	case GUEST_ACK:
		guest_write(g, REG_INTERRUPT_ACK, 4, guest_read(g, REG_INTERRUPT_STATUS, 4));
		break;
	case GUEST_QUEUE: /* takes a queue away, and makes it anew */
		q = program_u8(p);
		guest_write(g, REG_QUEUE_SEL, 4, q & 31);
		guest_write(g, q & 32 ? REG_QUEUE_READY : REG_QUEUE_RESET, 4, !(q & 32));
		if (q & 64 && (q & 31) < GUEST_QUEUES)
			guest_set_up(g, q & 31, GUEST_ENTRIES);
		break;
	case GUEST_EVENT:
		guest_take_event(g);
		break;
	case GUEST_SPACE: /* the configuration space, by any size */
		q = program_u8(p);
		guest_write(g, REG_CONFIG + (q & 63), 1U << (q >> 6), program_u32(p));
		break;
	case GUEST_TURNS:
	case GUEST_OPS:
		break;
	}
}

#endif
