/* soakload DISK FIRST-BLOCK BLOCKS SEED [lenient]: writes, reads, discards and flushes blocks of 4
 * KiB at random, for ever, and sees that what it reads is what it wrote. Says "DISK verified N" now
 * and then (N reads), "DISK MISMATCH ..." and ends when it is not so. An error of the disk is a
 * mismatch, too, but for lenient: then what could not be written is not known, and what could is.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 4096, SECTOR = 512, MOST = 16, TELL_S = 3 };
enum { UNKNOWN = 0 }; /* number of a block */

struct mark {
	uint64_t sector, number, check;
};

static char buf[MOST * BLOCK] __attribute__((aligned(BLOCK)));
static uint64_t *number; /* that was written last, by block */
static uint64_t seed, newest, verified, errors;
static const char *disk;
static bool lenient;
static int fd;

static uint64_t any(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static struct mark mark_of(uint64_t sector, uint64_t n)
{
	return (struct mark){ sector, n,
			      (sector * 0x9e3779b97f4a7c15U) ^ (n * 0xc2b2ae3d27d4eb4fU) };
}

static void mismatch(uint64_t sector, const struct mark *got, uint64_t wanted)
{
	printf("%s MISMATCH sector %" PRIu64 ": has %" PRIx64 " %" PRIx64 " %" PRIx64
	       ", wanted %" PRIx64 "\n",
	       disk, sector, got->sector, got->number, got->check, wanted);
	fflush(stdout);
	exit(1);
}

/* Whether it went well; else that is said and, unless it may be, the end. */
static bool fine(bool well, const char *what)
{
	if (well)
		return true;
	errors++;
	if (lenient)
		return false;
	printf("%s MISMATCH %s: %s\n", disk, what, strerror(errno));
	fflush(stdout);
	exit(1);
}

static void fill(uint64_t block, uint64_t n)
{
	for (unsigned s = 0; s < BLOCK / SECTOR; s++) {
		struct mark m = mark_of(block * (BLOCK / SECTOR) + s, n);

		for (size_t at = 0; at + sizeof(m) <= SECTOR; at += sizeof(m))
			memcpy(buf + s * SECTOR + at, &m, sizeof(m));
	}
}

/* A sector is one write's, whole: in the old state or the new. @n UNKNOWN: any that was a write. */
static void verify(const char *from, uint64_t block, uint64_t n)
{
	for (unsigned s = 0; s < BLOCK / SECTOR; s++) {
		const char *at = from + s * SECTOR;
		struct mark got, want;

		memcpy(&got, at, sizeof(got));
		if (n == UNKNOWN && !got.sector && !got.number && !got.check)
			continue; /* never written, or discarded */
		want = mark_of(block * (BLOCK / SECTOR) + s, n == UNKNOWN ? got.number : n);
		for (size_t k = 0; k + sizeof(want) <= SECTOR; k += sizeof(want))
			if (memcmp(at + k, &want, sizeof(want)))
				mismatch(block * (BLOCK / SECTOR) + s,
					 (const struct mark *)(const void *)(at + k), n);
	}
}

static void one(uint64_t first, uint64_t blocks)
{
	const uint64_t what = any(100), at = any(blocks), many = 1 + any(MOST);
	const uint64_t n = many < blocks - at ? many : blocks - at;
	const off_t off = (off_t)((first + at) * BLOCK);
	uint64_t range[2] = { (uint64_t)off, n * BLOCK };

	if (what < 50) {
		const uint64_t stamp = ++newest;

		for (uint64_t i = n; i-- > 0;) { /* the last one filled is the first one's place */
			fill(first + at + i, stamp);
			if (i)
				memcpy(buf + i * BLOCK, buf, BLOCK);
		}
		bool well = fine(pwrite(fd, buf, n * BLOCK, off) == (ssize_t)(n * BLOCK), "write");
		for (uint64_t i = 0; i < n; i++)
			number[at + i] = well ? stamp : UNKNOWN;
	} else if (what < 94) {
		if (!fine(pread(fd, buf, n * BLOCK, off) == (ssize_t)(n * BLOCK), "read"))
			return;
		for (uint64_t i = 0; i < n; i++)
			if (number[at + i] != UNKNOWN || !lenient)
				verify(buf + i * BLOCK, first + at + i, number[at + i]);
		verified += n;
	} else if (what < 97) {
		for (uint64_t i = 0; i < n; i++)
			number[at + i] = UNKNOWN;
		(void)ioctl(fd, BLKDISCARD, range);
	} else if (!lenient) {
		fine(fdatasync(fd) == 0, "flush");
	}
}

int main(int argc, char **argv)
{
	time_t told = time(NULL);
	uint64_t first, blocks;

	if (argc < 5)
		return 2;
	disk = argv[1];
	first = strtoull(argv[2], NULL, 0);
	blocks = strtoull(argv[3], NULL, 0);
	seed = strtoull(argv[4], NULL, 0) * 2 + 1;
	lenient = argc > 5;
	/* Numbers of one boot are not those of another. */
	newest = seed << 32;
	number = calloc(blocks, sizeof(*number));
	fd = open(disk, O_RDWR | O_DIRECT);
	if (fd < 0 || !number) {
		perror(disk);
		return 1;
	}
	for (;;) {
		one(first, blocks);
		if (time(NULL) - told >= TELL_S || time(NULL) < told) {
			told = time(NULL);
			printf("%s verified %" PRIu64 " errors %" PRIu64 "\n", disk, verified,
			       errors);
			fflush(stdout);
		}
	}
}
