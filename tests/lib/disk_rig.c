/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/disk_rig.h"
#include "tests/lib/test.h"
#include "vmm/host/disk_private.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[256];
static struct err last;

static int remove_one(const char *path, const struct stat *st UNUSED, int kind UNUSED,
		      struct FTW *f UNUSED)
{
	return remove(path);
}

void disk_rig_remove_folder(void)
{
	if (folder[0])
		(void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	folder[0] = '\0';
}

const char *disk_rig_path(const char *name)
{
	const char *base = getenv("DISK_TEST_DIR");
	static char path[2][320];
	static unsigned turn;

	if (!folder[0]) {
		(void)signal(SIGXFSZ, SIG_IGN); /* as the program does */
		(void)snprintf(folder, sizeof(folder), "%s/vmm-disk.XXXXXX",
			       base ? base : "/var/tmp");
		EXPECT(mkdtemp(folder) != NULL);
		(void)atexit(disk_rig_remove_folder);
	}
	turn ^= 1;
	(void)snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

uint8_t disk_rig_byte(uint64_t offset)
{
	return (uint8_t)(1 + offset / DISK_SECTOR * 7 + offset % 5);
}

const char *disk_rig_image(const char *name, uint64_t size)
{
	const char *path = disk_rig_path(name);
	int fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
	uint8_t buf[4096];

	EXPECT(fd >= 0);
	for (uint64_t at = 0; at < size; at += sizeof(buf)) {
		const size_t n = size - at < sizeof(buf) ? (size_t)(size - at) : sizeof(buf);

		for (size_t i = 0; i < n; i++)
			buf[i] = disk_rig_byte(at + i);
		EXPECT_EQ(pwrite(fd, buf, n, (off_t)at), n);
	}
	(void)close(fd);
	return path;
}

static void skip(const struct err *e)
{
	disk_rig_remove_folder(); /* it ends without atexit() */
	test_skip(e->text);
}

void disk_rig_open(struct disk_rig *r, const struct disk_config *c)
{
	struct err e = { 0 };

	*r = (struct disk_rig){ .d = disk_open(c, &e) };
	if (!r->d && c->cache == DISK_NONE && strstr(e.text, "O_DIRECT"))
		skip(&e);
	if (!r->d)
		test_fail(__FILE__, __LINE__, "disk_open: %s", e.text);
	r->q = disk_queue_create(r->d, 64, &e);
	if (!r->q && c->engine == DISK_URING && strstr(e.text, "io_uring"))
		skip(&e);
	if (!r->q)
		test_fail(__FILE__, __LINE__, "disk_queue_create: %s", e.text);
}

void disk_rig_close(struct disk_rig *r)
{
	disk_queue_destroy(r->q);
	disk_close(r->d);
}

const char *disk_rig_refused(const struct disk_config *c)
{
	struct disk *d = disk_open(c, &last);

	if (d)
		test_fail(__FILE__, __LINE__, "disk_open() of %s was to fail", c->path);
	return last.text;
}

static void is_done(struct disk_io *io UNUSED)
{
}

int disk_rig_do(struct disk_rig *r, struct disk_io *io)
{
	const unsigned others = disk_in_flight(r->q);

	io->done = is_done;
	disk_start(r->q, io);
	while (disk_in_flight(r->q) > others)
		(void)disk_wait(r->q, -1, -1);
	return io->result;
}

int disk_rig_read(struct disk_rig *r, uint64_t offset, void *to, size_t len)
{
	struct iovec iov = { to, len };
	struct disk_io io = {
		.op = DISK_READ, .offset = offset, .len = len, .iov = &iov, .niov = 1
	};

	return disk_rig_do(r, &io);
}

int disk_rig_write(struct disk_rig *r, uint64_t offset, const void *from, size_t len)
{
	struct iovec iov = { (void *)(uintptr_t)from, len };
	struct disk_io io = {
		.op = DISK_WRITE, .offset = offset, .len = len, .iov = &iov, .niov = 1
	};

	return disk_rig_do(r, &io);
}

int disk_rig_op(struct disk_rig *r, enum disk_op op, uint64_t offset, uint64_t len)
{
	struct disk_io io = { .op = op, .offset = offset, .len = len };

	return disk_rig_do(r, &io);
}

void disk_rig_fault(struct disk_rig *r, ssize_t (*fault)(enum disk_op op, ssize_t result))
{
	host_disk(r->d)->fault = fault;
}

void disk_rig_peek(const char *path, uint64_t offset, void *to, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	EXPECT(fd >= 0);
	EXPECT_EQ(pread(fd, to, len, (off_t)offset), len);
	(void)close(fd);
}
