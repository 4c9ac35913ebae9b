/* SPDX-License-Identifier: Apache-2.0 */
/* Opening an image: what is refused and with which words, locks, sizes. */
#include "tests/lib/disk_rig.h"
#include "tests/lib/refuse_call.h"
#include "tests/lib/test.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct disk_rig r;

static struct disk_config plain(const char *path)
{
	return (struct disk_config){ .path = path };
}

static const char *refused(const char *path)
{
	const struct disk_config c = plain(path);

	return disk_rig_refused(&c);
}

TEST(what_is_no_image_is_refused_by_its_name)
{
	const char *path = disk_rig_path("x");

	EXPECT_HAS(refused(path), "/x: No such file or directory");
	EXPECT_EQ(mkdir(path, 0700), 0);
	EXPECT_HAS(refused(path), "/x: it is a folder, not an image file or a block device");
	EXPECT_EQ(rmdir(path), 0);
	EXPECT_EQ(mkfifo(path, 0600), 0);
	EXPECT_HAS(refused(path), "it is a pipe"); /* and nothing waits for its other end */
	EXPECT_HAS(refused("/dev/null"), "disk /dev/null: it is a character device");
}

TEST(an_image_without_a_sector_is_refused)
{
	EXPECT_HAS(refused(disk_rig_image("empty", 0)),
		   "it is empty; give it a size, as with: truncate");
	EXPECT_HAS(refused(disk_rig_image("tiny", 511)),
		   "it has 511 bytes, less than a sector of 512");
}

TEST(a_tail_that_is_no_whole_sector_is_not_visible)
{
	const struct disk_config c = plain(disk_rig_image("odd", 4096 + 100));

	log_set_level(LOG_ERROR); /* it is warned of */
	disk_rig_open(&r, &c);
	EXPECT_EQ(r.d->size, 4096);
	disk_rig_close(&r);
}

/* Root may do everything: the child is nobody. */
TEST(an_image_that_may_only_be_read_says_to_open_it_so)
{
	const char *path = disk_rig_image("mine", 4096);
	int status;

	EXPECT_EQ(chmod(path, 0444), 0);
	if (fork() == 0) {
		struct disk_config c = plain(path);
		struct disk_rig x;

		if (getuid() == 0 && (chmod(disk_rig_path("."), 0755) || setuid(65534)))
			_exit(1);
		EXPECT_HAS(disk_rig_refused(&c), "it may only be read (Permission denied); add ro");
		c.ro = true;
		disk_rig_open(&x, &c);
		EXPECT(x.d->ro);
		EXPECT_EQ(disk_rig_write(&x, 0, "", 0), 0);
		EXPECT_EQ(disk_rig_op(&x, DISK_ZERO, 0, 512), -EROFS);
		disk_rig_close(&x);
		c = (struct disk_config){ .path = path, .snapshot = true };
		disk_rig_open(&x, &c);
		disk_rig_close(&x);
		_exit(0);
	}
	EXPECT(wait(&status) > 0);
	EXPECT_EQ(status, 0);
	EXPECT_EQ(chmod(path, 0), 0);
	if (fork() == 0) {
		struct disk_config c = plain(path);

		if (getuid() == 0 && setuid(65534))
			_exit(1);
		EXPECT_HAS(disk_rig_refused(&c), "/mine: Permission denied");
		_exit(0);
	}
	EXPECT(wait(&status) > 0);
	EXPECT_EQ(status, 0);
}

/* What another process is told while this one has the image open as @mine. */
static void other_is_told(const struct disk_config *mine, const struct disk_config *other,
			  const char *words)
{
	struct err e;
	int status;

	disk_rig_open(&r, mine);
	if (fork() == 0) {
		struct disk *d = disk_open(other, &e);

		if (words) {
			EXPECT(!d);
			EXPECT_HAS(e.text, words);
			EXPECT_EQ(e.code, EBUSY);
		} else {
			EXPECT(d != NULL);
		}
		disk_close(d);
		_exit(0);
	}
	EXPECT(wait(&status) > 0);
	EXPECT_EQ(status, 0);
	disk_rig_close(&r);
}

