/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/host/overlay.h"
#include "vmm/base/checked.h"
#include "vmm/base/scope.h"
#include "vmm/host/disk.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>

enum { WORD = 64 };

/* File systems without O_TMPFILE get a name for a moment. */
static int temporary_file(const char *folder)
{
	char path[4096];
	int fd = open(folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	if (snprintf(path, sizeof(path), "%s/vmm-snapshot.XXXXXX", folder) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path);
	return fd;
}

int overlay_open(struct overlay *o, uint64_t size, struct err *e)
{
	const char *folder = getenv("TMPDIR");
	uint64_t words = size / DISK_SECTOR / WORD + 1;
	auto_fd int fd = -1;
	void *map;

	/* On a disk rather than in memory, where there is such a folder. */
	if (!folder || !*folder)
		folder = access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp";
	fd = temporary_file(folder);
	if (fd < 0)
		return err_sys(
			e, "a temporary file for snapshot=on in %s (TMPDIR chooses another folder)",
			folder);
	if (ftruncate(fd, (off_t)size)) /* holes are sectors too */
		return err_sys(
			e, "a temporary file of %llu bytes in %s (TMPDIR chooses another folder)",
			(unsigned long long)size, folder);
	map = mmap(NULL, words * sizeof(uint64_t), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return err_sys(e, "memory for snapshot=on");
	*o = (struct overlay){ .fd = keep_fd(&fd),
			       .written = map,
			       .map_bytes = words * sizeof(uint64_t) };
	return 0;
}

void overlay_close(struct overlay *o)
{
	(void)munmap((void *)(uintptr_t)o->written, o->map_bytes);
	close_quietly(o->fd);
}

uint64_t overlay_run(const struct overlay *o, uint64_t offset, uint64_t len, bool *written)
{
	const uint64_t first = offset / DISK_SECTOR, end = first + len / DISK_SECTOR;
	uint64_t at = first, same = 0;

	while (at < end) {
		/* Pairs with the release in overlay_mark(): who sees the bit sees the data. */
		uint64_t bits = atomic_load_explicit(&o->written[at / WORD], memory_order_acquire);

		if (at == first) {
			*written = bits >> (at % WORD) & 1;
			same = *written ? ~UINT64_C(0) : 0;
		}
		bits = (bits ^ same) >> (at % WORD); /* a one where the run ends */
		if (bits) {
			at += (unsigned)__builtin_ctzll(bits);
			break;
		}
		at += WORD - at % WORD;
	}
	return ((at < end ? at : end) - first) * DISK_SECTOR;
}

void overlay_mark(struct overlay *o, uint64_t offset, uint64_t len)
{
	uint64_t at = offset / DISK_SECTOR;
	const uint64_t end = at + len / DISK_SECTOR;

	while (at < end) {
		uint64_t in = WORD - at % WORD, n = end - at < in ? end - at : in;
		uint64_t bits = (n == WORD ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1) << (at % WORD);

		(void)atomic_fetch_or_explicit(&o->written[at / WORD], bits, memory_order_release);
		at += n;
	}
}
