/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "tests/lib/virtio_driver.h"

#include "devices/virtio/blk_parts.h"
#include "vmm/base/checked.h"
#include "vmm/host/disk_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

enum { SECTORS = 64, BITS_FLUSH = 9, BITS_WCE = 11, BITS_DISCARD = 13, BITS_ZERO = 14 };
enum { IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8, DISCARD = 11, ZERO = 13 };
enum { OK = 0, IOERR = 1, UNSUPP = 2, NEVER = 0xff /* the queue breaks */ };

#define BLK_FEATURES                                                                               \
	(VIRTIO_BIT(BITS_FLUSH) | VIRTIO_BIT(BITS_WCE) | VIRTIO_BIT(BITS_DISCARD) |                \
	 VIRTIO_BIT(BITS_ZERO))

struct rig {
	struct driver d;
	char path[64];
	int fd;		   /* of the image, our own */
	unsigned turns[2]; /* of on_full */
};

/* Each sector of the image is filled with its number. */
static void fill(int fd)
{
	for (unsigned i = 0; i < SECTORS; i++) {
		char block[SECTOR];

		memset(block, (int)i + 1, sizeof(block));
		EXPECT_EQ(pwrite(fd, block, sizeof(block), (off_t)i * SECTOR), SECTOR);
	}
}

/* @c.path: the folder for the image; NULL: /tmp. */
static void rig_plug(struct rig *r, struct virtio_blk_config c,
		     const struct virtio_blk_events *events)
{
	static const struct virtio_blk_events none;
	struct virtio *v;
	struct err e;

	(void)snprintf(r->path, sizeof(r->path), "%s/image.XXXXXX", c.path ? c.path : "/tmp");
	r->fd = mkstemp(r->path);
	EXPECT(r->fd >= 0);
	fill(r->fd);
	c.path = r->path;
	driver_init(&r->d, 1 * MiB);
	v = virtio_blk_create(&c, &r->d.mem, events ? events : &none, &e);
	if (!v)
		test_fail(__FILE__, __LINE__, "%s", e.text);
	driver_plug(&r->d, v);
}

static void rig_done(struct rig *r)
{
	driver_done(&r->d);
	(void)unlink(r->path);
	(void)close(r->fd);
}

struct range {
	uint64_t sector;
	uint32_t sectors, flags;
};

/* A request as its pieces: @out bytes from @data behind the header, @in bytes before the status. */
struct ask {
	uint32_t type;
	uint64_t sector;
	const void *data;
	uint32_t out, in;
	uint32_t header; /* bytes of it; 0: all 16 */
	bool no_status;
	struct range range; /* goes out instead of data when ranged */
	bool ranged;
};

struct answer {
	uint8_t status; /* NEVER when none came */
	uint32_t written;
	const uint8_t *in;
};

static struct answer ask(struct rig *r, const struct ask *a)
{
	struct driver_queue *q = &r->d.queue[0];
	const uint64_t out = driver_alloc(&r->d, 16 + a->out), in = driver_alloc(&r->d, a->in + 1);
	uint8_t *to = driver_at(&r->d, out), *from = driver_at(&r->d, in);
	const uint32_t header = a->header ? a->header : 16;
	const le32 type = le32_of(a->type);
	const le64 sector = le64_of(a->sector);
	struct piece p[2] = { { out, header + a->out, false }, { in, a->in + 1, true } };
	struct answer got = { .status = NEVER };
	uint64_t cookie;

	memcpy(to, &type, 4);
	memset(to + 4, 0, 4);
	memcpy(to + 8, &sector, 8);
	if (a->out)
		memcpy(to + 16, a->ranged ? (const void *)&a->range : a->data, a->out);
	memset(from, 0xee, a->in + 1);
	EXPECT(driver_add(q, p, a->no_status ? 1 : 2, 77));
	(void)driver_want_interrupt(q, true);
	(void)driver_kick(q);
	while (!driver_get(q, &cookie, &got.written)) {
		if (driver_read(&r->d, REG_STATUS) & VIRTIO_NEEDS_RESET)
			return got;
		(void)driver_wait(&r->d, 100);
	}
	EXPECT_EQ(cookie, 77);
	got.status = from[a->in];
	got.in = from;
	return got;
}

