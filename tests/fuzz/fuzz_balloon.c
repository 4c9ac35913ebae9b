/* SPDX-License-Identifier: Apache-2.0 */
/* The balloon: what a driver names, and what the host's user wants at the same time. */
#include "devices/virtio/balloon.h"
#include "tests/fuzz/clock.h"
#include "tests/fuzz/guest.h"

static unsigned told;

static void tell(struct virtio_balloon_asked *a UNUSED, const struct virtio_balloon_figures *f)
{
	EXPECT(f->inside <= GUEST_RAM_LEN + GUEST_MORE_LEN);
	told++;
}

/* Lists of page numbers are worth an operation: begins, steps. */
static void pages(struct guest *g)
{
	const unsigned q = program_u8(g->p) % 5U, n = program_u8(g->p);
	const int8_t step = (int8_t)program_u8(g->p);
	unsigned page = (unsigned)(GUEST_RAM / 4096) + program_u8(g->p);
	uint8_t *to = guest_at(GUEST_BUFFERS, 4 * 256UL);

	for (unsigned i = 0; i < n; i++, page += (unsigned)step)
		memcpy(to + 4UL * i, &page, 4);
	guest_add(g, q, &(struct guest_piece){ GUEST_BUFFERS, 4 * n, false }, 1, false);
	guest_kick(g, q);
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct program p = { data, len };
	struct virtio_balloon_config c = virtio_balloon_defaults;
	struct virtio_balloon_asked asked = { .tell = tell };
	struct virtio_balloon_figures f;
	static struct guest g;
	struct virtio *v;
	struct err e;
	uint8_t how;

	clock_start();
	how = program_u8(&p);
	guest_init(&g, &p, true);
	c.size = how & 1 ? 64 * KiB : 0;
	c.reporting = how & 2;
	c.deflate_on_oom = how & 4;
	guest_pieces.ram.page = how & 8 ? 16384 : 4096;
	v = virtio_balloon_create(&c, &g.mem, g.loop, &e);
	EXPECT(v != NULL);
	guest_plug(&g, v);
	while (program_more(&p)) {
		const unsigned op = program_u8(&p) % (GUEST_OPS + 4);

		if (op == GUEST_TURNS)
			rounds_run(g.loop, 1 + program_u8(&p) % 4U);
		else if (op == GUEST_OPS)
			pages(&g);
		else if (op == GUEST_OPS + 1)
			virtio_balloon_resize(v, program_u8(&p) * 4096ULL);
		else if (op == GUEST_OPS + 2)
			(void)!virtio_balloon_ask(v, &asked);
		else if (op == GUEST_OPS + 3)
			clock_ns += program_u8(&p) * 10000000ULL;
		else
			guest_do(&g, (enum guest_op)op);
	}
	virtio_balloon_figures(v, &f);
	EXPECT(f.inside <= GUEST_RAM_LEN + GUEST_MORE_LEN);
	guest_done(&g);
}
