/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to a disk, on both engines: what is moved, what fails, who is told when. */
#include "tests/lib/disk_rig.h"
#include "tests/lib/test.h"
#include "vmm/core/poison.h"
#include "vmm/host/disk_private.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 1 << 20 };

static struct disk_rig r;
static const char *path;
static uint8_t big[SIZE], seen[SIZE];

static void on(int engine, int cache)
{
	const struct disk_config c = { .engine = engine,
				       .cache = cache,
				       .discard = true,
				       .path = path = disk_rig_image("disk", SIZE) };

	disk_rig_open(&r, &c);
	EXPECT_STR(disk_queue_engine(r.q), engine == DISK_URING ? "io_uring" : "threads");
}

static void expect_image(const uint8_t *at, uint64_t offset, size_t len)
{
	for (size_t i = 0; i < len; i++)
		EXPECT_EQ(at[i], disk_rig_byte(offset + i));
}

static void reads_and_writes(int engine)
{
	on(engine, DISK_WRITEBACK);
	EXPECT_EQ(disk_rig_read(&r, 1024, big, 8192), 0);
	expect_image(big, 1024, 8192);
	memset(big, 0xee, 4096);
	EXPECT_EQ(disk_rig_write(&r, 512, big, 4096), 0);
	EXPECT_EQ(disk_rig_op(&r, DISK_FLUSH, 0, 0), 0);
	disk_rig_peek(path, 0, seen, 8192);
	expect_image(seen, 0, 512);
	EXPECT_EQ(memcmp(seen + 512, big, 4096), 0);
	expect_image(seen + 4608, 4608, 8192 - 4608);
	EXPECT_EQ(disk_rig_read(&r, 0, big, 0), 0);
	disk_rig_close(&r);
}

static void many_segments(int engine)
{
	static struct iovec iov[1024];
	struct disk_io io = {
		.op = DISK_READ, .offset = 0, .len = SIZE / 2, .iov = iov, .niov = 1024
	};

	on(engine, DISK_WRITEBACK);
	for (unsigned i = 0; i < 1024; i++) /* last to first in memory */
		iov[i] = (struct iovec){ big + (1023 - i) * 512, 512 };
	EXPECT_EQ(disk_rig_do(&r, &io), 0);
	for (unsigned i = 0; i < 1024; i++)
		expect_image(big + (1023 - i) * 512, i * 512, 512);
	disk_rig_close(&r);
}

/* A file that is cut has no bytes there: not zeroes, an error. And there is no signal. */
static void cut_file(int engine)
{
	on(engine, DISK_WRITEBACK);
	EXPECT_EQ(truncate(path, 10000), 0);
	EXPECT_EQ(disk_rig_read(&r, 0, big, 8192), 0);
	EXPECT_EQ(disk_rig_read(&r, 8192, big, 4096), -EIO);
	EXPECT_EQ(disk_rig_read(&r, 16384, big, 4096), -EIO);
	EXPECT_EQ(disk_rig_read(&r, 8192, big, 1536), 0);
	disk_rig_close(&r);
}

static void full_host(int engine)
{
	struct rlimit full = { 70000, RLIM_INFINITY }, room = { RLIM_INFINITY, RLIM_INFINITY };
	struct disk_io io = { .op = DISK_WRITE, .offset = 65536, .len = 8192 };
	struct iovec iov = { big, 8192 };

	on(engine, DISK_WRITEBACK);
	memset(big, 0x77, 8192);
	io.iov = &iov;
	io.niov = 1;
	EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
	EXPECT_EQ(disk_rig_do(&r, &io), -EFBIG);
	EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &room), 0);
	EXPECT_EQ(disk_rig_do(&r, &io), 0); /* goes on where it stopped */
	EXPECT_EQ(io.len, 0);
	disk_rig_peek(path, 65536, seen, 16384);
	EXPECT_EQ(memcmp(seen, big, 8192), 0);
	expect_image(seen + 8192, 65536 + 8192, 8192);
	disk_rig_close(&r);
}