/* The image as it should be, sector by sector: byte 0 stands for its own number. */
static void image_is(const struct rig *r, const uint8_t want[SECTORS])
{
	for (unsigned i = 0; i < SECTORS; i++) {
		uint8_t block[SECTOR], byte = want[i] ? want[i] : (uint8_t)(i + 1);

		EXPECT_EQ(pread(r->fd, block, SECTOR, (off_t)i * SECTOR), SECTOR);
		for (unsigned k = 0; k < SECTOR; k++)
			EXPECT_EQ(block[k], byte == 0xfe ? 0 : byte);
	}
}

static char data[4 * SECTOR];

#define RANGE(first, n, f)                                                                         \
	.range = { .sector = (first), .sectors = (n), .flags = (f) }, .ranged = true, .out = 16

#define ROW(says, gives, bytes, ...)                                                               \
	{                                                                                          \
		.name = (says), .a = { __VA_ARGS__ }, .status = (gives), .written = (bytes)        \
	}

/* Good and hostile requests, and what becomes of each. */
static const struct row {
	const char *name;
	struct ask a;
	uint8_t status;
	uint32_t written;
} rows[] = {
	ROW("read", OK, 2 * SECTOR + 1, .type = IN, .sector = 3, .in = 2 * SECTOR),
	ROW("read the last sector", OK, SECTOR + 1, .type = IN, .sector = SECTORS - 1,
	    .in = SECTOR),
	ROW("read nothing", OK, 1, .type = IN, .sector = 3),
	ROW("read at the end", IOERR, 0, .type = IN, .sector = SECTORS, .in = SECTOR),
	ROW("read over the end", IOERR, 0, .type = IN, .sector = SECTORS - 1, .in = 2 * SECTOR),
	ROW("read far away", IOERR, 0, .type = IN, .sector = UINT64_MAX, .in = SECTOR),
	ROW("read where the sum of bytes wraps", IOERR, 0, .type = IN,
	    .sector = UINT64_MAX / SECTOR + 1, .in = SECTOR),
	ROW("read half a sector", IOERR, 0, .type = IN, .sector = 3, .in = SECTOR / 2),
	ROW("read a byte more", IOERR, 0, .type = IN, .sector = 3, .in = SECTOR + 1),
	ROW("write", OK, 1, .type = OUT, .sector = 5, .data = data, .out = 2 * SECTOR),
	ROW("write nothing", OK, 1, .type = OUT, .sector = 5),
	ROW("write at the end", IOERR, 1, .type = OUT, .sector = SECTORS, .data = data,
	    .out = SECTOR),
	ROW("write over the end", IOERR, 1, .type = OUT, .sector = SECTORS - 1, .data = data,
	    .out = 2 * SECTOR),
	ROW("write far away", IOERR, 1, .type = OUT, .sector = UINT64_MAX - 1, .data = data,
	    .out = SECTOR),
	ROW("write half a sector", IOERR, 1, .type = OUT, .sector = 5, .data = data,
	    .out = SECTOR / 2),
	ROW("flush", OK, 1, .type = FLUSH, .sector = 0),
	ROW("flush with a sector", OK, 1, .type = FLUSH, .sector = UINT64_MAX),
	ROW("id", OK, 21, .type = GET_ID, .sector = 0, .in = 20),
	ROW("id, cut", OK, 5, .type = GET_ID, .sector = 0, .in = 4),
	ROW("id into more", OK, 20, .type = GET_ID, .sector = 0, .in = 64),
	ROW("id into nothing", OK, 1, .type = GET_ID, .sector = 0),
	ROW("discard", OK, 1, .type = DISCARD, .sector = 0, RANGE(8, 4, 0)),
	ROW("discard nothing", OK, 1, .type = DISCARD, .sector = 0, RANGE(8, 0, 0)),
	ROW("discard over the end", IOERR, 1, .type = DISCARD, .sector = 0,
	    RANGE(SECTORS - 1, 2, 0)),
	ROW("discard far away", IOERR, 1, .type = DISCARD, .sector = 0, RANGE(UINT64_MAX, 1, 0)),
	ROW("discard too much", IOERR, 1, .type = DISCARD, .sector = 0, RANGE(0, UINT32_MAX, 0)),
	ROW("discard with unmap", UNSUPP, 1, .type = DISCARD, .sector = 0, RANGE(8, 4, 1)),
	ROW("discard half a range", IOERR, 1, .type = DISCARD, .sector = 0, .data = data, .out = 8),
	ROW("discard without a range", IOERR, 1, .type = DISCARD, .sector = 0),
	ROW("discard two ranges", IOERR, 1, .type = DISCARD, .sector = 0, .data = data, .out = 32),
	ROW("zero", OK, 1, .type = ZERO, .sector = 0, RANGE(8, 4, 0)),
	ROW("zero and unmap", OK, 1, .type = ZERO, .sector = 0, RANGE(8, 4, 1)),
	ROW("zero with a flag unknown", UNSUPP, 1, .type = ZERO, .sector = 0, RANGE(8, 4, 2)),
	ROW("zero over the end", IOERR, 1, .type = ZERO, .sector = 0, RANGE(1, SECTORS, 0)),
	ROW("type unknown", UNSUPP, 0, .type = 99, .sector = 3, .in = SECTOR),
	ROW("type of all ones", UNSUPP, 1, .type = UINT32_MAX, .sector = 3, .data = data,
	    .out = SECTOR),
	ROW("read with data to write", OK, SECTOR + 1, .type = IN, .sector = 3, .data = data,
	    .out = SECTOR, .in = SECTOR),
	ROW("half a header", NEVER, 0, .type = IN, .sector = 3, .in = SECTOR, .header = 8),
	ROW("no status", NEVER, 0, .type = OUT, .sector = 3, .data = data, .out = SECTOR,
	    .no_status = true),
};

