/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Most devices on one bus, over one memory, of which each can name any part, the others' rings
 * included; and a host that answers each of them as the program says.
 */
#include "devices/gicv2m.h"
#include "devices/pl011.h"
#include "devices/pl031.h"
#include "devices/pl061.h"
#include "devices/pvpanic.h"
#include "devices/virtio/balloon.h"
#include "devices/virtio/blk_parts.h"
#include "devices/virtio/console.h"
#include "devices/virtio/net_parts.h"
#include "devices/virtio/rng.h"
#include "tests/fuzz/clock.h"
#include "tests/fuzz/guest.h"
#include "tests/fuzz/host_disk.h"
#include "tests/fuzz/host_net.h"
#include "tests/fuzz/no_threads.h"
#include "tests/lib/fake_chardev.h"
#include "tests/lib/fake_irq.h"

enum {
	ANY = GUEST_OPS, /* an access anywhere */
	SERVE,
	FINISH,
	FRAME,
	TYPE,
	ROOM,
	KEY,
	TIME,
	NR_OPS
};

enum { RNG, BALLOON, CONSOLE, BLK, NET, VIRTIOS };
enum { UART, RTC, GPIO, PANIC, MSI, CELLS };

static const struct {
	unsigned pages; /* that its queues have */
} virtios[VIRTIOS] = { { 1 }, { 5 }, { 6 }, { 2 }, { 3 } };

static struct guest guest[VIRTIOS];
static struct device *cell[CELLS];
static struct fake_irq irq[CELLS];
static struct chardev chr[3];
static struct gmem mem;
static struct bus *bus;
static struct loop *loop;
static struct blk *blk;
static struct net *net;

static void one_round(void)
{
	atomic_store(&blk->ending, true);
}

static void serve_disk(void)
{
	atomic_store(&blk->ending, false);
	blk_serve(&blk->serving[0]);
	atomic_store(&blk->ending, false);
}

/* A queue of the disk is stopped. */
static void no_threads_waits(void)
{
	while (host_disk.nr)
		host_disk_finish(0, 0);
	serve_disk();
}

static void on_event(void *ctx UNUSED, unsigned events UNUSED)
{
}

static void on_pulse(void *ctx UNUSED, uint32_t spi UNUSED)
{
}

static void make_cells(void)
{
	static const uint64_t base = 0x9000000, size = 0x1000;
	struct err e;

	for (unsigned i = 0; i < CELLS; i++)
		fake_irq_init(&irq[i], i);
	cell[UART] = pl011_create(base, size, &irq[UART].line, &chr[2], &e);
	cell[RTC] = pl031_create(base + 0x10000, size, &irq[RTC].line, loop, &e);
	cell[GPIO] = pl061_create(base + 0x30000, size, &irq[GPIO].line, loop, &e);
	cell[PANIC] = pvpanic_create(base + 0x70000, 2, on_event, NULL, &e);
	cell[MSI] = gicv2m_create(0x8020000, size, 48, 16, on_pulse, NULL, &e);
	for (unsigned i = 0; i < CELLS; i++) {
		EXPECT(cell[i] && bus_add(bus, cell[i], &e) == 0);
		device_reset(cell[i]);
	}
}

static struct virtio *make_virtio(unsigned i, struct gmem *m)
{
	static const struct virtio_blk_events events = { .on_full = NULL };
	const struct virtio_console_port port[] = { { .chardev = &chr[0], .console = true },
						    { .chardev = &chr[1], .name = "a" } };
	struct virtio_blk_config disk = virtio_blk_defaults;
	struct err e;

	disk.path = (char *)(uintptr_t) "fuzz";
	switch (i) {
	case RNG:
		return virtio_rng_create(m, loop, &e);
	case BALLOON:
		return virtio_balloon_create(&virtio_balloon_defaults, m, loop, &e);
	case CONSOLE:
		return virtio_console_create(port, ARRAY_SIZE(port), m, loop, &e);
	case BLK:
		return virtio_blk_create(&disk, m, &events, &e);
	default:
		return virtio_net_create(&host_net.h, 0, true, NET_VHOST_OFF, m, &e);
	}
}

