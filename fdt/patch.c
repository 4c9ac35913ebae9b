/* SPDX-License-Identifier: Apache-2.0 */
#include "fdt/patch.h"

#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

static const char start[] = "linux,initrd-start", end[] = "linux,initrd-end";

size_t fdt_patch_room(const struct fdt_chosen *c)
{
	/* A node, three properties with their names, and alignment. */
	return 256 + (c->bootargs ? strlen(c->bootargs) : 0);
}

static int drop(void *t, int node, const char *name)
{
	int r = fdt_delprop(t, node, name);

	return r == -FDT_ERR_NOTFOUND ? 0 : r;
}

static int set_chosen(void *t, const struct fdt_chosen *c)
{
	int r = 0, node = fdt_path_offset(t, "/chosen");

	if (node == -FDT_ERR_NOTFOUND)
		node = fdt_add_subnode(t, 0, "chosen");
	if (node < 0)
		return node;
	if (c->bootargs)
		r = fdt_setprop(t, node, "bootargs", c->bootargs, (int)strlen(c->bootargs) + 1);
	if (r == 0)
		r = c->initrd_size ? fdt_setprop_u64(t, node, start, c->initrd)
				   : drop(t, node, start);
	if (r == 0)
		r = c->initrd_size ? fdt_setprop_u64(t, node, end, c->initrd + c->initrd_size)
				   : drop(t, node, end);
	return r;
}

int fdt_patch(void **blob, size_t *size, const struct fdt_chosen *c, struct err *e)
{
	size_t room = *size + fdt_patch_room(c);
	void *t;
	int r;

	if (room > INT32_MAX)
		return err_set(e, EFBIG, "device tree of %zu bytes", *size);
	t = malloc(room);
	if (!t)
		return err_set(e, ENOMEM, "device tree: out of memory");
	r = fdt_open_into(*blob, t, (int)room);
	if (r == 0)
		r = set_chosen(t, c);
	if (r == 0)
		r = fdt_pack(t);
	if (r < 0) {
		free(t);
		return err_set(e, EINVAL, "device tree: /chosen: %s", fdt_strerror(r));
	}
	free(*blob);
	*blob = t;
	*size = fdt_totalsize(t);
	return 0;
}
