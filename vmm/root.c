/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/root.h"

#include "devices/virtio/vhost_user.h"
#include "vmm/arch.h"
#include "vmm/base/log.h"
#include "vmm/base/scope.h"
#include "vmm/command.h"
#include "vmm/root_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void say_missing(void *ctx UNUSED, const char *sentence)
{
	log_warn("%s", sentence);
}

static unsigned backend_drivers(unsigned type)
{
	switch (type) {
	case VHOST_USER_NET:
		return INITRAMFS_NET;
	case VHOST_USER_BLK:
		return INITRAMFS_BLK;
	case VHOST_USER_FS:
		return INITRAMFS_FS;
	default:
		return 0;
	}
}

static unsigned devices(const struct vm_config *c)
{
	const struct vhost_user_config *peer = c->vhost_users.at;
	unsigned d = 0;

	if (c->disks.nr)
		d |= INITRAMFS_BLK;
	if (c->hvc.kind != CHARDEV_NONE || c->ports.nr)
		d |= INITRAMFS_CONSOLE;
	if (c->rng)
		d |= INITRAMFS_RNG;
	for (size_t i = 0; i < c->vhost_users.nr; i++)
		d |= backend_drivers(vhost_user_type(&peer[i]));
	if (c->shares.nr)
		d |= INITRAMFS_FS;
	if (c->balloon.nr)
		d |= INITRAMFS_BALLOON;
	if (c->nets.nr)
		d |= INITRAMFS_NET;
	if (c->vsocks.nr)
		d |= INITRAMFS_VSOCK;
	return d;
}

/* What stands behind -- becomes what the guest's program reads. */
static int write_command(struct root *r, const struct vm_config *c,
			 const struct root_folder *folder, size_t *len, struct err *e)
{
	/* The programs are where they are for us. */
	const char *path = folder->is_all ? getenv("PATH") : NULL;

	if (c->command.nr == 0)
		return 0;
	return command_block(&c->command, folder->place, path, environ, &r->command, len, e);
}

int root_make(struct root *r, const struct vm_config *c, struct err *e)
{
	const char *cmdline = config_cmdline(c);
	const struct virtio_blk_config *disk = c->disks.at;
	const char *paths[CONFIG_MAX_DISKS];
	struct initramfs_config want = {
		.kernel = c->kernel,
		.modules = c->modules,
		.root = c->root,
		.cmdline = cmdline,
		.has_initrd = c->initrd != NULL,
		.disks = paths,
		.nr_disks = c->disks.nr,
		.devices = devices(c),
		.init = arch_guest_init,
		.init_len = (size_t)(arch_guest_init_end - arch_guest_init),
		.warn = say_missing,
	};
	struct root_folder folder;
	int code = root_folder_look(&folder, c, e);

	if (code == 0)
		code = write_command(r, c, &folder, &want.command_len, e);
	want.command = r->command;
	want.share = folder.tag;
	if (code)
		return code;
	for (size_t i = 0; i < c->disks.nr; i++)
		paths[i] = disk[i].path;
	code = initramfs_make(&want, &r->initramfs, e);
	if (code == 0 && r->initramfs.words[0] &&
	    asprintf(&r->cmdline, "%s %s", cmdline, r->initramfs.words) < 0) {
		r->cmdline = NULL;
		code = err_set(e, ENOMEM, "out of memory");
	}
	return code;
}

void root_free(struct root *r)
{
	initramfs_free(&r->initramfs);
	free(r->cmdline);
	free(r->command);
	*r = (struct root)ROOT_NONE;
}
