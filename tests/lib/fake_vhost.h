/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vhost device of a kernel that only notes what it is told, in place of open() and ioctl(). One
 * device; include it in one file of a test program.
 */
#ifndef TESTS_LIB_FAKE_VHOST_H
#define TESTS_LIB_FAKE_VHOST_H

#include "devices/virtio/virtio.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the kernel was told. */
static struct {
	const char *path; /* that may be opened */
	bool opened;
	unsigned owners, memories, running, starts;
	unsigned nregions;
	struct vhost_memory_region region[8];
	uint64_t can; /* beside what all do */
	uint64_t features, cid;
	struct vhost_vring_addr at[2];
	unsigned num[2], base[2];
	int kick[2], call[2], err[2];
	int backend[2];	      /* vhost-net */
	unsigned long refuse; /* an ioctl, with this error */
	int with;
	int open_error;
} k;

/* In place of the C library's. */
int open(const char *path, int flags, ...)
{
	if (!k.path || strcmp(path, k.path) != 0)
		return (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0); /* a sanitizer's */
	EXPECT_EQ(flags, O_RDWR | O_CLOEXEC);
	if (k.open_error) {
		errno = k.open_error;
		return -1;
	}
	k.opened = true;
	return eventfd(0, EFD_CLOEXEC);
}

static int told(unsigned long what, void *p)
{
	const struct vhost_vring_state *s = p;
	const struct vhost_vring_file *f = p;
	const struct vhost_memory *m = p;

	switch (what) {
	case VHOST_SET_OWNER:
		k.owners++;
		break;
	case VHOST_GET_FEATURES:
		*(uint64_t *)p =
			VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) |
			VIRTIO_BIT(VIRTIO_F_EVENT_IDX) | k.can | VIRTIO_BIT(VHOST_F_LOG_ALL);
		break;
	case VHOST_SET_FEATURES:
		k.features = *(uint64_t *)p;
		break;
	case VHOST_SET_MEM_TABLE:
		k.memories++;
		k.nregions = m->nregions;
		memcpy(k.region, m->regions, m->nregions * sizeof(k.region[0]));
		break;
	case VHOST_SET_VRING_NUM:
		k.num[s->index] = s->num;
		break;
	case VHOST_SET_VRING_BASE:
		EXPECT(!k.running);
		k.base[s->index] = s->num;
		break;
	case VHOST_GET_VRING_BASE:
		EXPECT(!k.running && k.backend[s->index] <= 0);
		break;
	case VHOST_SET_VRING_ADDR:
		k.at[((struct vhost_vring_addr *)p)->index] = *(struct vhost_vring_addr *)p;
		break;
	case VHOST_SET_VRING_KICK:
		k.kick[f->index] = f->fd;
		break;
	case VHOST_SET_VRING_CALL:
		k.call[f->index] = f->fd;
		break;
	case VHOST_SET_VRING_ERR:
		k.err[f->index] = f->fd;
		break;
	case VHOST_NET_SET_BACKEND:
		EXPECT(f->fd < 0 || k.kick[f->index] >= 0);
		k.backend[f->index] = f->fd;
		break;
	case VHOST_VSOCK_SET_GUEST_CID:
		k.cid = *(uint64_t *)p;
		break;
	case VHOST_VSOCK_SET_RUNNING:
		EXPECT(k.kick[0] >= 0 && k.kick[1] >= 0);
		k.running = *(int *)p != 0;
		k.starts += k.running;
		break;
	default:
		test_fail(__FILE__, __LINE__, "ioctl 0x%lx", what);
	}
	return 0;
}

/* What ends something is never refused. */
static bool ends(unsigned long what, const void *p)
{
	const struct vhost_vring_file *f = p;

	return what == VHOST_VSOCK_SET_RUNNING ? *(const int *)p == 0
	       : what == VHOST_NET_SET_BACKEND ? f->fd < 0
					       : what == VHOST_SET_VRING_KICK && f->fd < 0;
}

int ioctl(int fd UNUSED, unsigned long what, ...)
{
	va_list ap;
	void *p;

	va_start(ap, what);
	p = va_arg(ap, void *);
	va_end(ap);
	if (what == k.refuse && !ends(what, p)) {
		errno = k.with;
		return -1;
	}
	return told(what, p);
}

static UNUSED void signal_fd(int fd)
{
	uint64_t one = 1;

	EXPECT_EQ(write(fd, &one, sizeof(one)), sizeof(one));
}

#endif
