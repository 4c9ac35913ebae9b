/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random requests on a disk against the same ones on bytes in memory: on each engine and cache
 * mode and on a snapshot, many in flight, from two queues at once, and with a host block size that
 * makes read-modify-writes. Requests in flight together never touch the same sectors.
 */
#include "tests/lib/disk_rig.h"
#include "tests/lib/test.h"
#include "vmm/host/disk_private.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { SIZE = 4 << 20, SECTORS = SIZE / 512, FLIGHT = 24, SEGS = 5, ROUNDS = 400, MAX = 96 };

/* A queue of its own, that uses the sectors that are @mine modulo two: neighbours share blocks. */
struct side {
	struct disk *d;
	uint8_t *model; /* of the whole disk; the sides use different bytes of it */
	unsigned turn;	/* 0 or 1; 2: all sectors */
	uint64_t seed;
	int align; /* of memory */
};

struct job {
	struct disk_io io;
	struct iovec iov[SEGS];
	struct side *s;
	uint64_t offset, len;
	uint8_t *data; /* what was written, or where it is read to */
	bool busy;
};

static uint64_t next(struct side *s)
{
	s->seed ^= s->seed << 13;
	s->seed ^= s->seed >> 7;
	s->seed ^= s->seed << 17;
	return s->seed;
}

static void job_done(struct disk_io *io)
{
	struct job *j = container_of(io, struct job, io);
	uint8_t *model = j->s->model + j->offset;

	EXPECT_EQ(io->result, 0);
	if (io->op == DISK_READ)
		EXPECT_EQ(memcmp(j->data, model, j->len), 0);
	else if (io->op == DISK_ZERO)
		memset(model, 0, j->len);
	j->busy = false;
}

static bool overlaps(const struct job *all, uint64_t offset, uint64_t len)
{
	for (unsigned i = 0; i < FLIGHT; i++)
		if (all[i].busy && offset < all[i].offset + all[i].len &&
		    all[i].offset < offset + len)
			return true;
	return false;
}

/* Chooses a place and an operation. Pieces of memory have odd lengths, in units of @align. */
static bool make(struct side *s, struct job *all, struct job *j)
{
	const unsigned what = (unsigned)(next(s) % 16);
	uint64_t at, left;

	j->s = s;
	if (s->turn == 2) {
		j->len = (1 + next(s) % MAX) * 512;
		j->offset = next(s) % (SECTORS - j->len / 512) * 512;
	} else {
		j->len = 512;
		j->offset = (next(s) % (SECTORS / 16) * 2 + s->turn) * 512;
	}
	if (overlaps(all, j->offset, j->len))
		return false;
	j->io = (struct disk_io){ .op = what < 7    ? DISK_READ
					: what < 14 ? DISK_WRITE
					: what < 15 ? DISK_ZERO
						    : DISK_FLUSH,
				  .unmap = next(s) & 1,
				  .sync = next(s) % 8 == 0,
				  .offset = j->offset,
				  .len = j->len,
				  .done = job_done };
	if (j->io.op == DISK_FLUSH)
		j->io.offset = j->io.len = 0;
	if (j->io.op > DISK_WRITE)
		return true;
	j->io.iov = j->iov;
	at = 0;
	for (left = j->len; left; j->io.niov++) {
		uint64_t n = (1 + next(s) % 64) * (unsigned)s->align;

		if (n > left || j->io.niov == SEGS - 1)
			n = left;
		j->iov[j->io.niov] = (struct iovec){ j->data + at, n };
		at += n;
		left -= n;
	}
	for (uint64_t i = 0; i < j->len; i += 8) {
		uint64_t v = next(s);

		memcpy(j->data + i, &v, 8);
	}
	if (j->io.op == DISK_WRITE)
		memcpy(s->model + j->offset, j->data, j->len);
	return true;
}

static void *run_side(void *arg)
{
	static const struct job none;
	struct side *s = arg;
	struct job all[FLIGHT];
	struct err e;
	struct disk_queue *q = disk_queue_create(s->d, FLIGHT, &e);
	uint8_t *memory;

	EXPECT(q != NULL);
	EXPECT_EQ(posix_memalign((void **)&memory, 4096, FLIGHT * (MAX + 8) * 512), 0);
	for (unsigned i = 0; i < FLIGHT; i++) {
		all[i] = none;
		/* Every third is aligned whatever is asked. */
		all[i].data = memory + i * (MAX + 8) * 512 + (i % 3 && s->align < 512 ? 8 : 0);
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		for (unsigned k = 0; k < FLIGHT; k++)
			if (!all[k].busy && next(s) % 2 && make(s, all, &all[k])) {
				all[k].busy = true;
				disk_start(q, &all[k].io);
			}
		if (disk_in_flight(q))
			(void)disk_wait(q, -1, -1);
	}
	while (disk_in_flight(q))
		(void)disk_wait(q, -1, -1);
	disk_queue_destroy(q);
	free(memory);
	return NULL;
}

/*
 * @file_align: what the host is said to want of O_DIRECT, at least; 0: what it wants. @large: the
 * same of how much its device takes at once.
 */