/* Whether @row, which succeeds, changes the image: two sectors at 5, or four at 8. */
static bool changes(const struct row *row)
{
	return row->status == OK &&
	       (row->a.ranged ? row->a.range.sectors != 0 : row->a.type == OUT && row->a.out);
}

static void run_row(struct rig *r, const struct row *row)
{
	uint8_t want[SECTORS] = { 0 };
	struct answer got = ask(r, &row->a);

	if (got.status != row->status || (got.status != NEVER && got.written != row->written))
		test_fail(__FILE__, __LINE__, "%s: status %u, %u bytes; wanted %u, %u", row->name,
			  got.status, got.written, row->status, row->written);
	if (row->a.type == IN && got.status == OK)
		for (unsigned i = 0; i < row->a.in; i++)
			EXPECT_EQ(got.in[i], row->a.sector + i / SECTOR + 1);
	if (row->a.type == GET_ID)
		EXPECT(memcmp(got.in, "serial number", row->a.in < 13 ? row->a.in : 13) == 0);
	for (unsigned i = 0; changes(row) && i < 4; i++) {
		if (row->a.type == OUT && i < 2)
			want[5 + i] = 0xab;
		else if (row->a.type != OUT)
			want[8 + i] = 0xfe;
	}
	image_is(r, want);
	if (changes(row))
		fill(r->fd);
}

/* With nothing of an earlier driver left. */
static void begin_anew(struct rig *r, uint64_t features)
{
	driver_write(&r->d, REG_STATUS, 0);
	driver_forget(&r->d);
	driver_start(&r->d, features | BLK_FEATURES, 64);
}

static void run_table(int engine, uint64_t features)
{
	struct virtio_blk_config c = virtio_blk_defaults;
	static struct rig r;

	c.engine = engine;
	c.serial = (char[]){ "serial number" };
	memset(data, 0xab, sizeof(data));
	rig_plug(&r, c, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		begin_anew(&r, features);
		run_row(&r, &rows[i]);
		/* After whatever it was, a good request works: a broken queue once it is reset. */
		if (rows[i].status == NEVER)
			begin_anew(&r, features);
		run_row(&r, &rows[0]);
	}
	rig_done(&r);
}

TEST(each_request_has_the_effect_and_answer_that_it_should)
{
	run_table(DISK_THREADS, 0);
	run_table(DISK_AUTO, VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) | VIRTIO_BIT(VIRTIO_F_EVENT_IDX));
}

TEST(the_same_on_a_packed_ring)
{
	run_table(DISK_THREADS, VIRTIO_BIT(VIRTIO_F_RING_PACKED));
	run_table(DISK_AUTO, VIRTIO_BIT(VIRTIO_F_RING_PACKED) | VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) |
				     VIRTIO_BIT(VIRTIO_F_EVENT_IDX));
}

