/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vtime: runs a command, and says when things happened and what memory it took.
 *
 *	vtime [-p PATTERN] [-t SECONDS] -- COMMAND...
 *
 * Prints one line: "first_us match_us exit_us anon_kib status". first: the command's first output;
 * match: PATTERN in its output; both from exec; exit: from the match to the end, or without a
 *PATTERN from exec; anon: anonymous memory at the match but for the largest mapping (guest RAM):
 *what the process has written, pages of files that it has changed included. (Private_Dirty would
 *count the clean pages of a program on the lab's root file system, which has no disk to be clean
 *against.) What did not happen is -1. The command's output goes to stderr.
 */
#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* KiB of anonymous memory, of shared pages its part; outside the largest mapping when @beside_ram.
 */
static long anon_of(pid_t pid, int beside_ram)
{
	long size = 0, largest = 0, of_largest = 0, all = -1, v;
	char line[512];
	FILE *f;

	snprintf(line, sizeof(line), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(line, "r");
	while (f && fgets(line, sizeof(line), f) && sscanf(line, "Pss_Anon: %ld", &all) != 1)
		;
	if (f)
		fclose(f);
	snprintf(line, sizeof(line), "/proc/%d/smaps", (int)pid);
	f = beside_ram ? fopen(line, "r") : NULL;
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Size: %ld", &v) == 1)
			size = v;
		else if (sscanf(line, "Anonymous: %ld", &v) == 1 && size > largest) {
			largest = size;
			of_largest = v;
		}
	}
	if (f)
		fclose(f);
	return all - of_largest;
}

/* The same of the process that has the guest, and of one outside. The init has no memory of its
 * own. */
static long anon_of_all(pid_t pid)
{
	pid_t inner = pid, child;
	char name[512];
	FILE *f, *comm;

	snprintf(name, sizeof(name), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	f = fopen(name, "r");
	while (f && fscanf(f, "%d", &child) == 1) {
		snprintf(name, sizeof(name), "/proc/%d/comm", (int)child);
		comm = fopen(name, "r");
		if (comm && fgets(name, sizeof(name), comm) && strcmp(name, "vmm-inner\n") == 0)
			inner = child;
		if (comm)
			fclose(comm);
	}
	if (f)
		fclose(f);
	return anon_of(inner, 1) + (inner == pid ? 0 : anon_of(pid, 0));
}

/*
 * The kernel patches itself when a first PMU is used, and back a second after the last: 11 ms that
 * would fall into one run or another. With an event of our own it has done so, and keeps it.
 */
static void use_pmu(void)
{
	struct perf_event_attr dummy = { .type = PERF_TYPE_SOFTWARE,
					 .size = sizeof(dummy),
					 .config = PERF_COUNT_SW_DUMMY };

	if (syscall(SYS_perf_event_open, &dummy, 0, -1, -1, PERF_FLAG_FD_CLOEXEC) < 0)
		perror("vtime: perf_event_open");
}

static pid_t start(char **argv, int *out)
{
	int fd[2];
	pid_t pid;

	if (pipe(fd) < 0 || (pid = fork()) < 0) {
		perror("vtime");
		exit(2);
	}
	if (pid == 0) {
		int null = open("/dev/null", O_RDONLY);

		dup2(null, 0);
		dup2(fd[1], 1);
		dup2(fd[1], 2);
		close(fd[0]);
		close(fd[1]);
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	close(fd[1]);
	*out = fd[0];
	return pid;
}

int main(int argc, char **argv)
{
	static char seen[1 << 16];
	const char *pattern = NULL;
	long long begin, first = -1, match = -1, since, end, limit_us = 300 * 1000000LL;
	long anon = -1;
	size_t len = 0;
	int out, status, opt;
	pid_t pid;

	while ((opt = getopt(argc, argv, "+p:t:")) != -1) {
		if (opt == 'p')
			pattern = optarg;
		else if (opt == 't')
			limit_us = atoi(optarg) * 1000000LL;
		else
			return 2;
	}
	use_pmu();
	begin = now_us();
	pid = start(argv + optind, &out);
	for (;;) {
		struct pollfd p = { .fd = out, .events = POLLIN };
		long long left = limit_us - (now_us() - begin);
		ssize_t n;

		if (left <= 0) {
			kill(pid, SIGKILL);
			break;
		}
		if (poll(&p, 1, (int)(left / 1000) + 1) <= 0)
			continue;
		if (len > sizeof(seen) / 2) { /* a pattern is short: keep the end */
			memmove(seen, seen + len - 1024, 1024);
			len = 1024;
		}
		n = read(out, seen + len, sizeof(seen) - 1 - len);
		if (n <= 0)
			break;
		if (first < 0)
			first = now_us() - begin;
		if (write(2, seen + len, (size_t)n) < 0)
			perror("stderr");
		len += (size_t)n;
		seen[len] = '\0';
		if (pattern && match < 0 && strstr(seen, pattern)) {
			match = now_us() - begin;
			anon = anon_of_all(pid);
		}
	}
	waitpid(pid, &status, 0);
	end = now_us() - begin;
	since = pattern ? match : 0;
	printf("%lld %lld %lld %ld %d\n", first, match, since < 0 ? -1 : end - since, anon,
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}