static void zeroes(int engine)
{
	struct stat before, after;

	on(engine, DISK_WRITEBACK);
	EXPECT_EQ(disk_rig_op(&r, DISK_FLUSH, 0, 0), 0);
	EXPECT_EQ(stat(path, &before), 0);
	EXPECT_EQ(disk_rig_op(&r, DISK_ZERO, 512, 1024), 0);
	EXPECT_EQ(disk_rig_op(&r, DISK_DISCARD, 65536, 131072), 0);
	disk_rig_peek(path, 0, seen, SIZE);
	expect_image(seen, 0, 512);
	for (unsigned i = 512; i < 1536; i++)
		EXPECT_EQ(seen[i], 0);
	expect_image(seen + 1536, 1536, 65536 - 1536);
	expect_image(seen + 196608, 196608, SIZE - 196608);
	EXPECT_EQ(stat(path, &after), 0);
	EXPECT(before.st_blocks - after.st_blocks >= 200); /* given back */
	EXPECT_EQ(after.st_size, SIZE);
	disk_rig_close(&r);
}

static unsigned nr_done;

static void count(struct disk_io *io)
{
	EXPECT_EQ(io->result, 0);
	nr_done++;
}

static void kicks(int engine)
{
	const int kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct iovec iov = { big, 4096 };
	struct disk_io io = { .op = DISK_READ, .len = 4096, .iov = &iov, .niov = 1, .done = count };
	struct timespec a, b;

	on(engine, DISK_WRITEBACK);
	EXPECT_EQ(eventfd_write(kick, 1), 0); /* before anybody waits */
	EXPECT(disk_wait(r.q, kick, -1));
	EXPECT(!disk_wait(r.q, kick, 0));
	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(eventfd_write(kick, 1), 0);
		EXPECT(disk_wait(r.q, kick, -1));
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	EXPECT(!disk_wait(r.q, kick, 30));
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	EXPECT((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 >= 29);
	EXPECT_EQ(eventfd_write(kick, 1), 0);
	disk_start(r.q, &io);
	EXPECT_EQ(disk_in_flight(r.q), 1);
	while (disk_in_flight(r.q))
		(void)disk_wait(r.q, -1, -1); /* does not ask, and the kick is not lost */
	EXPECT_EQ(nr_done, 1);
	EXPECT(disk_wait(r.q, kick, -1));
	disk_rig_close(&r);
	(void)close(kick);
}

static _Atomic int nth; /* results until the fault; 0: none any more */
static enum disk_op fault_op;
static ssize_t fault_result;

static ssize_t fault(enum disk_op op, ssize_t result)
{
	if (op != fault_op || atomic_load(&nth) == 0 || atomic_fetch_sub(&nth, 1) != 1)
		return result;
	return fault_result;
}

static void next_fault(enum disk_op op, ssize_t result)
{
	fault_op = op;
	fault_result = result;
	atomic_store(&nth, 1);
}

static void short_transfers(int engine)
{
	static const ssize_t pieces[] = { -EINTR, -EAGAIN, 1, 511, 512, 513, 4095, 4096 };

	on(engine, DISK_WRITEBACK);
	disk_rig_fault(&r, fault);
	for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++) {
		memset(seen, 0, 8192);
		next_fault(DISK_READ, pieces[i]);
		EXPECT_EQ(disk_rig_read(&r, 4096, seen, 8192), 0);
		expect_image(seen, 4096, 8192);
		memset(big, (int)i, 8192);
		next_fault(DISK_WRITE, pieces[i]);
		EXPECT_EQ(disk_rig_write(&r, 65536, big, 8192), 0);
		EXPECT_EQ(atomic_load(&nth), 0);
		disk_rig_peek(path, 65536, seen, 8192);
		EXPECT_EQ(memcmp(seen, big, 8192), 0);
	}
	next_fault(DISK_WRITE, 0);
	EXPECT_EQ(disk_rig_write(&r, 0, big, 512), -EIO);
	next_fault(DISK_READ, -EIO);
	EXPECT_EQ(disk_rig_read(&r, 0, big, 512), -EIO);
	next_fault(DISK_WRITE, -EDQUOT);
	EXPECT_EQ(disk_rig_write(&r, 0, big, 512), -ENOSPC);
	EXPECT_EQ(disk_rig_write(&r, 0, big, 512), 0);
	EXPECT_EQ(disk_rig_op(&r, DISK_FLUSH, 0, 0), 0); /* none of that was about flushing */
	disk_rig_close(&r);
}

