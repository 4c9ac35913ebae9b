/* blockcheck: what a disk holds and does, as seen in a guest and on the host.
 *
 * blockcheck write DISK RUN [flush]: two writers fill blocks, each with its own number, without
 * end. With flush, each write is followed by one; else a write must be safe when it is done. Says
 *   "confirmed WRITER NUMBER" when it is.
 * blockcheck check DISK RUN <OUTPUT: whether DISK has all that OUTPUT says was confirmed.
 * blockcheck bad DISK read|write N: which of the first N sectors fail, as "bad FIRST-LAST" lines
 * and "bad end". */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { WRITERS = 2, SLOTS = 64, BLOCK = 4096, SECTOR = 512 };

struct mark {
	uint64_t run, writer, number;
};

static char block[BLOCK] __attribute__((aligned(BLOCK)));

static off_t slot(uint64_t writer, uint64_t number)
{
	return (off_t)(writer * SLOTS + number % SLOTS) * BLOCK;
}

static void fill(struct mark m)
{
	for (size_t at = 0; at + sizeof(m) <= BLOCK;
	     at += at % SECTOR + 2 * sizeof(m) > SECTOR ? SECTOR - at % SECTOR : sizeof(m))
		memcpy(block + at, &m, sizeof(m));
}

static int writer(int fd, uint64_t run, uint64_t w, bool flush)
{
	for (uint64_t n = 1;; n++) {
		char line[64];
		int len = snprintf(line, sizeof(line), "confirmed %" PRIu64 " %" PRIu64 "\n", w, n);

		fill((struct mark){ run, w, n });
		if (pwrite(fd, block, BLOCK, slot(w, n)) != BLOCK || (flush && fdatasync(fd))) {
			perror("blockcheck");
			return 1;
		}
		if (write(1, line, (size_t)len) != len)
			return 1;
	}
}

static int do_write(const char *path, uint64_t run, bool flush)
{
	int fd = open(path, O_RDWR | O_DIRECT);

	for (uint64_t w = 1; fd >= 0 && w < WRITERS; w++) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			return writer(fd, run, w, flush);
		}
	}
	return fd >= 0 ? writer(fd, run, 0, flush) : 1;
}

/* Whether @number of writer @w is there; where the next round was under way, a part of that may be.
 */
static bool there(int fd, uint64_t run, uint64_t w, uint64_t number, uint64_t last)
{
	static char got[BLOCK];

	if (pread(fd, got, BLOCK, slot(w, number)) != BLOCK)
		return false;
	for (size_t at = 0; at < BLOCK; at += SECTOR) {
		fill((struct mark){ run, w, number });
		if (memcmp(got + at, block + at, SECTOR) == 0)
			continue;
		fill((struct mark){ run, w, number + SLOTS });
		if (number + SLOTS <= last || memcmp(got + at, block + at, SECTOR) != 0)
			return false;
	}
	return true;
}

static int check(const char *path, uint64_t run)
{
	uint64_t last[WRITERS] = { 0 }, w, n, lost = 0;
	int fd = open(path, O_RDONLY);
	char line[256];

	while (fgets(line, sizeof(line), stdin))
		if (sscanf(line, "confirmed %" SCNu64 " %" SCNu64, &w, &n) == 2 && w < WRITERS &&
		    strchr(line, '\n') && n > last[w])
			last[w] = n;
	for (w = 0; w < WRITERS; w++) {
		for (n = last[w] > SLOTS ? last[w] - SLOTS + 1 : 1; n <= last[w]; n++) {
			if (!there(fd, run, w, n, last[w])) {
				printf("lost: number %" PRIu64 " of writer %" PRIu64 "\n", n, w);
				lost++;
			}
		}
	}
	printf("checked %" PRIu64 " and %" PRIu64 ", lost %" PRIu64 "\n", last[0], last[1], lost);
	return lost || !last[0];
}

static int bad(const char *path, bool write, uint64_t sectors)
{
	int fd = open(path, O_RDWR | O_DIRECT);
	uint64_t first = 0, run = 0;

	if (fd < 0)
		return 1;
	for (uint64_t s = 0; s <= sectors; s++) {
		const off_t at = (off_t)s * SECTOR;
		bool fails = s < sectors && (write ? pwrite(fd, block, SECTOR, at)
						   : pread(fd, block, SECTOR, at)) != SECTOR;

		if (fails && run++ == 0)
			first = s;
		if (!fails && run) {
			printf("bad %" PRIu64 "-%" PRIu64 "\n", first, s - 1);
			run = 0;
		}
	}
	printf("bad end\n");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	if (strcmp(argv[1], "write") == 0)
		return do_write(argv[2], strtoull(argv[3], NULL, 0), argc > 4);
	if (strcmp(argv[1], "check") == 0)
		return check(argv[2], strtoull(argv[3], NULL, 0));
	return argc > 4 ? bad(argv[2], strcmp(argv[3], "write") == 0, strtoull(argv[4], NULL, 0))
			: 2;
}
