/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program: one child process with a descriptor of its own, watched on a loop until it ends.
 *
 * It leads a process group, so that what it starts ends with it, and is killed when the thread
 * that started it ends. Its stdin is empty, stdout and stderr come as lines. Loop thread.
 */
#ifndef VMM_HOST_PROGRAM_H
#define VMM_HOST_PROGRAM_H

#include "vmm/core/loop.h"

#include <sys/types.h>

struct program {
	/* The owner's; never called from inside a function below. */
	void (*ready)(struct program *p);		   /* it wrote to KEEPER_READY */
	void (*line)(struct program *p, const char *line); /* it wrote a line; without its end */
	void (*ended)(struct program *p,
		      const char *why); /* "ended with status 1: its last line" */

	struct loop *loop;
	pid_t pid; /* 0: not running */
	struct watch exit, out, begun;
	int exit_fd, out_fd, begun_fd; /* owned; -1 */
	char folder[24];	       /* where KEEPER_READY is; "": nowhere */
	struct timer kill;
	char text[200]; /* of the line that is coming in */
	size_t len;
	char last[200]; /* the last line; "": none */
};

/* @p is zeroed, and then given its calls by the owner. */
void program_init(struct program *p, struct loop *l);

/*
 * Starts it with @fd (borrowed): @argv as struct keeper_job has it. -ENOENT with @e when there is
 * no such program. The last one has ended.
 */
int program_start(struct program *p, const char *const *argv, int fd, struct err *e) MUST_CHECK;

static inline bool program_running(const struct program *p)
{
	return p->pid > 0;
}

/* Whether it runs and has yet to say that it is ready. */
static inline bool program_gets_ready(const struct program *p)
{
	return p->begun_fd >= 0;
}

/* Asks it to end (SIGTERM, after a second SIGKILL); kills it. Fine when it does not run. */
void program_end(struct program *p);
void program_kill(struct program *p);

/*
 * For a process that was just forked: closes every descriptor but *@fd, which becomes 3; 0, 1 and 2
 * are /dev/null. The second leaves those three as they are, and @fd, which is another.
 */
void program_only_fd(int *fd);
void program_keep_fd(int fd);

#endif
