/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk device, with two queues: requests of a driver, and a host that does them when the
 * program says so, in any order, with any result, full disks included.
 */
#include "devices/virtio/blk_parts.h"
#include "tests/fuzz/guest.h"
#include "tests/fuzz/host_disk.h"
#include "tests/fuzz/no_threads.h"

enum { REQUEST = GUEST_OPS, SERVE, FINISH, RESIZE, NR_OPS };

static struct blk *blk;
static unsigned full; /* on_full() said so */

/* One round of a queue's thread: it ends behind what follows disk_wait(). */
static void one_round(void)
{
	atomic_store(&blk->ending, true);
}

static void serve(unsigned queue)
{
	atomic_store(&blk->ending, false);
	blk_serve(&blk->serving[queue]);
	atomic_store(&blk->ending, false);
}

static void finish(unsigned which, uint8_t how)
{
	static const int results[] = { 0, 0, 0, -EIO, -ENOSPC, -EOPNOTSUPP, -EROFS, -ENOMEM };

	if (host_disk.nr)
		host_disk_finish(which % host_disk.nr, results[how & 7]);
}

/* A queue is stopped: the host does what is under way, and the thread is kicked. */
static void no_threads_waits(void)
{
	while (host_disk.nr)
		finish(0, 0);
	for (unsigned i = 0; i < blk->nr; i++)
		serve(i);
}

static void on_full(void *ctx UNUSED, const char *name UNUSED, bool is_full)
{
	EXPECT(is_full || full);
	full += is_full ? 1 : 0U - 1;
}

/* A request as the specification has it, of any type. */
static void request(struct guest *g)
{
	static const uint8_t types[] = { 0, 1, 4, 8, 11, 13, 2, 255 };
	const uint8_t how = program_u8(g->p), more = program_u8(g->p);
	const uint32_t type = types[how & 7];
	uint64_t sector = more & 128 ? program_u64(g->p) : program_u8(g->p);
	const uint64_t at = guest_scratch(g);
	uint8_t *to = guest_at(at, 64);
	struct guest_piece d[6] = { { at, 16, false } };
	unsigned n = 1;

	memset(to, 0, 64);
	memcpy(to, &type, 4);
	memcpy(to + 8, &sector, 8);
	if (type == 11 || type == 13) {
		program_copy(g->p, to + 16, more & 64 ? 16 : 2);
		to[24] = program_u8(g->p);
		to[28] = program_u8(g->p) & 3;
		d[0].len = 32;
	}
	for (unsigned i = how >> 4 & 3; i; i--)
		d[n++] = (struct guest_piece){ GUEST_BUFFERS + i * 4096, 512U << (more & 3),
					       type != 1 };
	d[n++] = (struct guest_piece){ at + 100, how & 64 ? 21 : 1, true };
	guest_add(g, how >> 3 & 1, d, n, how & 128);
	if (more & 4)
		guest_kick(g, how >> 3 & 1);
}

static void make(struct guest *g, uint8_t how)
{
	struct virtio_blk_config c = virtio_blk_defaults;
	const struct virtio_blk_events ev = { .on_full = how & 1 ? on_full : NULL };
	struct virtio *v;
	struct err e;

	c.path = (char *)(uintptr_t) "fuzz";
	c.serial = (char *)(uintptr_t)(how & 32 ? "a serial of 20 bytes" : NULL);
	c.ro = how & 2;
	c.discard = how & 4;
	c.cache = how & 8 ? DISK_WRITETHROUGH : DISK_WRITEBACK;
	c.queues = how & 16 ? 1 : 2;
	c.packed = !(how & 64);
	host_disk = (struct host_disk){ .d = { .size = how & 128 ? HOST_DISK_SIZE : 64 * KiB,
					       .logical_block = 512,
					       .physical_block = 4096,
					       .min_io = how & 128 ? 1U << 30 : 4096,
					       .discard_granularity = 4096 },
					.waits = one_round };
	full = 0;
	v = virtio_blk_create(&c, &g->mem, &ev, &e);
	EXPECT(v != NULL);
	blk = container_of(v, struct blk, v);
	guest_plug(g, v);
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct program p = { data, len };
	static struct guest g;

	guest_init(&g, &p, false);
	make(&g, program_u8(&p));
	while (program_more(&p)) {
		const unsigned op = program_u8(&p) % NR_OPS;

		if (op < GUEST_OPS) {
			guest_do(&g, (enum guest_op)op);
		} else if (op == REQUEST) {
			request(&g);
		} else if (op == SERVE) {
			serve(program_u8(&p) % blk->nr);
		} else if (op == FINISH) {
			const uint8_t which = program_u8(&p);

			finish(which, program_u8(&p));
		} else {
			host_disk.changed = host_disk.other = true;
			host_disk.d.size = program_u16(&p) * 512ULL;
			while (host_disk.nr) /* what was asked for was inside then */
				finish(0, 0);
			virtio_blk_look_at_size(&blk->v);
			host_disk.changed = false;
		}
	}
	guest_done(&g);
}