TEST(a_second_writer_is_refused_and_readers_share)
{
	const char *path = disk_rig_image("shared", 4096);
	const struct disk_config rw = { .path = path }, ro = { .path = path, .ro = true },
				 aside = { .path = path, .snapshot = true };

	other_is_told(&rw, &rw, "another program has it open; two that write would destroy it");
	other_is_told(&rw, &ro, "another program has it open for writing");
	other_is_told(&rw, &aside, "another program has it open for writing");
	other_is_told(&ro, &rw, "another program has it open; two that write");
	other_is_told(&aside, &rw, "another program has it open; two that write");
	other_is_told(&ro, &ro, NULL);
	other_is_told(&aside, &aside, NULL);
	other_is_told(&ro, &aside, NULL);
	disk_rig_open(&r, &rw); /* locks end with who held them */
	EXPECT_HAS(refused(path), "another program has it open");
	disk_rig_close(&r);
}

static const char *pair(const struct disk_config *a, const struct disk_config *b)
{
	static struct err e;

	return disk_check_pair(a, b, &e) ? e.text : "";
}

TEST(one_command_may_give_an_image_twice_only_to_read_it)
{
	char path[200], other[200], alias[200];
	const struct disk_config rw = { .path = path }, ro = { .path = path, .ro = true },
				 aside = { .path = path, .snapshot = true },
				 by_link = { .path = alias }, b = { .path = other },
				 nowhere = { .path = "/nowhere" };

	(void)snprintf(path, sizeof(path), "%s", disk_rig_image("one", 4096));
	(void)snprintf(other, sizeof(other), "%s", disk_rig_image("other", 4096));
	(void)snprintf(alias, sizeof(alias), "%s", disk_rig_path("alias"));
	EXPECT_EQ(symlink("one", alias), 0);
	EXPECT_HAS(pair(&rw, &rw), "/one: it is there twice; one that writes");
	EXPECT_HAS(pair(&rw, &ro), "/one: it is there twice; one that writes");
	EXPECT_HAS(pair(&aside, &rw), "/one: it is there twice; one that writes");
	EXPECT_HAS(pair(&ro, &by_link), "/alias: it is there twice, also as ");
	EXPECT_HAS(pair(&ro, &by_link), "/one; one that writes");
	EXPECT_STR(pair(&ro, &ro), "");
	EXPECT_STR(pair(&aside, &ro), "");
	EXPECT_STR(pair(&rw, &b), "");
	EXPECT_STR(pair(&nowhere, &nowhere), ""); /* opening it says why */
}

/* Its ring may hold the image a moment longer than the process lives. */
TEST(the_image_of_a_killed_writer_can_be_opened_at_once)
{
	const struct disk_config c = plain(disk_rig_image("killed", MiB));
	static uint8_t buf[4096];
	int status, ready[2];

	for (int i = 0; i < 10; i++) {
		pid_t child;

		EXPECT_EQ(pipe2(ready, O_CLOEXEC), 0);
		child = fork();
		if (child == 0) {
			disk_rig_open(&r, &c);
			EXPECT_EQ(write(ready[1], "x", 1), 1);
			for (uint64_t at = 0;; at = (at + 4096) % MiB)
				(void)disk_rig_write(&r, at, buf, sizeof(buf));
		}
		EXPECT_EQ(read(ready[0], buf, 1), 1);
		(void)kill(child, SIGKILL);
		EXPECT_EQ(waitpid(child, &status, 0), child);
		disk_rig_open(&r, &c);
		disk_rig_close(&r);
		(void)close(ready[0]);
		(void)close(ready[1]);
	}
}

