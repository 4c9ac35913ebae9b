/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper: programs that vmm starts (passt, virtiofsd), and sockets that it connects to by name, for
 * as long as it lives.
 *
 * A process of its own does it, made before vmm gives up the power to fork, execute, and connect,
 * and before there are threads and guest memory. It starts each program, tells when one ended, and
 * starts it again when asked, not more often than once a second. Programs end with vmm, however it
 * ends. What they write to stdout and stderr are lines of vmm's log, seen with --verbose; the last
 * one is a part of the reason when one ended.
 *
 * Loop thread throughout.
 */
#ifndef VMM_HOST_KEEPER_H
#define VMM_HOST_KEEPER_H

#include "vmm/core/loop.h"

#include <sys/stat.h>

struct keeper;

#define KEEPER_MAX_JOBS 64 /* of one keeper */

#define KEEPER_MAX_DIALS 16 /* under way at a time */

enum keeper_kind {
	KEEPER_PAIR,	/* the program gets one end of a stream socket pair, we the other */
	KEEPER_LISTEN,	/* the program gets a listening Unix socket, we one connected to it */
	KEEPER_CONNECT, /* no program: a Unix stream socket by its path */
	KEEPER_DIALS,	/* many of these; keeper_dials() makes such a job */
};

/*
 * In arguments. The first becomes the number of the descriptor that the program gets. The second
 * becomes the path of a file to which the program writes when it is ready (its process id, say):
 * with it, the connection is up only then, and a program that ends before has failed to start.
 */
#define KEEPER_FD    "{fd}"
#define KEEPER_READY "{ready}"

struct keeper_job {
	enum keeper_kind kind;
	const char *name;	 /* for messages: "passt" */
	const char *const *argv; /* NULL-terminated; argv[0] is looked for in $PATH, and then in
				    /usr/lib/qemu, /usr/libexec and /usr/lib; NULL for CONNECT */
	const char *path;	 /* of CONNECT */

	/* A connection, now the owner's: an answer to keeper_again(). */
	void (*up)(void *ctx, int fd);

	/*
	 * It cannot be: the program ended (@why says how), or there is no such socket. Comes once
	 * for each program that ended, and once for a keeper_again() that failed; the next is the
	 * owner's to ask for. Whether the connection is gone is seen at its fd, too, perhaps
	 * before.
	 */
	void (*down)(void *ctx, const char *why);
	void *ctx;
};

/*
 * Forks the process, and returns the socket to it, which is the caller's; or a negative errno. No
 * thread but the caller's may be running; fds that are open in the caller and not close-on-exec do
 * not reach programs either. The process ends when nobody has the socket open any more.
 */
int keeper_fork(struct err *e) MUST_CHECK;

/*
 * Who speaks to the process at the other end of @sock, of keeper_fork(), and owns that, whatever
 * comes of it. NULL and @e set on failure.
 */
struct keeper *keeper_create(struct loop *l, int sock, struct err *e) MUST_CHECK;

/* Ends all programs (SIGTERM, after a second SIGKILL), and the process. NULL is fine. */
void keeper_destroy(struct keeper *k);

/*
 * The first connection of @j, which is borrowed with all it points to until the keeper is
 * destroyed: waits for it (at most ten seconds), and puts the fd, now the caller's, into *@fd and
 * the number of the job into *@job. An error says what failed: the program is not installed
 * (-ENOENT), it ended, nobody listens. Meanwhile up() and down() of other jobs may come. Jobs that
 * failed count, too.
 */
int keeper_start(struct keeper *k, const struct keeper_job *j, unsigned *job, int *fd,
		 struct err *e) MUST_CHECK;

/*
 * Has @path, which is now what @made says and is a socket, removed when vmm has ended, if it is the
 * same then. A relative one is from the working directory at keeper_create().
 */
void keeper_remove_at_end(struct keeper *k, const char *path, const struct stat *made);

/*
 * For who finds at set-up that a connection is of no use: whether the program of @job ended, or
 * does so within a second; then @e says how.
 */
bool keeper_ended(struct keeper *k, unsigned job, struct err *e);

/*
 * Takes no job any more: who gets hold of vmm cannot have programs started. After set-up. Fails
 * when the process is gone.
 */
int keeper_seal(struct keeper *k, struct err *e) MUST_CHECK;

/* Whether the process is gone that never was sealed: what it was to remove is left to others. */
bool keeper_is_lost(const struct keeper *k);

/*
 * Asks for a new connection of @job: up() or down() follows, never from inside the call. A
 * program that still runs is ended first and started anew. Asking twice is asking once.
 */
void keeper_again(struct keeper *k, unsigned job);

/*
 * Lets keeper_dial() connect to Unix stream sockets whose path is @prefix, which is copied, and a
 * decimal number behind it: job *@job. Before keeper_seal(), as all jobs.
 */
int keeper_dials(struct keeper *k, const char *prefix, unsigned *job, struct err *e) MUST_CHECK;

/*
 * Connects to the one with this number. done() follows once, never from inside the call, unless the
 * keeper is destroyed before: with a non-blocking fd, now the owner's, or -1 when nobody listens
 * there or does not accept within two seconds. At most KEEPER_MAX_DIALS are under way.
 */
void keeper_dial(struct keeper *k, unsigned job, uint32_t number, void (*done)(void *ctx, int fd),
		 void *ctx);

#endif
