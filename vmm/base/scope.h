/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locals that release themselves when their block ends.
 *
 * Guard a thing in the statement that makes it; hand it on with keep_fd() or keep_ptr(), which
 * empty the guard. Never mix guards and goto in one function. Guards do not run on pthread_exit()
 * or cancellation, so threads return from their start function and are never cancelled.
 *
 *	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
 *	if (fd < 0)
 *		return err_sys(e, "open %s", path);
 *	...
 *	d->fd = keep_fd(&fd);
 */
#ifndef VMM_BASE_SCOPE_H
#define VMM_BASE_SCOPE_H

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Closes @fd unless negative; errno is left as it was. */
static inline void close_quietly(int fd)
{
	int saved = errno;

	if (fd >= 0)
		(void)close(fd);
	errno = saved;
}

static inline void scope_close(const int *fd)
{
	close_quietly(*fd);
}

static inline void scope_free(void *at)
{
	free(*(void **)at);
}

#define auto_fd	  __attribute__((cleanup(scope_close)))
#define auto_free __attribute__((cleanup(scope_free)))

static inline int keep_fd(int *fd)
{
	int kept = *fd;

	*fd = -1;
	return kept;
}

#define keep_ptr(at)                                                                               \
	__extension__({                                                                            \
		__typeof__(*(at)) kept_ = *(at);                                                   \
		*(at) = NULL;                                                                      \
		kept_;                                                                             \
	})

#endif
