/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/host/litter.h"

#include <unistd.h>

static struct keeper *keeper;

void litter_keeper(struct keeper *k)
{
	keeper = k;
}

void litter_made(const char *path, const struct stat *made)
{
	if (keeper)
		keeper_remove_at_end(keeper, path, made);
}

void litter_remove(const char *path, const struct stat *made)
{
	struct stat now;

	if (lstat(path, &now) == 0 && now.st_dev == made->st_dev && now.st_ino == made->st_ino)
		(void)unlink(path);
}

void litter_drop(const char *path, const struct stat *made)
{
	if (!keeper || keeper_is_lost(keeper))
		litter_remove(path, made);
}