static void failed_flush(int engine)
{
	on(engine, DISK_WRITEBACK);
	disk_rig_fault(&r, fault);
	EXPECT_EQ(disk_rig_op(&r, DISK_FLUSH, 0, 0), 0);
	next_fault(DISK_FLUSH, -ENOSPC);
	EXPECT_EQ(disk_rig_op(&r, DISK_FLUSH, 0, 0), -ENOSPC);
	EXPECT_EQ(disk_rig_op(&r, DISK_FLUSH, 0, 0), -EIO);
	EXPECT_EQ(disk_rig_write(&r, 0, big, 512), 0);
	EXPECT_EQ(disk_rig_read(&r, 0, big, 512), 0);
	EXPECT_EQ(disk_rig_op(&r, DISK_FLUSH, 0, 0), -EIO);
	disk_rig_close(&r);
}

static void failed_stable_write(int engine)
{
	on(engine, DISK_WRITETHROUGH);
	disk_rig_fault(&r, fault);
	next_fault(DISK_WRITE, -ENOSPC);
	EXPECT_EQ(disk_rig_write(&r, 0, big, 512), -ENOSPC);
	next_fault(DISK_WRITE, -EDQUOT);
	EXPECT_EQ(disk_rig_write(&r, 0, big, 512), -ENOSPC);
	next_fault(DISK_WRITE, -EFBIG);
	EXPECT_EQ(disk_rig_write(&r, 0, big, 512), -EFBIG);
	EXPECT_EQ(disk_rig_op(&r, DISK_FLUSH, 0, 0), 0); /* nothing was begun that is lost now */
	next_fault(DISK_WRITE, -EIO);
	EXPECT_EQ(disk_rig_write(&r, 0, big, 512), -EIO);
	EXPECT_EQ(disk_rig_write(&r, 0, big, 512), 0);
	EXPECT_EQ(disk_rig_op(&r, DISK_FLUSH, 0, 0), -EIO);
	disk_rig_close(&r);
}

/* Zeroes and a discard that are done but for the flush: ENOSPC would be tried again, for nothing.
 */
static void failed_stable_zeroes(int engine)
{
	struct disk_io zero = { .op = DISK_ZERO, .unmap = true, .len = 4096 };

	on(engine, DISK_WRITETHROUGH);
	disk_rig_fault(&r, fault);
	EXPECT_EQ(disk_rig_do(&r, &zero), 0);
	EXPECT_EQ(disk_rig_op(&r, DISK_DISCARD, 4096, 4096), 0);
	next_fault(DISK_FLUSH, -ENOSPC);
	zero.len = 4096;
	EXPECT_EQ(disk_rig_do(&r, &zero), -EIO);
	EXPECT_EQ(atomic_load(&nth), 0); /* it was flushed */
	EXPECT_EQ(disk_rig_op(&r, DISK_DISCARD, 0, 4096), -EIO);
	EXPECT_EQ(disk_rig_op(&r, DISK_FLUSH, 0, 0), -EIO);
	disk_rig_close(&r);
}

/* What a snapshot forgets is zeroes from then on, and not what the image had there. */
static void discarded_snapshot(int engine)
{
	const struct disk_config c = { .engine = engine,
				       .snapshot = true,
				       .discard = true,
				       .path = path = disk_rig_image("disk", SIZE) };

	disk_rig_open(&r, &c);
	memset(big, 0xee, 8192);
	EXPECT_EQ(disk_rig_write(&r, 4096, big, 8192), 0);
	EXPECT_EQ(disk_rig_op(&r, DISK_DISCARD, 8192, 8192), 0); /* half of it, and as much more */
	EXPECT_EQ(disk_rig_read(&r, 0, seen, 20480), 0);
	expect_image(seen, 0, 4096);
	EXPECT_EQ(memcmp(seen + 4096, big, 4096), 0);
	for (unsigned i = 8192; i < 16384; i++)
		EXPECT_EQ(seen[i], 0);
	expect_image(seen + 16384, 16384, 4096);
	disk_rig_peek(path, 0, seen, SIZE);
	expect_image(seen, 0, SIZE);
	disk_rig_close(&r);
}