static void make(struct program *p)
{
	struct err e;
	unsigned page = 0;

	bus = bus_create(&e);
	loop = loop_create(&e);
	EXPECT(bus && loop);
	guest_memory(&mem);
	for (size_t i = 0; i < ARRAY_SIZE(chr); i++)
		fake_chardev_init(&chr[i], 1000);
	host_net_init(0);
	host_disk = (struct host_disk){ .d = { .size = 1 * MiB,
					       .logical_block = 512,
					       .physical_block = 512,
					       .can_discard = true },
					.waits = one_round };
	make_cells();
	for (unsigned i = 0; i < VIRTIOS; i++) {
		struct virtio *v = make_virtio(i, &mem);

		EXPECT(v != NULL);
		guest[i] = (struct guest){ .p = p,
					   .base = GUEST_MMIO + 0x200 * i,
					   .first = page,
					   .bus = bus,
					   .irq = { .set = guest_line, .spi = 16 + i } };
		page += virtios[i].pages;
		guest_plug(&guest[i], v);
		if (i == BLK)
			blk = container_of(v, struct blk, v);
		if (i == NET)
			net = container_of(v, struct net, v);
	}
	host_net.h.loop = net->loop;
}

static void unmake(void)
{
	for (unsigned i = 0; i < VIRTIOS; i++)
		device_destroy(guest[i].dev);
	for (unsigned i = 0; i < CELLS; i++)
		device_destroy(cell[i]);
	bus_destroy(bus);
	loop_destroy(loop);
	for (size_t i = 0; i < GUEST_ROM_LEN; i++)
		EXPECT_EQ(guest_pieces.rom[i], 0x5a);
}

/* The bus from the first device to the last, and right beside them. */
static void access_any(struct program *p)
{
	static struct bus_cursor cursor;
	const uint8_t how = program_u8(p);
	const uint16_t at = program_u16(p);
	const unsigned size = 1U << (how & 3);
	uint64_t addr, v;

	cursor = (struct bus_cursor){ 0 };
	if (how & 16)
		addr = GUEST_MMIO + at % (0x200U * VIRTIOS + 8);
	else
		addr = cell[how >> 5 & 3]->base + at % 0x1008U;
	if (how & 8)
		(void)bus_write(bus, &cursor, addr, size, program_u32(p));
	else
		(void)bus_read(bus, &cursor, addr, size, &v);
}

static void host(struct program *p, unsigned op)
{
	const uint8_t *from;
	size_t n;

	switch (op) {
	case SERVE:
		serve_disk();
		break;
	case FINISH:
		n = program_u8(p);
		if (host_disk.nr)
			host_disk_finish((unsigned)n % host_disk.nr, n & 128 ? -EIO : 0);
		break;
	case FRAME:
		host_net.len = NET_FRAME_MIN + program_u16(p) % 4096U;
		program_copy(p, host_net.frame, NET_FRAME_MIN);
		host_net.queue = 0;
		if (host_net.want[0] & NET_IN)
			net->front.ready(&net->front, 0, NET_IN);
		break;
	case TYPE:
		n = program_take(p, &from, program_u8(p) & 31);
		if (n)
			(void)fake_chardev_type(&chr[n % 3], from, n);
		break;
	case ROOM:
		n = program_u8(p);
		chr[n % 3].out_len = 0;
		fake_chardev_take(&chr[n % 3], n);
		break;
	case KEY:
		pl061_press_power_key(cell[GPIO]);
		break;
	default:
		clock_ns += program_u8(p) * 10000000ULL;
		break;
	}
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct program p = { data, len };

	clock_start();
	make(&p);
	while (program_more(&p)) {
		const uint8_t what = program_u8(&p);
		struct guest *g = &guest[(what >> 5) % VIRTIOS];
		const unsigned op = (what & 31) % NR_OPS;

		if (op == GUEST_TURNS)
			rounds_run(g == &guest[NET] ? net->loop : loop, 1 + program_u8(&p) % 4U);
		else if (op < GUEST_OPS)
			guest_do(g, (enum guest_op)op);
		else if (op == ANY)
			access_any(&p);
		else
			host(&p, op);
	}
	unmake();
}
