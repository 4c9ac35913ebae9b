/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/guest/base.h"

#include <sys/ioctl.h>
#include <sys/mount.h>
#include <time.h>

void *memset(void *at, int value, size_t len);
void *memcpy(void *to, const void *from, size_t len);

/* The compiler may ask for these two. */
void *memset(void *at, int value, size_t len)
{
	for (char *p = at; len; len--)
		*p++ = (char)value;
	return at;
}

void *memcpy(void *to, const void *from, size_t len)
{
	const char *f = from;

	for (char *p = to; len; len--)
		*p++ = *f++;
	return to;
}

/* --- the kernel --------------------------------------------------------------------------------
 */

long call5(long nr, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e)
{
	register uintptr_t x0 __asm__("x0") = a;
	register uintptr_t x1 __asm__("x1") = b;
	register uintptr_t x2 __asm__("x2") = c;
	register uintptr_t x3 __asm__("x3") = d;
	register uintptr_t x4 __asm__("x4") = e;
	register long x8 __asm__("x8") = nr;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x8)
			 : "memory", "cc");
	return (long)x0;
}

int open_at(const char *path, int flags)
{
	return (int)call5(SYS_openat, (uintptr_t)AT_FDCWD, P(path), (uintptr_t)flags, 0, 0);
}

void close_fd(int fd)
{
	(void)call5(SYS_close, (uintptr_t)fd, 0, 0, 0, 0);
}

void make_dir(const char *path)
{
	(void)call5(SYS_mkdirat, (uintptr_t)AT_FDCWD, P(path), 0755, 0, 0);
}

void remove_file(const char *path)
{
	(void)call5(SYS_unlinkat, (uintptr_t)AT_FDCWD, P(path), 0, 0, 0);
}

void remove_dir(const char *path)
{
	(void)call5(SYS_unlinkat, (uintptr_t)AT_FDCWD, P(path), AT_REMOVEDIR, 0, 0);
}

long mount_at(const char *what, const char *where, const char *type, unsigned long flags,
	      const char *options)
{
	return call5(SYS_mount, P(what), P(where), P(type), flags, P(options));
}

void unmount(const char *where)
{
	(void)call5(SYS_umount2, P(where), MNT_DETACH, 0, 0, 0);
}

void sleep_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)call5(SYS_nanosleep, P(&t), 0, 0, 0, 0);
}

long now_ms(void)
{
	struct timespec t = { 0 };

	(void)call5(SYS_clock_gettime, CLOCK_MONOTONIC, P(&t), 0, 0, 0);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

long read_file(const char *path, char *buf, size_t size)
{
	int fd = open_at(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	if (fd < 0)
		return fd;
	while (len < size - 1) {
		long n = call5(SYS_read, (uintptr_t)fd, P(buf + len), size - 1 - len, 0, 0);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	close_fd(fd);
	buf[len] = '\0';
	return (long)len;
}

/* --- text ------------------------------------------------------------------------------------ */

size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

unsigned long number(const char *s)
{
	unsigned long v = 0;

	for (; *s >= '0' && *s <= '9' && v < 1000000; s++)
		v = v * 10 + (unsigned long)(*s - '0');
	return v;
}

void add(struct line *l, const char *s)
{
	while (*s && l->len < sizeof(l->s) - 1)
		l->s[l->len++] = *s++;
	l->s[l->len] = '\0';
}

void add_number(struct line *l, unsigned long v)
{
	char digits[21];
	size_t at = sizeof(digits) - 1;

	digits[at] = '\0';
	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	add(l, digits + at);
}

const char *join(struct line *l, const char *const *pieces)
{
	l->len = 0;
	l->s[0] = '\0';
	for (; *pieces; pieces++)
		add(l, *pieces);
	return l->s;
}

void write_text(int fd, const char *s)
{
	(void)call5(SYS_write, (uintptr_t)fd, P(s), length(s), 0, 0);
}

/* How long the kernel stands still after a panic; kept open, for /proc may be gone by then. */
static int panic_timeout = -1;

void keep_panic_timeout(void)
{
	panic_timeout = open_at("/proc/sys/kernel/panic", O_RDWR | O_CLOEXEC);
}

/* Without a time that the user gave it would be for ever, and no one would know. */
static void shorten_panic(void)
{
	char now[2] = { 0 };

	if (panic_timeout < 0)
		return;
	(void)call5(SYS_pread64, (uintptr_t)panic_timeout, P(now), sizeof(now), 0, 0);
	if (now[0] == '0')
		(void)call5(SYS_pwrite64, (uintptr_t)panic_timeout, P("-1"), 2, 0, 0);
}

/*
 * The kernel panics when its first program ends, and says so at once, in the middle of what the
 * terminal has not put out yet: so that goes first.
 */
_Noreturn void give_up(void)
{
	(void)call5(SYS_ioctl, 1, TCSBRK, 1, 0, 0);
	shorten_panic();
	for (;;)
		(void)call5(SYS_exit_group, 1, 0, 0, 0, 0);
}

const char *why(struct line *l, long error)
{
	switch (-error) {
	case ENOEXEC:
		return "not for this kernel";
	case ENOENT:
		return "not found, or something it needs is not";
	case EACCES:
	case EPERM:
		return "not allowed";
	case ENODEV:
		return "the kernel does not know its kind";
	case EINVAL:
		return "the kernel finds it invalid";
	case EROFS:
		return "it would have to be written, and cannot be";
	case EIO:
		return "input/output error";
	case EBUSY:
		return "in use";
	case ENOMEM:
		return "out of memory";
	case EKEYREJECTED:
	case ENOKEY:
		return "its signature is refused";
	default:
		l->len = 0;
		add(l, "error ");
		add_number(l, (unsigned long)-error);
		return l->s;
	}
}

/* --- folders --------------------------------------------------------------------------------- */

struct dirent_head {
	uint64_t ino;
	int64_t off;
	uint16_t len;
	uint8_t type;
	char name[];
};

long each_name(const char *folder, long (*each)(void *ctx, const char *name), void *ctx)
{
	static char buf[4096] __attribute__((aligned(8)));
	int fd = open_at(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long n, answer = 0;

	while (answer == 0 && fd >= 0 &&
	       (n = call5(SYS_getdents64, (uintptr_t)fd, P(buf), sizeof(buf), 0, 0)) > 0) {
		for (long at = 0; answer == 0 && at < n;) {
			const struct dirent_head *d = (const void *)(buf + at);

			at += d->len;
			if (d->name[0] != '.')
				answer = each(ctx, d->name);
		}
	}
	if (fd >= 0)
		close_fd(fd);
	return answer;
}