static void unable_host(int engine)
{
	on(engine, DISK_WRITEBACK);
	disk_rig_fault(&r, fault);
	next_fault(DISK_DISCARD, -EOPNOTSUPP);
	EXPECT_EQ(disk_rig_op(&r, DISK_DISCARD, 0, 4096), 0);
	next_fault(DISK_DISCARD, -EIO);
	EXPECT_EQ(disk_rig_op(&r, DISK_DISCARD, 0, 4096), -EIO);
	next_fault(DISK_ZERO, -EOPNOTSUPP); /* from now on it writes them */
	EXPECT_EQ(disk_rig_op(&r, DISK_ZERO, 512, SIZE - 1024), 0);
	disk_rig_peek(path, 0, seen, SIZE);
	for (unsigned i = 512; i < SIZE - 512; i++)
		EXPECT_EQ(seen[i], 0);
	expect_image(seen + SIZE - 512, SIZE - 512, 512);
	next_fault(DISK_WRITE, -ENOSPC);
	EXPECT_EQ(disk_rig_op(&r, DISK_ZERO, 0, 4096), -ENOSPC);
	disk_rig_close(&r);
}

/* A full file system: the error, and when there is room again the same request goes on. */
static void full_file_system(int engine)
{
	enum { LEN = SIZE / 4 * 3 };
	struct iovec iov[3] = { { big, 5000 },
				{ big + 5000, LEN / 2 },
				{ big + 5000 + LEN / 2, 0 } };
	struct disk_io io = { .op = DISK_WRITE, .len = LEN, .iov = iov, .niov = 3 };
	struct disk_config c = { .engine = engine };
	const char *ballast;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/mnt", "tmpfs", 0, "size=1M"))
		test_skip("a file system cannot be mounted here");
	EXPECT_EQ(setenv("DISK_TEST_DIR", "/mnt", 1), 0);
	ballast = disk_rig_image("ballast", SIZE / 2);
	c.path = path = disk_rig_image("disk", 512);
	EXPECT_EQ(truncate(path, SIZE), 0);
	for (unsigned i = 0; i < SIZE; i++)
		big[i] = (uint8_t)(i / 100);
	iov[2].iov_len = LEN - 5000 - LEN / 2;
	disk_rig_open(&r, &c);
	EXPECT_EQ(disk_rig_do(&r, &io), -ENOSPC);
	EXPECT(io.len > 0 && io.len < LEN);
	EXPECT_EQ(disk_rig_do(&r, &io), -ENOSPC);
	EXPECT_EQ(disk_rig_op(&r, DISK_FLUSH, 0, 0), 0);
	EXPECT_EQ(unlink(ballast), 0);
	EXPECT_EQ(disk_rig_do(&r, &io), 0);
	disk_rig_peek(path, 0, seen, SIZE);
	EXPECT_EQ(memcmp(seen, big, LEN), 0);
	disk_rig_close(&r);
}

/* Kicks that another thread sends one by one, each when the one before was told. */
struct kicker {
	int fd;
	_Atomic unsigned sent, told;
};

enum { KICKS = 2000 };

static void *kicker_thread(void *arg)
{
	struct kicker *k = arg;

	for (unsigned i = 0; i < KICKS; i++) {
		while (atomic_load(&k->told) < i)
			(void)sched_yield();
		atomic_store(&k->sent, i + 1);
		EXPECT_EQ(eventfd_write(k->fd, 1), 0);
	}
	return NULL;
}

