/* SPDX-License-Identifier: Apache-2.0 */
/* The console as a file and as nothing, and what needs no host end: the ring, the escape. */
#include "tests/lib/chardev_rig.h"
#include "vmm/base/ring.h"
#include "vmm/host/escape.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { MUCH = 1 << 20 };

static struct rig r;

static off_t size_of(const char *path)
{
	struct stat st;

	EXPECT_EQ(stat(path, &st), 0);
	return st.st_size;
}

TEST(file_output_is_byte_exact_and_replaces_what_was_there)
{
	const char *path = rig_path("log");
	int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	EXPECT_EQ(ftruncate(fd, 2 * MUCH), 0);
	rig_open(&r, CHARDEV_FILE, path);
	rig_run(&r);
	rig_put(&r, 0, MUCH);
	EXPECT_EQ(rig_write(&r, "last words", 10), 10);
	rig_stop(&r);
	rig_close(&r);
	rig_check(fd, 0, MUCH, 0);
	EXPECT_EQ(size_of(path), MUCH + 10);
	(void)close(fd);
	(void)unlink(path);
	rig_remove_folder();
}

TEST(a_full_disk_drops_and_counts_and_ends_when_there_is_room)
{
	struct rlimit full = { 10000, RLIM_INFINITY },
		      free_again = { RLIM_INFINITY, RLIM_INFINITY };
	const char *path = rig_path("log");
	static uint8_t buf[10000];
	int fd;

	EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0); /* as a full disk, with a signal on top */
	rig_open(&r, CHARDEV_FILE, path);
	rig_run(&r);
	rig_put(&r, 0, 15000);
	for (int i = 0; i < 5000 && chardev_dropped(r.chr) < 5000; i++)
		rig_sleep(1);
	EXPECT_EQ(chardev_dropped(r.chr), 5000);
	rig_put(&r, 0, 500000); /* never stalls */
	while (chardev_dropped(r.chr) < 505000)
		rig_sleep(1);
	EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &free_again), 0);
	rig_put(&r, 10000, 777);
	rig_stop(&r);
	rig_close(&r);
	EXPECT_EQ(size_of(path), 10777);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	EXPECT_EQ(read(fd, buf, sizeof(buf)), 10000);
	rig_expect(buf, 0, 10000);
	rig_check(fd, 10000, 777, 0);
	(void)close(fd);
	(void)unlink(path);
	rig_remove_folder();
}

TEST(a_device_that_is_full_ends_nothing)
{
	rig_open(&r, CHARDEV_FILE, "/dev/full");
	rig_run(&r);
	rig_put(&r, 0, 300000);
	rig_stop(&r);
	rig_close(&r);
}

TEST(a_fifo_serves_as_file_and_one_without_reader_is_refused)
{
	const char *path = rig_path("fifo");
	struct loop *l;
	struct err e;
	int fd;

	EXPECT_EQ(mkfifo(path, 0600), 0);
	l = loop_create(&e);
	EXPECT(chardev_open(CHARDEV_FILE, path, NULL, l, &e) == NULL);
	EXPECT_HAS(e.text, "nobody has open for reading");
	loop_destroy(l);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	rig_open(&r, CHARDEV_FILE, path);
	rig_run(&r);
	rig_put(&r, 0, CHARDEV_RING); /* more than a pipe holds, so it has to wait */
	rig_put(&r, CHARDEV_RING, 10000);
	rig_check(fd, 0, CHARDEV_RING + 10000, 1);
	(void)close(fd);
	rig_put(&r, 0, 300000); /* nobody reads, nobody is killed */
	rig_stop(&r);
	rig_close(&r);
	(void)unlink(path);
	rig_remove_folder();
}

TEST(a_file_that_cannot_be_made_is_named)
{
	struct err e;
	struct loop *l = loop_create(&e);

	EXPECT(chardev_open(CHARDEV_FILE, "/nowhere/log", NULL, l, &e) == NULL);
	EXPECT_HAS(e.text, "/nowhere/log: No such file or directory");
	loop_destroy(l);
}

TEST(null_takes_everything_and_counts_nothing)
{
	static uint8_t buf[CHARDEV_RING * 2];
	char tail[8];

	rig_open(&r, CHARDEV_NULL, NULL);
	EXPECT_STR(chardev_name(r.chr), "null");
	EXPECT(rig_room(&r) > 0);
	EXPECT_EQ(rig_write(&r, buf, sizeof(buf)), sizeof(buf));
	EXPECT_EQ(rig_read(&r, buf, sizeof(buf)), 0);
	EXPECT_EQ(chardev_dropped(r.chr), 0);
	EXPECT_EQ(rig_write(&r, "panic!", 6), 6);
	EXPECT_EQ(chardev_recent(r.chr, tail, 5), 5); /* remembered all the same */
	EXPECT_EQ(memcmp(tail, "anic!", 5), 0);
	rig_close(&r);
}

