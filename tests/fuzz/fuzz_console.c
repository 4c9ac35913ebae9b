/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console device: control messages and data of a driver, while the host's side types, stops to
 * read, comes, goes, and has its terminal's size changed.
 */
#include "devices/virtio/console.h"
#include "tests/fuzz/clock.h"
#include "tests/fuzz/guest.h"
#include "tests/lib/fake_chardev.h"

enum { MESSAGE = GUEST_OPS, TYPE, ROOM, PEER, SIZE, TIME, NR_OPS };

enum { PORTS = 4 };

static struct chardev chr[PORTS];

static void message(struct guest *g)
{
	const uint64_t at = guest_scratch(g);
	uint8_t *to = guest_at(at, 8);

	program_copy(g->p, to, 3);
	to[4] = to[1];
	to[6] = to[2];
	to[1] = to[2] = to[3] = to[5] = to[7] = 0;
	guest_add(g, 3, &(struct guest_piece){ at, 8, false }, 1, false);
	guest_kick(g, 3);
}

static void host(struct program *p, unsigned op)
{
	struct chardev *c = &chr[program_u8(p) % PORTS];
	const uint8_t *from;
	size_t n;

	switch (op) {
	case TYPE:
		n = program_take(p, &from, program_u8(p));
		if (n)
			(void)fake_chardev_type(c, from, n);
		break;
	case ROOM:
		c->out_len = 0;
		fake_chardev_take(c, program_u8(p));
		break;
	case PEER:
		c->peers += program_u8(p) & 3;
		fake_chardev_call(c);
		break;
	default:
		c->cols = program_u8(p);
		c->rows = program_u8(p);
		fake_chardev_call(c);
		break;
	}
}

static struct virtio *make(struct guest *g, uint8_t how)
{
	struct virtio_console_port port[PORTS];
	struct virtio *v;
	struct err e;

	for (unsigned i = 0; i < PORTS; i++) {
		fake_chardev_init(&chr[i], how & 8 ? 10 : 1 << 16);
		port[i] = (struct virtio_console_port){ .chardev = &chr[i],
							.console = i == 0 || (i == 2 && how & 16),
							.name = i == 1 ? "org.example" : NULL };
	}
	chr[0].endless = how & 32;
	chr[0].cols = how & 64 ? 80 : 0;
	v = virtio_console_create(port, 1 + how % PORTS, &g->mem, g->loop, &e);
	EXPECT(v != NULL);
	return v;
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct program p = { data, len };
	static struct guest g;

	clock_start();
	guest_init(&g, &p, true);
	guest_plug(&g, make(&g, program_u8(&p)));
	while (program_more(&p)) {
		const unsigned op = program_u8(&p) % NR_OPS;

		if (op == GUEST_TURNS)
			rounds_run(g.loop, 1 + program_u8(&p) % 4U);
		else if (op < GUEST_OPS)
			guest_do(&g, (enum guest_op)op);
		else if (op == MESSAGE)
			message(&g);
		else if (op == TIME)
			clock_ns += program_u8(&p) * 1000000ULL;
		else
			host(&p, op);
	}
	guest_done(&g);
	for (unsigned i = 0; i < PORTS; i++)
		EXPECT(!chr[i].front);
}
