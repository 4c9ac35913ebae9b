/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/root_folder.h"

#include "vmm/base/scope.h"
#include "vmm/base/text.h"
#include "vmm/host/virtiofsd.h"
#include "vmm/initramfs/cmdline.h"
#include "vmm/initramfs/rootfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAG "vmm-root" /* of the share that --root FOLDER makes */

/* The folder that --root is, without a mode; to be freed. NULL: it is none, or no memory. */
static char *root_folder(const struct vm_config *c)
{
	auto_free char *path = NULL;
	struct stat st;
	size_t len;

	if (!c->root)
		return NULL;
	(void)root_spec_mode(c->root, &len);
	path = strndup(c->root, len);
	if (!path || root_spec_kind(path) != ROOT_FILE || stat(path, &st) < 0 ||
	    !S_ISDIR(st.st_mode))
		return NULL;
	return keep_ptr(&path);
}

/* The share of this folder. */
static struct share_config *share_of(const struct vm_config *c, const char *dir)
{
	struct share_config *s = c->shares.at;
	struct stat wanted, st;

	if (stat(dir, &wanted) < 0)
		return NULL;
	for (size_t i = 0; i < c->shares.nr; i++)
		if (stat(s[i].dir, &st) == 0 && st.st_dev == wanted.st_dev &&
		    st.st_ino == wanted.st_ino)
			return &s[i];
	return NULL;
}

/*
 * The host's own root cannot take the root's place in a namespace (pivot_root: EBUSY), and has
 * nothing around it to be kept out of.
 */
static void fit_sandbox(struct share_config *s)
{
	auto_free char *dir = realpath(s->dir, NULL);

	if (dir && strcmp(dir, "/") == 0)
		s->sandbox = geteuid() == 0 ? VIRTIOFSD_CHROOT : VIRTIOFSD_NONE;
}

/* Whether memory is laid over the root, as vmm/initramfs decides. */
static bool is_below(const struct vm_config *c)
{
	size_t len;

	return root_spec_mode(c->root, &len) == ROOT_AS_USUAL &&
	       cmdline_last_of(config_cmdline(c), "ro", "rw") < 0;
}

int root_folder_share(struct vm_config *c, struct err *e)
{
	auto_free char *dir = root_folder(c);
	struct share_config *s;
	size_t len;

	if (!dir)
		return 0;
	if (c->initrd)
		return err_set(e, EINVAL,
			       "--root: %s is a folder, which an --initrd cannot be told of; leave "
			       "one of them out",
			       text_quote(dir).s);
	s = share_of(c, dir);
	if (!s) {
		if (config_add_share(c, dir, TAG, root_spec_mode(c->root, &len) != ROOT_RW, e))
			return err_ctx(e, "--root");
		s = (struct share_config *)c->shares.at + c->shares.nr - 1;
		fit_sandbox(s);
	}
	/* The guest's overlay has no way into a mount below it, and so not even to /proc. */
	s->one_tree = is_below(c);
	return config_validate(c, e);
}

/* Where in the folder @dir, a real path, we are; NULL: not in it. */
static const char *place_in(const char *dir, const char *here)
{
	const size_t len = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

	return strncmp(here, dir, len) == 0 && here[len] == '/' ? here + len : NULL;
}

int root_folder_look(struct root_folder *f, const struct vm_config *c, struct err *e)
{
	auto_free char *folder = root_folder(c);
	auto_free char *dir = folder ? realpath(folder, NULL) : NULL;
	auto_free char *here = getcwd(NULL, 0);
	const struct share_config *s = folder ? share_of(c, folder) : NULL;
	const char *place = dir && here ? place_in(dir, here) : NULL;

	*f = (struct root_folder){ .tag = s ? s->tag : NULL,
				   .is_all = dir && strcmp(dir, "/") == 0 };
	if (!place)
		place = "/";
	if (strlen(place) >= sizeof(f->place))
		return err_set(e, ENAMETOOLONG, "the current folder's name is too long");
	memcpy(f->place, place, strlen(place) + 1);
	return 0;
}
