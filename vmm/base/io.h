/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io: whole reads and writes, and regular files that are read as input.
 *
 * An input file is opened once and kept open, because after start-up no path may be openable any
 * more. It is read, never mapped: a file that shrinks under a mapping kills the reader, while a
 * read that comes up short is a sentence.
 */
#ifndef VMM_BASE_IO_H
#define VMM_BASE_IO_H

#include "vmm/base/err.h"

#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

/*
 * Reads until @len bytes are there or the file ends; retries when interrupted. How many bytes were
 * read, or -errno. The second reads from offset @at and leaves the file position alone.
 */
ssize_t io_read(int fd, void *dst, size_t len) MUST_CHECK;
ssize_t io_pread(int fd, void *dst, size_t len, uint64_t at) MUST_CHECK;

/*
 * As fstat(), whose system call depends on how old the C library is: this is newfstatat() in all,
 * which the sandbox allows.
 */
int io_stat(int fd, struct stat *st) MUST_CHECK;

/* Writes all @len bytes; retries when interrupted. 0 or -errno. */
int io_write(int fd, const void *src, size_t len) MUST_CHECK;

/*
 * Adds one to a non-blocking eventfd; retries when interrupted, or who waits would never know. Does
 * nothing when the counter is at its end: they know then. Async-signal-safe; leaves errno alone.
 */
void io_raise(int fd);

/* A regular file, open for reading. All of zero bits with fd -1 is a closed one. */
struct io_file {
	int fd;		       /* owned; -1: closed */
	const char *name;      /* borrowed: the path, for messages; outlives this */
	uint64_t size;	       /* bytes, when last looked at */
	struct timespec mtime; /* when last looked at */
};

/* Opens @path. Anything but a regular file is refused: what is read must be readable again. */
int io_open(struct io_file *f, const char *path, struct err *e) MUST_CHECK;

/* Closes; fine on a closed one. */
void io_close(struct io_file *f);

/* Looks at size and time again, and says in @changed whether they moved. */
int io_refresh(struct io_file *f, bool *changed, struct err *e) MUST_CHECK;

/* Reads exactly @len bytes from offset @at; a file that ends before is an error. */
int io_read_at(const struct io_file *f, uint64_t at, void *dst, size_t len,
	       struct err *e) MUST_CHECK;

/*
 * Bytes @at to @at + @len of a file in memory of their own, unmapped, and so given back to the
 * host whole, by io_unload(). @len is not 0. On failure nothing is held.
 */
struct io_bytes {
	void *data; /* owned; NULL: none */
	size_t len;
};

int io_load(const struct io_file *f, uint64_t at, size_t len, struct io_bytes *out,
	    struct err *e) MUST_CHECK;
void io_unload(struct io_bytes *b);

#define auto_bytes __attribute__((cleanup(io_unload)))

#endif
