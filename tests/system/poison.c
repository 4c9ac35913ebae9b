/* poison PID SIZE OFFSET...: lets pages of another process fail, as if the machine had told the
 * kernel of a memory error there: those at the offsets, in bytes, in its writable mapping of SIZE
 * bytes. Takes root. The pages are lost to the host until it is started again. Ends with 2 when the
 * kernel has no such thing, with 1 when it fails. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OFFLINE "/sys/devices/system/memory/hard_offline_page"

#define PRESENT (UINT64_C(1) << 63)
#define FRAME	((UINT64_C(1) << 55) - 1)

static _Noreturn void die(int status, const char *what)
{
	fprintf(stderr, "poison: %s: %s\n", what, strerror(errno));
	exit(status);
}

/* Where the process has the only writable mapping of that size. */
static uint64_t find(const char *pid, uint64_t size)
{
	uint64_t from, to, found = 0;
	char path[64], line[512], rights[8];

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	FILE *f = fopen(path, "r");
	if (!f)
		die(1, path);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to, rights) != 3)
			continue;
		if (to - from != size || strncmp(rights, "rw", 2) != 0)
			continue;
		if (found)
			die(1, "there are two such mappings");
		found = from;
	}
	fclose(f);
	if (!found)
		die(1, "there is no such mapping");
	return found;
}

static uint64_t frame_of(const char *pid, uint64_t at)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	char path[64];
	uint64_t entry;

	snprintf(path, sizeof(path), "/proc/%s/pagemap", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, &entry, sizeof(entry), (off_t)(at / page * 8)) != sizeof(entry))
		die(1, path);
	close(fd);
	if (!(entry & PRESENT) || !(entry & FRAME))
		die(1, "there is no memory at that offset, or its place is a secret");
	return (entry & FRAME) * page;
}

int main(int argc, char **argv)
{
	char text[32];

	if (argc < 4)
		return 1;
	int fd = open(OFFLINE, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		die(2, OFFLINE);
	const uint64_t base = find(argv[1], strtoull(argv[2], NULL, 0));
	for (int i = 3; i < argc; i++) {
		const uint64_t frame = frame_of(argv[1], base + strtoull(argv[i], NULL, 0));
		const int len = snprintf(text, sizeof(text), "0x%" PRIx64 "\n", frame);

		if (write(fd, text, (size_t)len) != len)
			die(1, OFFLINE);
	}
	return 0;
}