TEST(what_was_written_last_is_remembered)
{
	static uint8_t buf[2 * CHARDEV_RECENT];

	rig_open(&r, CHARDEV_PTY, NULL);
	EXPECT_EQ(chardev_recent(r.chr, buf, sizeof(buf)), 0);
	rig_put(&r, 0, 100);
	EXPECT_EQ(chardev_recent(r.chr, buf, sizeof(buf)), 100);
	rig_expect(buf, 0, 100);
	rig_put(&r, 100, 50000);
	EXPECT_EQ(chardev_recent(r.chr, buf, sizeof(buf)), CHARDEV_RECENT);
	rig_expect(buf, 50100 - CHARDEV_RECENT, CHARDEV_RECENT);
	EXPECT_EQ(chardev_recent(r.chr, buf, 10), 10);
	rig_expect(buf, 50090, 10);
	rig_close(&r);
}

/* --- ring ----------------------------------------------------------------------------------- */

TEST(ring_keeps_order_over_its_end_and_starts_anew_when_empty)
{
	struct ring q;
	struct iovec iov[2];
	uint8_t buf[8];

	EXPECT(ring_init(&q, 8));
	EXPECT_EQ(ring_put(&q, "abcdef", 6), 6);
	EXPECT_EQ(ring_get(&q, buf, 4), 4);
	EXPECT_EQ(ring_put(&q, "ghijklm", 7), 6);
	EXPECT_EQ(ring_room(&q), 0);
	EXPECT_EQ(ring_put(&q, "x", 1), 0);
	EXPECT_EQ(ring_spans(&q, iov), 2);
	EXPECT_EQ(iov[0].iov_len, 4);
	EXPECT_EQ(iov[1].iov_len, 4);
	EXPECT_EQ(ring_get(&q, buf, 8), 8);
	EXPECT_EQ(memcmp(buf, "efghijkl", 8), 0);
	EXPECT_EQ(q.start, 0);
	EXPECT_EQ(ring_spans(&q, iov), 0);
	EXPECT_EQ(ring_get(&q, buf, 8), 0);
	EXPECT_EQ(ring_put_newest(&q, "0123456789", 10), 2);
	EXPECT_EQ(ring_put_newest(&q, "ab", 2), 2);
	EXPECT_EQ(ring_get(&q, buf, 8), 8);
	EXPECT_EQ(memcmp(buf, "456789ab", 8), 0);
	ring_done(&q);
	ring_done(&q);
}

/* --- escape --------------------------------------------------------------------------------- */

static char letters[16];

static void typed(struct escape *x UNUSED, char letter)
{
	letters[strlen(letters)] = letter;
}

static size_t filter(struct escape *x, char *at, const char *text)
{
	memcpy(at, text, strlen(text) + 1);
	return escape_filter(x, (uint8_t *)at, strlen(text));
}

TEST(escapes_are_taken_out_and_all_else_is_left_in)
{
	struct escape x = { .typed = typed };
	char buf[32];

	EXPECT_EQ(filter(&x, buf, "ab\001xcd\001h\001\001e\001af"), 8);
	EXPECT_EQ(memcmp(buf, "abcd\001e\001f", 8), 0);
	EXPECT_STR(letters, "xh");
}

TEST(an_escape_may_be_split_over_reads)
{
	struct escape x = { .typed = typed };
	char buf[32];

	EXPECT_EQ(filter(&x, buf, "ab\001"), 2);
	EXPECT_STR(letters, "");
	EXPECT_EQ(filter(&x, buf, "xy"), 1);
	EXPECT_EQ(buf[0], 'y');
	EXPECT_EQ(filter(&x, buf, "\001"), 0);
	EXPECT_EQ(filter(&x, buf, ""), 0);
	EXPECT_EQ(filter(&x, buf, "\001"), 1);
	EXPECT_EQ(filter(&x, buf, "\001"), 0);
	EXPECT_EQ(filter(&x, buf, "a"), 1);
	EXPECT_EQ(buf[0], 1);
	EXPECT_STR(letters, "x");
}

TEST_MAIN(T(file_output_is_byte_exact_and_replaces_what_was_there),
	  T(a_full_disk_drops_and_counts_and_ends_when_there_is_room),
	  T(a_device_that_is_full_ends_nothing),
	  T(a_fifo_serves_as_file_and_one_without_reader_is_refused),
	  T(a_file_that_cannot_be_made_is_named), T(null_takes_everything_and_counts_nothing),
	  T(what_was_written_last_is_remembered),
	  T(ring_keeps_order_over_its_end_and_starts_anew_when_empty),
	  T(escapes_are_taken_out_and_all_else_is_left_in), T(an_escape_may_be_split_over_reads))