/* What keeps track of a snapshot is indexed by sectors. */
TEST(no_request_leaves_a_snapshot)
{
	static const struct ask far[] = {
		{ .type = IN, .sector = UINT64_MAX - 3, .in = 4 * SECTOR },
		{ .type = IN, .sector = UINT64_MAX - 3, .in = 8 * SECTOR },
		{ .type = OUT, .sector = UINT64_MAX - 1, .data = data, .out = 4 * SECTOR },
		{ .type = ZERO, RANGE(UINT64_MAX - 3, 8, 0) },
		{ .type = DISCARD, RANGE(UINT64_MAX - 3, 8, 0) },
	};
	struct virtio_blk_config c = virtio_blk_defaults;
	static struct rig r;

	c.snapshot = true;
	rig_plug(&r, c, NULL);
	driver_start(&r.d, BLK_FEATURES, 64);
	for (size_t i = 0; i < ARRAY_SIZE(far); i++)
		EXPECT_EQ(ask(&r, &far[i]).status, IOERR);
	EXPECT_EQ(ask(&r, &rows[0].a).status, OK);
	rig_done(&r);
}

/* Whether the thread serves a queue, and which signals it blocks. */
static bool serves(const char *tid, uint64_t *blocked)
{
	char path[300], line[256], name[16] = "";
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%s/status", tid);
	f = fopen(path, "re");
	EXPECT(f);
	while (fgets(line, sizeof(line), f)) {
		(void)sscanf(line, "Name: %15s", name);
		(void)sscanf(line, "SigBlk: %" SCNx64, blocked);
	}
	(void)fclose(f);
	return strncmp(name, "disk/", 5) == 0;
}

/* How many threads serve a disk; each blocks every signal but those it brings upon itself. */
static unsigned servers(void)
{
	const uint64_t all = ~(1ULL << (SIGKILL - 1) | 1ULL << (SIGSTOP - 1));
	const uint64_t libc = 3ULL << 31; /* its own, 32 and 33, which nobody blocks */
	const uint64_t own = 1ULL << (SIGBUS - 1) | 1ULL << (SIGSEGV - 1) | 1ULL << (SIGILL - 1) |
			     1ULL << (SIGFPE - 1) | 1ULL << (SIGTRAP - 1) | 1ULL << (SIGSYS - 1) |
			     1ULL << (SIGABRT - 1);
	DIR *dir = opendir("/proc/self/task");
	const struct dirent *t;
	unsigned threads = 0;
	uint64_t blocked;

	EXPECT(dir);
	while ((t = readdir(dir))) {
		if (t->d_name[0] == '.' || !serves(t->d_name, &blocked))
			continue;
		EXPECT_EQ(blocked | libc, all & ~own);
		threads++;
	}
	(void)closedir(dir);
	return threads;
}

TEST(threads_that_serve_a_disk_leave_signals_to_others)
{
	struct virtio_blk_config c = virtio_blk_defaults;
	static struct rig r;
	sigset_t mine;

	c.queues = 3;
	rig_plug(&r, c, NULL);
	for (unsigned ms = 0; servers() != 3; ms++) { /* a thread names itself when it first runs */
		EXPECT(ms < 10000);
		(void)usleep(1000);
	}
	EXPECT_EQ(pthread_sigmask(SIG_BLOCK, NULL, &mine), 0);
	EXPECT(!sigismember(&mine, SIGTERM)); /* who made them is as before */
	rig_done(&r);
}

TEST(a_disk_to_read_only_is_not_written)
{
	static const struct ask writes[] = {
		{ .type = OUT, .sector = 5, .data = data, .out = SECTOR },
		{ .type = DISCARD, RANGE(8, 4, 0) },
		{ .type = ZERO, RANGE(8, 4, 0) },
	};
	struct virtio_blk_config c = virtio_blk_defaults;
	uint8_t same[SECTORS] = { 0 };
	static struct rig r;

	c.ro = true;
	rig_plug(&r, c, NULL);
	driver_start(&r.d, 0, 64);
	EXPECT_EQ(ask(&r, &writes[0]).status, IOERR);
	/* Not offered. */
	EXPECT_EQ(ask(&r, &writes[1]).status, UNSUPP);
	EXPECT_EQ(ask(&r, &writes[2]).status, UNSUPP);
	image_is(&r, same);
	EXPECT_EQ(driver_negotiate(&r.d, VIRTIO_BIT(VIRTIO_F_VERSION_1) | BLK_FEATURES), false);
	rig_done(&r);
}

