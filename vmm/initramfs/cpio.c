/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/initramfs/cpio.h"

#include "vmm/base/io.h"
#include "vmm/base/scope.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* The magic number and thirteen fields of eight digits. */
enum { HEADER = 6 + 13 * 8, ALIGN = 4, NAME_MAX_LEN = 255 };

struct entry {
	const char *name;
	unsigned mode, major, minor;
	const void *data;
	size_t len;
};

static int put(struct cpio *c, const void *bytes, size_t len, struct err *e)
{
	int code = io_write(c->fd, bytes, len);

	if (code)
		return err_code(e, -code, "initramfs: write");
	c->size += len;
	return 0;
}

static int pad(struct cpio *c, struct err *e)
{
	static const char zeroes[ALIGN];

	return put(c, zeroes, -c->size % ALIGN, e);
}

static int put_entry(struct cpio *c, const struct entry *n, struct err *e)
{
	char head[HEADER + NAME_MAX_LEN + 1];
	size_t name_len = strlen(n->name);
	int code;

	if (name_len > NAME_MAX_LEN)
		return err_set(e, ENAMETOOLONG, "initramfs: a name of %zu bytes", name_len);
	if (n->len > UINT32_MAX)
		return err_set(e, EFBIG, "initramfs: %s: %zu bytes do not fit into the archive",
			       n->name, n->len);
	/* ino mode uid gid nlink mtime size dev(2) rdev(2) namesize check */
	(void)snprintf(head, sizeof(head),
		       "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s", ++c->ino,
		       n->mode, 0U, 0U, 1U, 0U, (unsigned)n->len, 0U, 0U, n->major, n->minor,
		       (unsigned)name_len + 1, 0U, n->name);
	code = put(c, head, HEADER + name_len + 1, e);
	if (code == 0)
		code = pad(c, e);
	if (code == 0)
		code = put(c, n->data, n->len, e);
	return code ? code : pad(c, e);
}

int cpio_create(struct cpio *c, struct err *e)
{
	*c = (struct cpio){ .fd = memfd_create("initramfs", MFD_CLOEXEC) };
	return c->fd < 0 ? err_sys(e, "initramfs: memfd_create") : 0;
}

int cpio_dir(struct cpio *c, const char *name, unsigned mode, struct err *e)
{
	return put_entry(c, &(struct entry){ .name = name, .mode = S_IFDIR | mode }, e);
}

int cpio_file(struct cpio *c, const char *name, unsigned mode, const void *data, size_t len,
	      struct err *e)
{
	return put_entry(
		c,
		&(struct entry){ .name = name, .mode = S_IFREG | mode, .data = data, .len = len },
		e);
}

int cpio_link(struct cpio *c, const char *name, const char *target, struct err *e)
{
	return put_entry(c,
			 &(struct entry){ .name = name,
					  .mode = S_IFLNK | 0777,
					  .data = target,
					  .len = strlen(target) },
			 e);
}

int cpio_node(struct cpio *c, const char *name, unsigned mode, unsigned major, unsigned minor,
	      struct err *e)
{
	return put_entry(
		c,
		&(struct entry){
			.name = name, .mode = S_IFCHR | mode, .major = major, .minor = minor },
		e);
}

int cpio_finish(struct cpio *c, int *fd, struct err *e)
{
	int code = put_entry(c, &(struct entry){ .name = "TRAILER!!!" }, e);

	if (code)
		return code;
	*fd = keep_fd(&c->fd);
	return 0;
}

void cpio_destroy(struct cpio *c)
{
	close_quietly(c->fd);
	c->fd = -1;
}
