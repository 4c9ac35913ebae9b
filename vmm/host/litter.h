/* SPDX-License-Identifier: Apache-2.0 */
/*
 * litter: names in the host's file system that must not outlive vmm: sockets that it listens at.
 *
 * Behind its walls vmm can remove nothing; then the keeper does, when vmm is gone, however it went.
 * Without one, or where it did not live to see the walls, it is done at once. Main thread.
 */
#ifndef VMM_HOST_LITTER_H
#define VMM_HOST_LITTER_H

#include "vmm/host/keeper.h"

#include <sys/stat.h>

/* From now on @k removes; NULL: it is done here. Borrowed. */
void litter_keeper(struct keeper *k);

/* A name that was just made; @made is what lstat() said. */
void litter_made(const char *path, const struct stat *made);

/* It is of no use any more, and goes if it still names the same file. */
void litter_drop(const char *path, const struct stat *made);

/* Removes @path if it is still what @made says. */
void litter_remove(const char *path, const struct stat *made);

#endif