TEST(a_request_in_small_pieces_is_the_same)
{
	struct virtio_blk_config c = virtio_blk_defaults;
	struct piece p[16 + SECTOR / 64 + 1];
	struct driver_queue *q;
	uint64_t at, cookie;
	uint32_t written;
	static struct rig r;
	uint8_t *b;
	unsigned n = 0;

	rig_plug(&r, c, NULL);
	driver_start(&r.d, VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC), 64);
	q = &r.d.queue[0];
	at = driver_alloc(&r.d, 4096);
	b = driver_at(&r.d, at);
	memset(b, 0, 16);
	b[8] = 9; /* the sector */
	for (; n < 16; n++)
		p[n] = (struct piece){ at + n, 1, false };
	for (unsigned i = 0; i < SECTOR / 64; i++)
		p[n++] = (struct piece){ at + 64 + i * 100, 64, true };
	p[n++] = (struct piece){ at + 2048, 1, true };
	b[2048] = NEVER;
	EXPECT(driver_add(q, p, n, 5));
	(void)driver_kick(q);
	while (!driver_get(q, &cookie, &written))
		(void)driver_wait(&r.d, 10);
	EXPECT_EQ(written, SECTOR + 1);
	EXPECT_EQ(b[2048], OK);
	for (unsigned i = 0; i < SECTOR; i++)
		EXPECT_EQ(b[64 + i / 64 * 100 + i % 64], 10);
	rig_done(&r);
}

TEST(packed_rings_are_offered_unless_that_is_not_wanted)
{
	for (int packed = 0; packed < 2; packed++) {
		struct virtio_blk_config c = virtio_blk_defaults;
		static struct rig r;

		EXPECT(c.packed);
		c.packed = packed;
		rig_plug(&r, c, NULL);
		EXPECT_EQ(driver_negotiate(&r.d, VIRTIO_BIT(VIRTIO_F_VERSION_1) |
							 VIRTIO_BIT(VIRTIO_F_RING_PACKED)),
			  packed);
		rig_done(&r);
	}
}

TEST(the_configuration_says_what_the_disk_is)
{
	struct virtio_blk_config c = virtio_blk_defaults;
	static struct rig r;

	c.queues = 3;
	rig_plug(&r, c, NULL);
	driver_start(&r.d, BLK_FEATURES | VIRTIO_BIT(12), 64);
	EXPECT_EQ(r.d.nr_queues, 3);
	EXPECT_EQ(driver_read(&r.d, REG_CONFIG), SECTORS);
	EXPECT_EQ(driver_read(&r.d, REG_CONFIG + 20), SECTOR); /* blk_size */
	EXPECT_EQ(driver_read(&r.d, REG_DEVICE_ID), 2);

	/* It grows. */
	EXPECT_EQ(ftruncate(r.fd, (SECTORS + 8) * SECTOR), 0);
	EXPECT_EQ(ask(&r, &(struct ask){ .type = IN, .sector = SECTORS, .in = SECTOR }).status,
		  IOERR);
	virtio_blk_look_at_size(virtio_mmio_virtio(r.d.dev));
	EXPECT_EQ(driver_wait(&r.d, 1000) & VIRTIO_INT_CONFIG, VIRTIO_INT_CONFIG);
	EXPECT_EQ(driver_read(&r.d, REG_CONFIG), SECTORS + 8);
	EXPECT_EQ(ask(&r, &(struct ask){ .type = IN, .sector = SECTORS, .in = SECTOR }).status, OK);
	rig_done(&r);
}

static void count_turns(void *ctx, const char *name UNUSED, bool full)
{
	struct rig *r = ctx;

	__atomic_add_fetch(&r->turns[full], 1, __ATOMIC_SEQ_CST);
}

static unsigned turns(struct rig *r, bool full)
{
	return __atomic_load_n(&r->turns[full], __ATOMIC_SEQ_CST);
}

/* A file system of 64 KiB, for this process and its threads only; skips where that cannot be. */
static void small_file_system(const char *at)
{
	if (unshare(CLONE_NEWNS) && unshare(CLONE_NEWUSER | CLONE_NEWNS))
		test_skip("no mount namespace here");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmp", at, "tmpfs", 0, "size=64k"))
		test_skip("no file system can be mounted here");
}

static void ballast(const char *folder, bool there)
{
	static const char zeroes[24 * KiB];
	char path[96];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/ballast", folder);
	if (!there) {
		EXPECT_EQ(unlink(path), 0);
		return;
	}
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	EXPECT_EQ(write(fd, zeroes, sizeof(zeroes)), sizeof(zeroes));
	(void)close(fd);
}