static void compare_large(const struct disk_config *like, uint32_t file_align, uint32_t large,
			  int align, bool two)
{
	struct disk_config c = *like;
	struct disk_rig r;
	struct side s[2] = { { 0 }, { 0 } };
	uint8_t *model = malloc(SIZE), *was = malloc(SIZE), *seen = malloc(SIZE);
	const char *path = c.path = disk_rig_image("model", SIZE);
	pthread_t other = 0;

	c.discard = true;
	disk_rig_open(&r, &c);
	if (file_align) {
		host_disk(r.d)->file_align = file_align;
		host_disk(r.d)->gated = true;
	}
	if (large) {
		host_disk(r.d)->request_max = large;
		host_disk(r.d)->request_segs = 2;
	}
	for (uint64_t i = 0; i < SIZE; i++)
		was[i] = model[i] = disk_rig_byte(i);
	for (unsigned i = 0; i < 2; i++)
		s[i] = (struct side){ r.d, model, two ? i : 2, 0x9e3779b97f4a7c15 + i, align };
	if (two)
		EXPECT_EQ(pthread_create(&other, NULL, run_side, &s[1]), 0);
	(void)run_side(&s[0]);
	if (two)
		EXPECT_EQ(pthread_join(other, NULL), 0);
	EXPECT_EQ(disk_rig_op(&r, DISK_FLUSH, 0, 0), 0);
	memset(seen, 0xff, SIZE);
	EXPECT_EQ(disk_rig_read(&r, 0, seen, SIZE), 0);
	EXPECT_EQ(memcmp(seen, model, SIZE), 0);
	disk_rig_close(&r);
	disk_rig_peek(path, 0, seen, SIZE);
	EXPECT_EQ(memcmp(seen, c.snapshot ? was : model, SIZE), 0);
	free(model);
	free(was);
	free(seen);
}

static void compare(const struct disk_config *like, uint32_t file_align, int align, bool two)
{
	compare_large(like, file_align, 0, align, two);
}

static void direct_on_a_device_that_takes_little(int engine)
{
	const struct disk_config c = { .engine = engine, .cache = DISK_NONE };

	compare_large(&c, 0, 8192, 512, false);
	compare_large(&c, 4096, 8192, 512, true);
}

static void writeback(int engine)
{
	compare(&(struct disk_config){ .engine = engine }, 0, 512, false);
	compare(&(struct disk_config){ .engine = engine }, 0, 1, true);
}

static void writethrough(int engine)
{
	compare(&(struct disk_config){ .engine = engine, .cache = DISK_WRITETHROUGH }, 0, 512,
		false);
}

static void direct(int engine)
{
	compare(&(struct disk_config){ .engine = engine, .cache = DISK_NONE }, 0, 512, false);
}

static void direct_with_odd_memory(int engine)
{
	compare(&(struct disk_config){ .engine = engine, .cache = DISK_NONE }, 0, 8, false);
}

static void direct_on_large_blocks(int engine)
{
	compare(&(struct disk_config){ .engine = engine, .cache = DISK_NONE }, 4096, 512, false);
	compare(&(struct disk_config){ .engine = engine, .cache = DISK_NONE }, 4096, 512, true);
}

static void snapshot(int engine)
{
	compare(&(struct disk_config){ .engine = engine, .snapshot = true }, 0, 512, false);
	compare(&(struct disk_config){ .engine = engine, .snapshot = true }, 0, 1, true);
}

static void nothing(struct disk_io *io)
{
	EXPECT_EQ(io->result, 0);
}

/* A whole block and one of its sectors at the same time: which of them that sector has is open. */
static void sector_in_a_block_that_is_written(int engine)
{
	struct disk_config c = { .engine = engine, .cache = DISK_NONE };
	struct disk_rig r;
	uint8_t *block;

	c.path = disk_rig_image("block", MiB);
	disk_rig_open(&r, &c);
	host_disk(r.d)->file_align = 4096;
	host_disk(r.d)->gated = true;
	EXPECT_EQ(posix_memalign((void **)&block, 4096, 3 * 4096), 0);
	memset(block + 4096, 0xff, 4096);
	for (unsigned i = 0; i < 1000; i++) {
		struct iovec whole = { block, 4096 }, sector = { block + 4096, 512 };
		struct disk_io a = { .op = DISK_WRITE,
				     .offset = 8192,
				     .len = 4096,
				     .iov = &whole,
				     .niov = 1,
				     .done = nothing };
		struct disk_io b = { .op = DISK_WRITE,
				     .offset = 8192,
				     .len = 512,
				     .iov = &sector,
				     .niov = 1,
				     .done = nothing };

		memset(block, (int)(i % 200), 4096);
		disk_start(r.q, i % 2 ? &a : &b);
		disk_start(r.q, i % 2 ? &b : &a);
		while (disk_in_flight(r.q))
			(void)disk_wait(r.q, -1, -1);
		EXPECT_EQ(disk_rig_read(&r, 8192, block + 8192, 4096), 0);
		EXPECT_EQ(memcmp(block + 8192 + 512, block + 512, 4096 - 512), 0);
	}
	disk_rig_close(&r);
	free(block);
}

BOTH_ENGINES(sector_in_a_block_that_is_written)
BOTH_ENGINES(writeback)
BOTH_ENGINES(writethrough)
BOTH_ENGINES(direct)
BOTH_ENGINES(direct_on_a_device_that_takes_little)
BOTH_ENGINES(direct_with_odd_memory)
BOTH_ENGINES(direct_on_large_blocks)
BOTH_ENGINES(snapshot)

TEST_MAIN(BOTH_T(sector_in_a_block_that_is_written), BOTH_T(writeback), BOTH_T(writethrough),
	  BOTH_T(direct), BOTH_T(direct_on_a_device_that_takes_little),
	  BOTH_T(direct_with_odd_memory), BOTH_T(direct_on_large_blocks), BOTH_T(snapshot))
