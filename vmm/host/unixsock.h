/* SPDX-License-Identifier: Apache-2.0 */
/* unixsock: a Unix stream socket by its path, on which vmm listens. Loop thread. */
#ifndef VMM_HOST_UNIXSOCK_H
#define VMM_HOST_UNIXSOCK_H

#include "vmm/base/err.h"

#include <sys/stat.h>

#define UNIXSOCK_PATH_MAX 107 /* bytes of a path, without the 0 */

struct unixsock {
	int fd;		  /* owned, non-blocking; -1: none */
	const char *path; /* borrowed, outlives this */
	struct stat made; /* the path, as we made it */
};

/*
 * Makes the socket at @path and listens. One that is there already, and on which nobody listens any
 * more, is replaced. @what is the beginning of messages: "console socket".
 */
int unixsock_listen(struct unixsock *u, const char *what, const char *path, int backlog,
		    struct err *e) MUST_CHECK;

/* Closes it, and removes the path if it is still the one that was made. Fine on one with fd -1. */
void unixsock_close(struct unixsock *u);

#endif
