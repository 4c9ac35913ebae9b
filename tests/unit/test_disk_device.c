/* SPDX-License-Identifier: Apache-2.0 */
/* Block devices: a loop device with blocks of 4096 bytes. Needs root and a kernel that has them. */
#include "tests/lib/disk_rig.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 1 << 20 };

static struct disk_rig r;
static char dev[64];
static const char *image;
static int loop_fd = -1;
static uint8_t big[SIZE] __attribute__((aligned(4096))), seen[SIZE] __attribute__((aligned(4096)));

/* Several test programs may take a number at the same time: then the next one is tried. */
static void loop_device(uint32_t flags)
{
	struct loop_config c = { .block_size = 4096, .info.lo_flags = flags | LO_FLAGS_AUTOCLEAR };
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), left = 100, n;

	if (control < 0)
		test_skip("no loop devices here, or not root");
	image = disk_rig_image("backing", SIZE);
	n = open(image, O_RDWR | O_CLOEXEC);
	EXPECT(n >= 0);
	c.fd = (uint32_t)n;
	do {
		n = ioctl(control, LOOP_CTL_GET_FREE);
		if (n < 0)
			test_skip("no free loop device");
		(void)snprintf(dev, sizeof(dev), "/dev/loop%d", n);
		loop_fd = open(dev, O_RDWR | O_CLOEXEC);
		if (loop_fd >= 0 && ioctl(loop_fd, LOOP_CONFIGURE, &c) == 0)
			break;
		if (loop_fd < 0 || errno != EBUSY)
			test_skip("loop devices cannot be set up here");
		(void)close(loop_fd);
	} while (left--);
	(void)close((int)c.fd);
	(void)close(control);
}

static void on(int engine, int cache)
{
	const struct disk_config c = {
		.path = dev, .engine = engine, .cache = cache, .discard = true
	};

	loop_device(0);
	disk_rig_open(&r, &c);
}

static void expect_image(const uint8_t *at, uint64_t offset, size_t len)
{
	for (size_t i = 0; i < len; i++)
		EXPECT_EQ(at[i], disk_rig_byte(offset + i));
}

static void expect_zeroes(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		EXPECT_EQ(at[i], 0);
}

TEST(its_blocks_are_known)
{
	on(DISK_AUTO, DISK_WRITEBACK);
	EXPECT_EQ(r.d->size, SIZE);
	EXPECT_EQ(r.d->logical_block, 4096);
	EXPECT(r.d->physical_block >= 4096);
	EXPECT(r.d->can_discard);
	EXPECT(r.d->discard_granularity > 0);
	disk_rig_close(&r);
}

TEST(one_that_the_host_uses_is_refused_and_ours_is_kept_from_it)
{
	struct disk_config c = { .path = dev };
	int other;

	loop_device(0);
	other = open(dev, O_RDWR | O_EXCL | O_CLOEXEC);
	EXPECT(other >= 0);
	EXPECT_HAS(disk_rig_refused(&c), "the host uses it (mounted,");
	c.ro = true;
	disk_rig_open(&r, &c);
	disk_rig_close(&r);
	(void)close(other);
	c.ro = false;
	disk_rig_open(&r, &c);
	EXPECT(open(dev, O_RDONLY | O_EXCL | O_CLOEXEC) < 0);
	EXPECT_EQ(errno, EBUSY);
	EXPECT_HAS(disk_rig_refused(&c), "the host uses it");
	disk_rig_close(&r);
}

TEST(one_that_may_only_be_read_is_refused_for_writing)
{
	struct disk_config c = { .path = dev };

	loop_device(LO_FLAGS_READ_ONLY);
	EXPECT_HAS(disk_rig_refused(&c), "it may only be read");
	c.ro = true;
	disk_rig_open(&r, &c);
	EXPECT_EQ(disk_rig_read(&r, 0, seen, 4096), 0);
	expect_image(seen, 0, 4096);
	disk_rig_close(&r);
}

