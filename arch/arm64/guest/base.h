/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base: what the guest's first program has instead of a C library: system calls, a little text, and
 * the ways to speak and to give up. One thread; nothing is allocated.
 */
#ifndef ARCH_ARM64_GUEST_BASE_H
#define ARCH_ARM64_GUEST_BASE_H

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#define LINE_MAX 512
#define ROOT	 "/root" /* where the root file system is mounted before it becomes that */

#define P(pointer) ((uintptr_t)(pointer))

/* The kernel's answer: -errno when it is between -4095 and -1. */
long call5(long nr, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e);

int open_at(const char *path, int flags);
void close_fd(int fd);
void make_dir(const char *path);
void remove_file(const char *path);
void remove_dir(const char *path);
long mount_at(const char *what, const char *where, const char *type, unsigned long flags,
	      const char *options);
void unmount(const char *where);
void sleep_ms(long ms);
long now_ms(void);

/* Reads a file to its end or until @buf is full, and ends it with a NUL: its length, or -errno. */
long read_file(const char *path, char *buf, size_t size);

size_t length(const char *s);
int equal(const char *a, const char *b);
unsigned long number(const char *s); /* at the start of @s, below ten million */

struct line {
	char s[LINE_MAX];
	size_t len;
};

/* Appends as much as fits. */
void add(struct line *l, const char *s);
void add_number(struct line *l, unsigned long v);

/* What the pieces say together, as one path or sentence; a NULL ends them. */
const char *join(struct line *l, const char *const *pieces);
#define JOIN(line, ...) join(line, (const char *const[]){ __VA_ARGS__, NULL })

/* "why" for an error that has a name worth giving here; else its number. */
const char *why(struct line *l, long error);

void write_text(int fd, const char *s);

#define SAY_TO(fd, ...)                                                                            \
	do {                                                                                       \
		struct line said_;                                                                 \
		write_text(fd, JOIN(&said_, "vmm-init: ", __VA_ARGS__, "\n"));                     \
	} while (0)

/* On the console. */
#define SAY(...) SAY_TO(1, __VA_ARGS__)

/* To be called while /proc is there, for give_up(). */
void keep_panic_timeout(void);

/* Ends, which makes the kernel panic and then, unless the user wants it to wait, reset. */
_Noreturn void give_up(void);

/* Names in a folder: calls @each until it answers other than 0, and answers that. */
long each_name(const char *folder, long (*each)(void *ctx, const char *name), void *ctx);

#endif
