/* SPDX-License-Identifier: Apache-2.0 */
/* The console as a file, or any path that takes bytes: a FIFO, a serial port. Nothing to read. */
#include "vmm/host/chardev_back.h"
#include "vmm/host/hostfd.h"

#include <errno.h>

struct file {
	struct chardev c;
	struct hostfd out;
};

static size_t file_read(struct chardev *c UNUSED, void *to UNUSED, size_t len UNUSED)
{
	return 0;
}

static size_t file_write(struct chardev *c, const struct iovec *iov, int spans)
{
	struct file *f = container_of(c, struct file, c);
	ssize_t n = hostfd_write(&f->out, iov, spans);

	if (n == -EAGAIN)
		return 0;
	if (n < 0)
		return chardev_write_failed(c, (int)-n, iov, spans);
	chardev_written(c);
	return (size_t)n;
}

static void file_want(struct chardev *c)
{
	struct file *f = container_of(c, struct file, c);

	/* A regular file that took a part is asked again: it takes more, or says why not. */
	if (!hostfd_watch(&f->out, c->loop, c->want_out ? EPOLLOUT : 0) && c->want_out)
		loop_post(c->loop, &c->output);
}

static void file_ready(struct watch *w, uint32_t events UNUSED)
{
	chardev_output(&container_of(w, struct file, out.watch)->c);
}

static void file_destroy(struct chardev *c)
{
	struct file *f = container_of(c, struct file, c);

	chardev_flush(c);
	hostfd_close(&f->out);
	chardev_done(c);
	free(f);
}

static const struct chardev_ops file_ops = {
	.read = file_read,
	.write = file_write,
	.want = file_want,
	.destroy = file_destroy,
};

struct chardev *chardev_file(const char *path, struct loop *l, struct err *e)
{
	struct file *f = calloc(1, sizeof(*f));

	if (!f) {
		(void)err_set(e, ENOMEM, "%s: out of memory", path);
		return NULL;
	}
	if (hostfd_create(&f->out, path, e)) {
		free(f);
		return NULL;
	}
	if (chardev_init(&f->c, &file_ops, path, 1, l, e)) {
		hostfd_close(&f->out);
		free(f);
		return NULL;
	}
	f->out.watch.ready = file_ready;
	f->c.out_fd = f->out.fd;
	return &f->c;
}
