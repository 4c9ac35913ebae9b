/* poison [-p] PID SIZE OFFSET...: takes pages away from another process: those at the offsets, in
 * bytes, in its writable mapping of SIZE bytes. Takes root. They fail as if the machine had told
 * the kernel of a memory error there, and are lost to the host until it is started again; with -p
 * the process itself is made to forbid all access to them. Ends with 2 when the kernel has no such
 * thing, with 1 when it fails. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define OFFLINE "/sys/devices/system/memory/hard_offline_page"

#define PRESENT (UINT64_C(1) << 63)
#define FRAME	((UINT64_C(1) << 55) - 1)

#define INSN_SVC 0xd4000001 /* svc #0 */

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

/* A page may be on its way from one place to another, as when the huge one that it is in is split.
 */
static uint64_t frame_of(const char *pid, uint64_t at)
{
	enum { TRIES = 200, PAUSE_US = 10000 };
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	char path[64];
	uint64_t entry;

	snprintf(path, sizeof(path), "/proc/%s/pagemap", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < TRIES; i++) {
		if (fd < 0 ||
		    pread(fd, &entry, sizeof(entry), (off_t)(at / page * 8)) != sizeof(entry))
			die(1, path);
		if (entry & PRESENT && entry & FRAME) {
			close(fd);
			return (entry & FRAME) * page;
		}
		usleep(PAUSE_US);
	}
	errno = ENOENT;
	die(1, "memory at that offset, and where it is");
}

static void fail(const char *pid, uint64_t at)
{
	const int fd = open(OFFLINE, O_WRONLY | O_CLOEXEC);
	char text[32];

	if (fd < 0)
		die(2, OFFLINE);
	const int len = snprintf(text, sizeof(text), "0x%" PRIx64 "\n", frame_of(pid, at));
	if (write(fd, text, (size_t)len) != len)
		die(1, OFFLINE);
	close(fd);
}

static void registers(pid_t pid, struct user_regs_struct *r, int request)
{
	struct iovec iov = { r, sizeof(*r) };

	if (ptrace(request, pid, (void *)NT_PRSTATUS, &iov) < 0)
		die(1, "registers");
}

/* Has the main thread, which waits in a system call, do mprotect() with the same instruction. */
static void forbid(pid_t pid, uint64_t at)
{
	struct user_regs_struct saved, r;
	int status;

	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0 || waitpid(pid, &status, __WALL) != pid)
		die(1, "ptrace");
	registers(pid, &saved, PTRACE_GETREGSET);
	r = saved;
	if ((uint32_t)ptrace(PTRACE_PEEKTEXT, pid, (void *)r.pc, NULL) != INSN_SVC)
		r.pc -= 4;
	if ((uint32_t)ptrace(PTRACE_PEEKTEXT, pid, (void *)r.pc, NULL) != INSN_SVC)
		die(1, "the process is not in a system call");
	r.regs[8] = SYS_mprotect;
	r.regs[0] = at;
	r.regs[1] = (uint64_t)sysconf(_SC_PAGESIZE);
	r.regs[2] = PROT_NONE;
	registers(pid, &r, PTRACE_SETREGSET);
	if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0 || waitpid(pid, &status, __WALL) != pid)
		die(1, "ptrace");
	registers(pid, &r, PTRACE_GETREGSET);
	registers(pid, &saved, PTRACE_SETREGSET);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	errno = -(int)r.regs[0];
	if (r.regs[0])
		die(1, "mprotect in the process");
}

int main(int argc, char **argv)
{
	const bool only_forbid = argc > 1 && !strcmp(argv[1], "-p");

	argv += only_forbid;
	argc -= only_forbid;
	if (argc < 4)
		return 1;
	const uint64_t base = find(argv[1], strtoull(argv[2], NULL, 0));
	for (int i = 3; i < argc; i++) {
		const uint64_t at = base + strtoull(argv[i], NULL, 0);

		if (only_forbid)
			forbid(atoi(argv[1]), at);
		else
			fail(argv[1], at);
	}
	return 0;
}
