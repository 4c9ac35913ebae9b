/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[32]; /* of the file that make_file() made */

static int make_file(const void *bytes, size_t len)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	EXPECT(fd >= 0);
	EXPECT_EQ(io_write(fd, bytes, len), 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fd;
}

TEST(io_opens_regular_files_only_and_says_what_else_it_found)
{
	char fifo[] = "/tmp/vmm-test-io-XXXXXX";
	struct io_file f;
	struct err e;
	int fd;

	EXPECT_EQ(io_open(&f, "/nonexistent/file", &e), -ENOENT);
	EXPECT_STR(e.text, "open /nonexistent/file: No such file or directory");
	EXPECT_EQ(f.fd, -1);
	EXPECT_EQ(io_open(&f, "/", &e), -EISDIR);
	EXPECT_STR(e.text, "/: is a directory, not a regular file");
	EXPECT_EQ(io_open(&f, "/dev/zero", &e), -EINVAL);
	EXPECT_HAS(e.text, "/dev/zero: is a device");

	fd = mkstemp(fifo);
	EXPECT(fd >= 0);
	(void)close(fd);
	EXPECT_EQ(unlink(fifo), 0);
	EXPECT_EQ(mkfifo(fifo, 0600), 0);
	EXPECT_EQ(io_open(&f, fifo, &e), -EINVAL); /* and does not wait for a writer */
	EXPECT_EQ(unlink(fifo), 0);
	EXPECT_HAS(e.text, "is a pipe");
}

TEST(io_reads_whole_or_names_the_end)
{
	struct io_bytes b;
	struct io_file f;
	char buf[8] = { 0 };
	struct err e;
	int fd = make_file("0123456789", 10);

	EXPECT_EQ(io_open(&f, path, &e), 0);
	EXPECT_EQ(f.size, 10);
	EXPECT_EQ(io_read_at(&f, 3, buf, 7, &e), 0);
	EXPECT_STR(buf, "3456789");
	EXPECT_EQ(io_read_at(&f, 4, buf, 7, &e), -EIO);
	EXPECT_HAS(e.text, "ends after 10 bytes where 11 were expected");
	EXPECT_EQ(io_load(&f, 2, 8, &b, &e), 0);
	EXPECT_EQ(b.len, 8);
	EXPECT_EQ(memcmp(b.data, "23456789", 8), 0);
	io_unload(&b);
	EXPECT(b.data == NULL);
	EXPECT_EQ(io_load(&f, 2, 9, &b, &e), -EIO);
	EXPECT(b.data == NULL);
	EXPECT_EQ(io_pread(f.fd, buf, 8, 8), 2);
	io_close(&f);
	io_close(&f);
	EXPECT_EQ(f.fd, -1);
	(void)close(fd);
}

TEST(io_notices_a_file_that_changed)
{
	struct io_file f;
	struct err e;
	bool changed;
	int fd = make_file("0123456789", 10);

	EXPECT_EQ(io_open(&f, path, &e), 0);
	EXPECT_EQ(io_refresh(&f, &changed, &e), 0);
	EXPECT(!changed);
	EXPECT_EQ(ftruncate(fd, 4), 0);
	EXPECT_EQ(io_refresh(&f, &changed, &e), 0);
	EXPECT(changed);
	EXPECT_EQ(f.size, 4);
	EXPECT_EQ(io_refresh(&f, &changed, &e), 0);
	EXPECT(!changed);
	io_close(&f);
	(void)close(fd);
}

enum { BULK = 300000 }; /* several times what a pipe holds */

static void *write_bulk(void *fd)
{
	static char bulk[BULK];

	memset(bulk, 'x', sizeof(bulk));
	EXPECT_EQ(io_write(*(int *)fd, bulk, sizeof(bulk)), 0);
	(void)close(*(int *)fd);
	return NULL;
}

TEST(io_read_and_write_go_on_after_short_ones)
{
	static char bulk[BULK + 1];
	pthread_t writer;
	int p[2];

	EXPECT_EQ(pipe(p), 0);
	EXPECT_EQ(pthread_create(&writer, NULL, write_bulk, &p[1]), 0);
	EXPECT_EQ(io_read(p[0], bulk, sizeof(bulk)), BULK);
	EXPECT_EQ(pthread_join(writer, NULL), 0);
	EXPECT_EQ(bulk[0], 'x');
	EXPECT_EQ(bulk[BULK - 1], 'x');
	(void)close(p[0]);
}

TEST(io_passes_errors_on)
{
	char c = 0;

	EXPECT_EQ(io_read(-1, &c, 1), -EBADF);
	EXPECT_EQ(io_pread(-1, &c, 1, 0), -EBADF);
	EXPECT_EQ(io_write(-1, &c, 1), -EBADF);
}

TEST_MAIN(T(io_opens_regular_files_only_and_says_what_else_it_found),
	  T(io_reads_whole_or_names_the_end), T(io_notices_a_file_that_changed),
	  T(io_read_and_write_go_on_after_short_ones), T(io_passes_errors_on))
