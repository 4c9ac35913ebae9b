/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/base/io.h"

#include "vmm/base/scope.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

ssize_t io_read(int fd, void *dst, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, (char *)dst + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t io_pread(int fd, void *dst, size_t len, uint64_t at)
{
	size_t done = 0;

	while (done < len) {
		struct iovec iov = { (char *)dst + done, len - done };
		ssize_t n = preadv2(fd, &iov, 1, (off_t)(at + done), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int io_stat(int fd, struct stat *st)
{
	return fstatat(fd, "", st, AT_EMPTY_PATH);
}

int io_write(int fd, const void *src, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(fd, (const char *)src + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

void io_raise(int fd)
{
	static const uint64_t one = 1;
	const int saved = errno;

	(void)!io_write(fd, &one, sizeof(one));
	errno = saved;
}

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFCHR:
	case S_IFBLK:
		return "a device";
	case S_IFIFO:
		return "a pipe, which cannot be read a second time for a reset";
	case S_IFSOCK:
		return "a socket";
	default:
		return "of a strange kind";
	}
}

int io_open(struct io_file *f, const char *path, struct err *e)
{
	struct stat st;
	/* Without blocking: a pipe that nobody writes to is to be refused, not waited for. */
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	*f = (struct io_file){ .fd = -1 };
	if (fd < 0)
		return err_sys(e, "open %s", path);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, S_ISDIR(st.st_mode) ? EISDIR : EINVAL,
			       "%s: is %s, not a regular file", path, kind_of(st.st_mode));
	*f = (struct io_file){
		.fd = keep_fd(&fd), .name = path, .size = (uint64_t)st.st_size, .mtime = st.st_mtim
	};
	return 0;
}

void io_close(struct io_file *f)
{
	if (f->fd >= 0)
		close_quietly(f->fd);
	*f = (struct io_file){ .fd = -1 };
}

int io_refresh(struct io_file *f, bool *changed, struct err *e)
{
	struct stat st;

	*changed = false;
	if (io_stat(f->fd, &st) < 0)
		return err_sys(e, "stat %s", f->name);
	*changed = f->size != (uint64_t)st.st_size || f->mtime.tv_sec != st.st_mtim.tv_sec ||
		   f->mtime.tv_nsec != st.st_mtim.tv_nsec;
	f->size = (uint64_t)st.st_size;
	f->mtime = st.st_mtim;
	return 0;
}

int io_read_at(const struct io_file *f, uint64_t at, void *dst, size_t len, struct err *e)
{
	ssize_t n = io_pread(f->fd, dst, len, at);

	if (n < 0)
		return err_code(e, (int)-n, "read %s", f->name);
	if ((size_t)n < len)
		return err_set(e, EIO,
			       "%s: ends after %" PRIu64 " bytes where %" PRIu64 " were expected",
			       f->name, at + (uint64_t)n, at + len);
	return 0;
}

int io_load(const struct io_file *f, uint64_t at, size_t len, struct io_bytes *out, struct err *e)
{
	auto_bytes struct io_bytes b = { NULL, 0 };
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err;

	*out = (struct io_bytes){ NULL, 0 };
	if (p == MAP_FAILED)
		return err_sys(e, "%s: no memory to read %zu bytes", f->name, len);
	b = (struct io_bytes){ .data = p, .len = len };
	err = io_read_at(f, at, b.data, len, e);
	if (err)
		return err;
	*out = b;
	b.data = NULL;
	return 0;
}

void io_unload(struct io_bytes *b)
{
	if (b->data)
		(void)munmap(b->data, b->len);
	*b = (struct io_bytes){ NULL, 0 };
}
