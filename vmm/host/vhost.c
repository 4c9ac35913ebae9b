/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/host/vhost.h"

#include "vmm/base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

static int cannot_open(const char *path, const char *name, struct err *e)
{
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return err_set(e, errno,
			       "%s is not there: the host's kernel needs its module; as root: "
			       "modprobe vhost_%s",
			       path, name);
	if (errno == EACCES || errno == EPERM)
		return err_set(e, errno,
			       "%s: no permission; as root: setfacl -m u:USER:rw %s, or usermod "
			       "-aG GROUP USER with the group that it has",
			       path, path);
	return err_sys(e, "%s", path);
}

int vhost_open(const char *name, int *fd, uint64_t *features, struct err *e)
{
	char path[64];
	auto_fd int f = -1;
	__u64 can;

	(void)snprintf(path, sizeof(path), "/dev/vhost-%s", name);
	f = open(path, O_RDWR | O_CLOEXEC);
	if (f < 0)
		return cannot_open(path, name, e);
	if (ioctl(f, VHOST_SET_OWNER, NULL) || ioctl(f, VHOST_GET_FEATURES, &can))
		return err_sys(e, "%s", path);
	*features = can;
	*fd = keep_fd(&f);
	return 0;
}

int vhost_set_memory(int fd, const struct gmem *m, struct err *e)
{
	auto_free struct vhost_memory *t = calloc(1, sizeof(*t) + m->nr * sizeof(t->regions[0]));

	if (!t)
		return err_set(e, ENOMEM, "vhost: out of memory");
	for (size_t i = 0; i < m->nr; i++) {
		const struct gmem_region *g = &m->region[i];

		if (g->readonly)
			continue;
		t->regions[t->nregions++] = (struct vhost_memory_region){
			.guest_phys_addr = g->base,
			.memory_size = g->size,
			.userspace_addr = (FORCE uintptr_t)g->host,
		};
	}
	return ioctl(fd, VHOST_SET_MEM_TABLE, t) ? err_sys(e, "vhost: memory") : 0;
}

int vhost_set_features(int fd, uint64_t features)
{
	__u64 f = features;

	return ioctl(fd, VHOST_SET_FEATURES, &f) ? -errno : 0;
}

int vhost_start_ring(int fd, const struct vhost_ring *r)
{
	struct vhost_vring_state size = { .index = r->index, .num = r->size };
	struct vhost_vring_state base = { .index = r->index, .num = 0 };
	struct vhost_vring_addr at = {
		.index = r->index,
		.desc_user_addr = (FORCE uintptr_t)r->desc,
		.avail_user_addr = (FORCE uintptr_t)r->driver,
		.used_user_addr = (FORCE uintptr_t)r->device,
	};
	struct vhost_vring_file kick = { .index = r->index, .fd = r->kick_fd };
	struct vhost_vring_file call = { .index = r->index, .fd = r->call_fd };
	struct vhost_vring_file error = { .index = r->index, .fd = r->error_fd };

	if (ioctl(fd, VHOST_SET_VRING_NUM, &size) || ioctl(fd, VHOST_SET_VRING_BASE, &base) ||
	    ioctl(fd, VHOST_SET_VRING_ADDR, &at) || ioctl(fd, VHOST_SET_VRING_CALL, &call) ||
	    ioctl(fd, VHOST_SET_VRING_ERR, &error) || ioctl(fd, VHOST_SET_VRING_KICK, &kick))
		return -errno;
	return 0;
}

void vhost_stop_ring(int fd, unsigned index)
{
	struct vhost_vring_file none = { .index = index, .fd = -1 };
	struct vhost_vring_state base = { .index = index };

	/* The first waits until the kernel has left the ring. */
	(void)ioctl(fd, VHOST_SET_VRING_KICK, &none);
	(void)ioctl(fd, VHOST_GET_VRING_BASE, &base);
	(void)ioctl(fd, VHOST_SET_VRING_CALL, &none);
	(void)ioctl(fd, VHOST_SET_VRING_ERR, &none);
}