static void wait_for_turns(struct rig *r, bool full, unsigned n)
{
	while (turns(r, full) < n)
		(void)usleep(1000);
	EXPECT_EQ(turns(r, full), n);
}

/* Has the driver write 24 KiB from @sector on, and does not wait. */
static void begin_large_write(struct rig *r, uint64_t sector, uint8_t **status)
{
	const uint32_t len = 24 * KiB;
	uint64_t out = driver_alloc(&r->d, 16 + len), in = driver_alloc(&r->d, 1);
	const struct piece p[] = { { out, 16 + len, false }, { in, 1, true } };
	uint8_t *to = driver_at(&r->d, out);
	const le64 at = le64_of(sector);

	memset(to, 0x5a, 16 + len);
	memset(to, 0, 16);
	to[0] = OUT;
	memcpy(to + 8, &at, 8);
	*status = driver_at(&r->d, in);
	**status = NEVER;
	EXPECT(driver_add(&r->d.queue[0], p, 2, 1));
	(void)driver_kick(&r->d.queue[0]);
}

TEST(a_write_without_room_waits_until_there_is_or_the_driver_resets)
{
	char folder[] = "/tmp/test-virtio-blk.XXXXXX";
	static struct rig r;
	const struct virtio_blk_events events = { .on_full = count_turns, .ctx = &r };
	struct virtio_blk_config c = virtio_blk_defaults;
	uint64_t cookie;
	uint32_t written;
	uint8_t *status;

	EXPECT(mkdtemp(folder));
	small_file_system(folder);
	c.path = folder;
	rig_plug(&r, c, &events);
	EXPECT_EQ(ftruncate(r.fd, 256 * KiB), 0);
	virtio_blk_look_at_size(virtio_mmio_virtio(r.d.dev));
	ballast(folder, true);
	driver_start(&r.d, BLK_FEATURES, 64);

	begin_large_write(&r, 128, &status);
	wait_for_turns(&r, true, 1);
	EXPECT_EQ(turns(&r, false), 0);
	EXPECT(!driver_get(&r.d.queue[0], &cookie, &written));
	ballast(folder, false);
	wait_for_turns(&r, false, 1);
	while (!driver_get(&r.d.queue[0], &cookie, &written))
		(void)driver_wait(&r.d, 10);
	EXPECT_EQ(*status, OK);
	EXPECT_EQ(turns(&r, true), 1);

	/* A reset does not wait for room. */
	begin_large_write(&r, 256, &status);
	wait_for_turns(&r, true, 2);
	driver_write(&r.d, REG_STATUS, 0);
	EXPECT_EQ(driver_read(&r.d, REG_STATUS), 0);
	EXPECT(*status != OK);
	wait_for_turns(&r, false, 2);
	rig_done(&r);
}

static ssize_t flushes_find_no_room(enum disk_op op, ssize_t result)
{
	return op == DISK_FLUSH ? -ENOSPC : result;
}

/* What a flush could not write is gone: to wait for room would end in an error all the same. */
TEST(a_flush_that_finds_no_room_fails_at_once)
{
	static struct rig r;
	const struct virtio_blk_events events = { .on_full = count_turns, .ctx = &r };
	struct virtio *v;

	rig_plug(&r, virtio_blk_defaults, &events);
	v = virtio_mmio_virtio(r.d.dev);
	host_disk(container_of(v, struct blk, v)->disk)->fault = flushes_find_no_room;
	driver_start(&r.d, BLK_FEATURES, 64);
	EXPECT_EQ(ask(&r, &(struct ask){ .type = FLUSH }).status, IOERR);
	EXPECT_EQ(turns(&r, true), 0);
	rig_done(&r);
}

TEST_MAIN(T(a_flush_that_finds_no_room_fails_at_once),
	  T(each_request_has_the_effect_and_answer_that_it_should), T(the_same_on_a_packed_ring),
	  T(no_request_leaves_a_snapshot), T(threads_that_serve_a_disk_leave_signals_to_others),
	  T(a_disk_to_read_only_is_not_written), T(a_request_in_small_pieces_is_the_same),
	  T(packed_rings_are_offered_unless_that_is_not_wanted),
	  T(the_configuration_says_what_the_disk_is),
	  T(a_write_without_room_waits_until_there_is_or_the_driver_resets))
