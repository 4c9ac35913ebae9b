/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walls: what each part of the sandbox takes of a start: lines "PART NS", where a part has no
 * spaces. A filter is one system call for each thread.
 */
#include "vmm/sandbox/filter.h"
#include "vmm/sandbox/walls.h"

#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILTERS (NR_WALLS) /* where the costs of filters begin */
#define PARTS	(NR_WALLS + 3)

static long long *cost; /* shared with the children, that can do nothing else with it at last */

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void build_walls(void)
{
	for (unsigned i = 0; i < NR_WALLS; i++) {
		const long long begin = now_ns();

		if (wall_build((enum wall)i))
			_exit(1);
		cost[i] = now_ns() - begin;
	}
}

static void add_filter(unsigned part, enum thread_kind kind)
{
	const struct filter_facts facts = { .pid = (uint32_t)getpid() };
	const long long begin = now_ns();
	struct sock_fprog program;
	struct filter f;

	filter_make(&f, kind, &facts);
	program = (struct sock_fprog){ (unsigned short)f.len, f.insn };
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		_exit(1);
	cost[part] = now_ns() - begin;
}

/* How long a fixed amount of work takes from now on, while the kernel does what it has to do. */
static long long spin(void)
{
	const long long begin = now_ns();

	for (volatile unsigned i = 0; i < 20000000; i++)
		;
	return now_ns() - begin;
}

/* One start's filters; each in a process of its own, for they add up. */
static const struct {
	const char *name;
	enum thread_kind kind;
} filters[PARTS - FILTERS] = {
	{ "filter-of-main", THREAD_MAIN },
	{ "filter-of-a-vcpu", THREAD_VCPU },
	{ "filter-of-reports", THREAD_REPORT },
};

enum job { NOTHING, WALLS, FILTER };

static void in_child(enum job job, unsigned filter)
{
	const pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (job == WALLS)
			build_walls();
		else if (job == FILTER && wall_build(WALL_NO_NEW_PRIVS) == 0)
			add_filter(FILTERS + filter, filters[filter].kind);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status) {
		(void)fprintf(stderr, "walls: not all can be built here\n");
		exit(1);
	}
}

int main(void)
{
	long long alone, after;

	cost = mmap(NULL, PARTS * sizeof(*cost), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		    -1, 0);
	if (cost == MAP_FAILED)
		return 1;
	for (unsigned i = 0; i < PARTS - FILTERS; i++)
		in_child(FILTER, i);
	in_child(NOTHING, 0);
	alone = spin();
	in_child(WALLS, 0);
	after = spin();
	for (unsigned i = 0; i < NR_WALLS; i++) {
		char name[40];

		(void)snprintf(name, sizeof(name), "%s", wall_name((enum wall)i));
		for (char *p = name; *p; p++)
			*p = (char)(*p == ' ' ? '-' : *p);
		printf("%s %lld\n", name, cost[i]);
	}
	for (unsigned i = 0; i < PARTS - FILTERS; i++)
		printf("%s %lld\n", filters[i].name, cost[FILTERS + i]);
	printf("the-end-of-the-namespaces %lld\n", after - alone);
	return 0;
}