static void sectors_in_its_blocks(int engine, int cache)
{
	on(engine, cache);
	EXPECT_EQ(disk_rig_read(&r, 512, seen, 1024), 0);
	expect_image(seen, 512, 1024);
	memset(big, 0xab, 8192);
	EXPECT_EQ(disk_rig_write(&r, 1024, big, 8192), 0);
	EXPECT_EQ(disk_rig_write(&r, 65536, big, 512), 0);
	EXPECT_EQ(disk_rig_write(&r, 131072 - 512, big + 1, 512), 0);
	EXPECT_EQ(disk_rig_op(&r, DISK_ZERO, 512 * 700, 512 * 30), 0);
	EXPECT_EQ(disk_rig_op(&r, DISK_ZERO, 512 * 1001, 512), 0);
	EXPECT_EQ(disk_rig_op(&r, DISK_FLUSH, 0, 0), 0);
	disk_rig_close(&r);
	(void)close(loop_fd);
	disk_rig_peek(image, 0, seen, SIZE);
	expect_image(seen, 0, 1024);
	EXPECT_EQ(memcmp(seen + 1024, big, 8192), 0);
	expect_image(seen + 9216, 9216, 65536 - 9216);
	EXPECT_EQ(memcmp(seen + 65536, big, 512), 0);
	expect_image(seen + 66048, 66048, 131072 - 66048 - 512);
	EXPECT_EQ(memcmp(seen + 131072 - 512, big, 512), 0);
	expect_image(seen + 131072, 131072, 512 * 700 - 131072);
	expect_zeroes(seen + 512 * 700, 512 * 30);
	expect_image(seen + 512 * 730, 512 * 730, 512 * 271);
	expect_zeroes(seen + 512 * 1001, 512);
	expect_image(seen + 512 * 1002, 512 * 1002, SIZE - 512 * 1002);
}

TEST(sectors_in_its_blocks_by_uring)
{
	sectors_in_its_blocks(DISK_URING, DISK_WRITEBACK);
}

TEST(sectors_in_its_blocks_by_threads)
{
	sectors_in_its_blocks(DISK_THREADS, DISK_WRITETHROUGH);
}

TEST(sectors_in_its_blocks_without_cache_by_uring)
{
	sectors_in_its_blocks(DISK_URING, DISK_NONE);
}

TEST(sectors_in_its_blocks_without_cache_by_threads)
{
	sectors_in_its_blocks(DISK_THREADS, DISK_NONE);
}

TEST(a_discard_gives_whole_blocks_back)
{
	struct stat before, after;

	on(DISK_AUTO, DISK_NONE);
	EXPECT_EQ(fsync(loop_fd), 0);
	EXPECT_EQ(stat(image, &before), 0);
	EXPECT_EQ(disk_rig_op(&r, DISK_DISCARD, 512, SIZE / 2), 0);
	EXPECT_EQ(disk_rig_op(&r, DISK_DISCARD, SIZE / 2 + 4096 + 512, 512), 0);
	EXPECT_EQ(disk_rig_read(&r, 0, seen, SIZE), 0);
	expect_image(seen, 0, 4096); /* a part of a block: the hint is not taken */
	expect_zeroes(seen + 4096, SIZE / 2 - 4096);
	expect_image(seen + SIZE / 2, SIZE / 2, SIZE / 2);
	disk_rig_close(&r);
	EXPECT_EQ(stat(image, &after), 0);
	EXPECT(before.st_blocks - after.st_blocks >= SIZE / 2 / 512 - 16);
}

TEST(its_size_follows_the_device)
{
	on(DISK_AUTO, DISK_NONE);
	EXPECT_EQ(disk_look_at_size(r.d), 0);
	EXPECT_EQ(truncate(image, 2 * SIZE), 0);
	EXPECT_EQ(ioctl(loop_fd, LOOP_SET_CAPACITY), 0);
	EXPECT_EQ(disk_look_at_size(r.d), 1);
	EXPECT_EQ(r.d->size, 2 * SIZE);
	EXPECT_EQ(disk_rig_read(&r, SIZE, seen, 4096), 0);
	disk_rig_close(&r);
}

TEST(a_snapshot_leaves_the_device_alone)
{
	const struct disk_config c = { .path = dev, .snapshot = true, .cache = DISK_NONE };

	loop_device(0);
	disk_rig_open(&r, &c);
	EXPECT_EQ(r.d->logical_block, 4096);
	EXPECT_EQ(disk_rig_write(&r, 512, big, 512), 0);
	EXPECT_EQ(disk_rig_read(&r, 0, seen, 1536), 0);
	expect_image(seen, 0, 512);
	expect_zeroes(seen + 512, 512);
	expect_image(seen + 1024, 1024, 512);
	disk_rig_close(&r);
	disk_rig_peek(image, 0, seen, SIZE);
	expect_image(seen, 0, SIZE);
}

TEST_MAIN(T(its_blocks_are_known), T(one_that_the_host_uses_is_refused_and_ours_is_kept_from_it),
	  T(one_that_may_only_be_read_is_refused_for_writing), T(sectors_in_its_blocks_by_uring),
	  T(sectors_in_its_blocks_by_threads), T(sectors_in_its_blocks_without_cache_by_uring),
	  T(sectors_in_its_blocks_without_cache_by_threads), T(a_discard_gives_whole_blocks_back),
	  T(its_size_follows_the_device), T(a_snapshot_leaves_the_device_alone))