TEST(where_io_uring_is_forbidden_threads_do_the_work)
{
	struct disk_config c = plain(disk_rig_image("filtered", 4096));
	struct err e = { 0 };
	uint8_t buf[512];

	if (!refuse_call(SYS_io_uring_setup, EPERM))
		test_skip("no system call filters here");
	disk_rig_open(&r, &c);
	EXPECT_STR(disk_queue_engine(r.q), "threads");
	EXPECT_EQ(disk_rig_read(&r, 512, buf, 512), 0);
	EXPECT_EQ(buf[3], disk_rig_byte(512 + 3));
	disk_rig_close(&r);
	c.engine = DISK_URING;
	r.d = disk_open(&c, &e);
	EXPECT(r.d != NULL);
	EXPECT(!disk_queue_create(r.d, 8, &e));
	EXPECT_HAS(e.text, "/filtered: io_uring: Operation not permitted");
	disk_close(r.d);
}

TEST(the_size_follows_the_image)
{
	const char *path = disk_rig_image("grows", MiB);
	const struct disk_config c = plain(path);
	uint8_t buf[512];

	disk_rig_open(&r, &c);
	EXPECT_EQ(disk_look_at_size(r.d), 0);
	EXPECT_EQ(truncate(path, 3 * MiB + 511), 0);
	EXPECT_EQ(r.d->size, MiB);
	EXPECT_EQ(disk_look_at_size(r.d), 1);
	EXPECT_EQ(r.d->size, 3 * MiB);
	EXPECT_EQ(disk_rig_read(&r, 3 * MiB - 512, buf, 512), 0);
	EXPECT_EQ(buf[17], 0);
	EXPECT_EQ(truncate(path, MiB), 0);
	EXPECT_EQ(disk_look_at_size(r.d), 1);
	EXPECT_EQ(r.d->size, MiB);
	disk_rig_close(&r);
}

TEST(a_snapshot_stays_as_large_as_its_image_was)
{
	const char *path = disk_rig_image("under", MiB);
	const struct disk_config c = { .path = path, .snapshot = true };

	disk_rig_open(&r, &c);
	EXPECT_EQ(truncate(path, 3 * MiB), 0);
	EXPECT_EQ(disk_look_at_size(r.d), 0);
	EXPECT_EQ(r.d->size, MiB);
	disk_rig_close(&r);
}

TEST(a_file_has_small_blocks_and_says_what_suits_its_file_system)
{
	const char *path = disk_rig_image("blocks", MiB);
	const struct disk_config c = { .path = path, .discard = true };
	struct stat st;

	EXPECT_EQ(stat(path, &st), 0);
	disk_rig_open(&r, &c);
	EXPECT_STR(r.d->name, path);
	EXPECT_EQ(r.d->logical_block, 512);
	EXPECT_EQ(r.d->physical_block, st.st_blksize);
	EXPECT_EQ(r.d->discard_granularity, st.st_blksize);
	EXPECT(r.d->can_discard);
	disk_rig_close(&r);
}

TEST(cache_none_needs_a_file_system_that_can)
{
	const struct disk_config c = { .path = "/proc/version", .ro = true, .cache = DISK_NONE };

	EXPECT_STR(disk_rig_refused(&c),
		   "disk /proc/version: its file system has no O_DIRECT, which "
		   "cache=none needs; use cache=writeback");
}

TEST_MAIN(T(what_is_no_image_is_refused_by_its_name), T(an_image_without_a_sector_is_refused),
	  T(a_tail_that_is_no_whole_sector_is_not_visible),
	  T(an_image_that_may_only_be_read_says_to_open_it_so),
	  T(a_second_writer_is_refused_and_readers_share),
	  T(one_command_may_give_an_image_twice_only_to_read_it),
	  T(the_image_of_a_killed_writer_can_be_opened_at_once),
	  T(where_io_uring_is_forbidden_threads_do_the_work), T(the_size_follows_the_image),
	  T(a_snapshot_stays_as_large_as_its_image_was),
	  T(a_file_has_small_blocks_and_says_what_suits_its_file_system),
	  T(cache_none_needs_a_file_system_that_can))