static void kicks_are_never_lost(int engine)
{
	struct kicker k = { .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
	struct iovec iov[4];
	struct disk_io io[4];
	pthread_t other;
	unsigned turn = 0;

	on(engine, DISK_WRITEBACK);
	EXPECT_EQ(pthread_create(&other, NULL, kicker_thread, &k), 0);
	while (atomic_load(&k.told) < KICKS) {
		bool busy;

		/* Sometimes busy, sometimes with nothing but the kick to wait for. */
		if (disk_in_flight(r.q) == 0 && turn++ % 3) {
			for (unsigned i = 0; i < turn % 5 && i < 4; i++) {
				iov[i] = (struct iovec){ big + i * 4096, 4096 };
				io[i] = (struct disk_io){ .op = i == 3 ? DISK_FLUSH : DISK_READ,
							  .len = i == 3 ? 0 : 4096,
							  .iov = &iov[i],
							  .niov = 1,
							  .done = count };
				disk_start(r.q, &io[i]);
			}
		}
		busy = disk_in_flight(r.q) != 0;
		if (disk_wait(r.q, k.fd, 20000))
			atomic_store(&k.told, atomic_load(&k.sent));
		else
			EXPECT(busy); /* no time-out */
	}
	while (disk_in_flight(r.q))
		(void)disk_wait(r.q, k.fd, -1);
	EXPECT_EQ(pthread_join(other, NULL), 0);
	disk_rig_close(&r);
	(void)close(k.fd);
}

static void *use_queue(void *arg UNUSED)
{
	EXPECT_EQ(disk_rig_read(&r, 512, big, 512), 0);
	EXPECT_EQ(disk_rig_op(&r, DISK_ZERO, 0, 512), 0);
	return NULL;
}

/* Made here, used by its thread, destroyed when that has ended. */
static void queue_of_another_thread(int engine)
{
	pthread_t other;

	on(engine, DISK_WRITEBACK);
	EXPECT_EQ(pthread_create(&other, NULL, use_queue, NULL), 0);
	EXPECT_EQ(pthread_join(other, NULL), 0);
	disk_rig_close(&r);
}

/* Guest memory that the host has lost, met by the CPU in a bounce buffer and by the kernel. */
static void lost_memory(int engine)
{
	struct err e;
	uint8_t *lost;
	int fd;

	on(engine, DISK_NONE);
	EXPECT_EQ(poison_handle(&e), 0);
	fd = memfd_create("lost", MFD_CLOEXEC);
	EXPECT_EQ(ftruncate(fd, 65536), 0);
	lost = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	EXPECT(lost != MAP_FAILED);
	EXPECT_EQ(ftruncate(fd, 0), 0);
	EXPECT_EQ(disk_rig_read(&r, 0, lost + 1, 4096), -EFAULT);
	EXPECT_EQ(disk_rig_write(&r, 0, lost + 1, 4096), -EFAULT);
	EXPECT_EQ(disk_rig_write(&r, 0, lost, 4096), -EFAULT);
	EXPECT_EQ(disk_rig_read(&r, 0, seen, 4096), 0);
	expect_image(seen, 0, 4096);
	EXPECT_EQ(disk_rig_op(&r, DISK_FLUSH, 0, 0), 0);
	disk_rig_close(&r);
	(void)munmap(lost, 65536);
	(void)close(fd);
}

/* Many at once, of the kinds that threads do: all are done, by at most so many threads. */
static void crowd(int engine)
{
	enum { N = 300 };
	static struct disk_io io[N];

	on(engine, DISK_WRITEBACK);
	for (unsigned i = 0; i < N; i++) {
		io[i] = (struct disk_io){ .op = i % 3 ? DISK_ZERO : DISK_FLUSH, .done = count };
		if (i % 3) {
			io[i].offset = i * 2048;
			io[i].len = 1024;
		}
		disk_start(r.q, &io[i]);
	}
	while (disk_in_flight(r.q))
		(void)disk_wait(r.q, -1, -1);
	EXPECT_EQ(nr_done, N);
	EXPECT(host_disk(r.d)->pool.threads <= DISK_THREADS_MAX);
	disk_rig_peek(path, 0, seen, SIZE);
	for (unsigned i = 1; i < N; i++)
		for (unsigned k = 0; i % 3 && k < 1024; k++)
			EXPECT_EQ(seen[i * 2048 + k], 0);
	disk_rig_close(&r);
}

enum { TOGETHER = 4 };
static _Atomic unsigned together; /* are being done */
static _Atomic bool alone;	  /* one was done while the others had not begun */

static ssize_t with_the_others(enum disk_op op, ssize_t result)
{
	unsigned left = 50000;

	if (op != DISK_ZERO)
		return result;
	for (atomic_fetch_add(&together, 1); atomic_load(&together) < TOGETHER && left; left--)
		(void)usleep(100);
	if (!left)
		atomic_store(&alone, true);
	return result;
}

static unsigned nr_idle(void)
{
	struct disk_pool *p = &host_disk(r.d)->pool;
	unsigned n;

	(void)pthread_mutex_lock(&p->lock);
	n = p->idle;
	(void)pthread_mutex_unlock(&p->lock);
	return n;
}

/* What takes the host long keeps no other waiting, also where a thread was idle a moment ago. */
TEST(requests_for_threads_are_done_beside_each_other)
{
	static struct disk_io io[TOGETHER];

	on(DISK_THREADS, DISK_WRITEBACK);
	EXPECT_EQ(disk_rig_op(&r, DISK_FLUSH, 0, 0), 0); /* leaves one that is idle */
	while (!nr_idle())
		(void)usleep(100);
	disk_rig_fault(&r, with_the_others);
	for (unsigned i = 0; i < TOGETHER; i++) {
		io[i] = (struct disk_io){
			.op = DISK_ZERO, .offset = i * 65536, .len = 65536, .done = count
		};
		disk_start(r.q, &io[i]);
	}
	while (disk_in_flight(r.q))
		(void)disk_wait(r.q, -1, -1);
	EXPECT_EQ(nr_done, TOGETHER);
	EXPECT(!atomic_load(&alone));
	disk_rig_close(&r);
}

static void ended(struct disk_io *io UNUSED)
{
}

/* The kernel tells a failure once: a flush that goes on beside must not take it for success. */
TEST(a_flush_waits_for_the_one_before_and_knows_how_it_ended)
{
	struct disk_io first = { .op = DISK_FLUSH, .done = ended };
	struct disk_io second = { .op = DISK_FLUSH, .done = ended };
	struct disk_queue *other;
	struct err e;

	on(DISK_URING, DISK_WRITEBACK);
	other = disk_queue_create(r.d, 8, &e);
	EXPECT(other != NULL);
	disk_rig_fault(&r, fault);
	next_fault(DISK_FLUSH, -EIO);
	disk_start(r.q, &first);
	disk_start(other, &second);
	EXPECT(!disk_wait(other, -1, 100));
	EXPECT_EQ(disk_in_flight(other), 1);
	while (disk_in_flight(r.q))
		(void)disk_wait(r.q, -1, -1);
	while (disk_in_flight(other))
		(void)disk_wait(other, -1, -1);
	EXPECT_EQ(first.result, -EIO);
	EXPECT_EQ(second.result, -EIO);
	disk_queue_destroy(other);
	disk_rig_close(&r);
}

BOTH_ENGINES(reads_and_writes)
BOTH_ENGINES(many_segments)
BOTH_ENGINES(cut_file)
BOTH_ENGINES(full_host)
BOTH_ENGINES(zeroes)
BOTH_ENGINES(kicks)
BOTH_ENGINES(short_transfers)
BOTH_ENGINES(failed_flush)
BOTH_ENGINES(failed_stable_write)
BOTH_ENGINES(unable_host)
BOTH_ENGINES(full_file_system)
BOTH_ENGINES(kicks_are_never_lost)
BOTH_ENGINES(queue_of_another_thread)
BOTH_ENGINES(crowd)
BOTH_ENGINES(lost_memory)
BOTH_ENGINES(failed_stable_zeroes)
BOTH_ENGINES(discarded_snapshot)

TEST_MAIN(BOTH_T(reads_and_writes), BOTH_T(many_segments), BOTH_T(cut_file), BOTH_T(full_host),
	  BOTH_T(zeroes), BOTH_T(kicks), BOTH_T(short_transfers), BOTH_T(failed_flush),
	  BOTH_T(failed_stable_write), BOTH_T(unable_host), BOTH_T(full_file_system),
	  BOTH_T(kicks_are_never_lost), BOTH_T(queue_of_another_thread), BOTH_T(crowd),
	  BOTH_T(lost_memory), BOTH_T(failed_stable_zeroes), BOTH_T(discarded_snapshot),
	  T(requests_for_threads_are_done_beside_each_other),
	  T(a_flush_waits_for_the_one_before_and_knows_how_it_ended))
