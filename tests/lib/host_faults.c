/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/host_faults.h"

#include "tests/lib/test.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <lzma.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

/* Not an error: a part of what was asked for is done. */
#define SHORT (-1)

/* What can fail, and how. */
#define CALLS(X)                                                                                   \
	X(malloc, ENOMEM)                                                                          \
	X(calloc, ENOMEM)                                                                          \
	X(realloc, ENOMEM)                                                                         \
	X(reallocarray, ENOMEM)                                                                    \
	X(posix_memalign, ENOMEM)                                                                  \
	X(strdup, ENOMEM)                                                                          \
	X(strndup, ENOMEM)                                                                         \
	X(asprintf, ENOMEM)                                                                        \
	X(open_memstream, ENOMEM)                                                                  \
	X(fmemopen, ENOMEM)                                                                        \
	X(ZSTD_createDCtx, ENOMEM)                                                                 \
	X(inflateInit2_, ENOMEM)                                                                   \
	X(lzma_stream_decoder, ENOMEM)                                                             \
	X(realpath, ENOMEM, EACCES)                                                                \
	X(mmap, ENOMEM)                                                                            \
	X(memfd_create, EMFILE, ENOMEM)                                                            \
	X(open, EMFILE, EACCES)                                                                    \
	X(openat, EMFILE, EIO)                                                                     \
	X(fopen, EMFILE)                                                                           \
	X(opendir, EMFILE)                                                                         \
	X(fdopendir, ENOMEM)                                                                       \
	X(stat, EIO)                                                                               \
	X(lstat, EIO)                                                                              \
	X(fstat, EIO)                                                                              \
	X(fstatat, EIO)                                                                            \
	X(statx, EIO, ENOSYS)                                                                      \
	X(lseek, EIO)                                                                              \
	X(read, EIO, EINTR, SHORT)                                                                 \
	X(pread, EIO, EINTR, SHORT)                                                                \
	X(preadv2, EIO, EINTR, EAGAIN, SHORT)                                                      \
	X(readv, EIO, EAGAIN, EINTR)                                                               \
	X(write, EIO, ENOSPC, EPIPE, EINTR, SHORT)                                                 \
	X(pwritev2, EIO, ENOSPC, EDQUOT, EFBIG, EINTR, EAGAIN, SHORT)                              \
	X(writev, EIO, ENOBUFS, EAGAIN, EINTR)                                                     \
	X(fdatasync, EIO, ENOSPC)                                                                  \
	X(fallocate, EIO, ENOSPC, EOPNOTSUPP, EINTR)                                               \
	X(ftruncate, EIO, ENOSPC)                                                                  \
	X(fcntl, EINVAL, ENOLCK)                                                                   \
	X(ioctl, ENOTTY, EIO)                                                                      \
	X(eventfd, EMFILE, ENOMEM)                                                                 \
	X(epoll_create1, EMFILE, ENOMEM)                                                           \
	X(epoll_ctl, ENOMEM, ENOSPC)                                                               \
	X(epoll_wait, EINTR)                                                                       \
	X(poll, EINTR)                                                                             \
	X(socket, EMFILE)                                                                          \
	X(socketpair, EMFILE)                                                                      \
	X(bind, EADDRINUSE, EACCES)                                                                \
	X(listen, EADDRINUSE)                                                                      \
	X(connect, ECONNREFUSED)                                                                   \
	X(accept4, EMFILE, ECONNABORTED, EINTR)                                                    \
	X(shutdown, ENOTCONN)                                                                      \
	X(sendmsg, EPIPE, ECONNRESET, EAGAIN, EINTR, SHORT)                                        \
	X(recvmsg, ECONNRESET, EAGAIN, EINTR, SHORT)                                               \
	X(pipe2, EMFILE)                                                                           \
	X(fork, EAGAIN)                                                                            \
	X(posix_spawn, EAGAIN, ENOMEM)                                                             \
	X(mkdtemp, EACCES)                                                                         \
	X(mkostemp, ENOSPC)                                                                        \
	X(mkfifo, EACCES)                                                                          \
	X(pthread_create, EAGAIN)                                                                  \
	X(madvise, EAGAIN)                                                                         \
	X(getrandom, ENOSYS, EAGAIN)                                                               \
	X(sched_setscheduler, EPERM)                                                               \
	X(posix_openpt, ENOSPC)                                                                    \
	X(grantpt, EACCES)                                                                         \
	X(unlockpt, EIO)                                                                           \
	X(ptsname_r, ENOTTY)                                                                       \
	X(tcgetattr, EIO)                                                                          \
	X(tcsetattr, EIO)                                                                          \
	X(io_uring_queue_init_params, ENOMEM, EPERM, ENOSYS)                                       \
	X(io_uring_register_files, ENOMEM)                                                         \
	X(io_uring_submit, EAGAIN, EINTR, EBUSY)                                                   \
	X(io_uring_submit_and_get_events, EAGAIN, EINTR, EBUSY)                                    \
	X(io_uring_submit_and_wait, EAGAIN, EINTR)                                                 \
	X(io_uring_submit_and_wait_timeout, EAGAIN, EINTR)

#define CALL_ID(name, ...) CALL_##name,
enum faulty { CALLS(CALL_ID) NR_CALLS };

#define MAX_ERRORS	    8
#define CALL_ROW(name, ...) [CALL_##name] = { #name, { __VA_ARGS__ } },
static const struct {
	const char *name;
	int errors[MAX_ERRORS]; /* ended by 0 */
} calls[NR_CALLS] = { CALLS(CALL_ROW) };

enum { LAST_ALLOCATION = CALL_lzma_stream_decoder };

/* What is to fail; in memory that child processes share. */
static struct plan {
	int call, error;
	atomic_int left;    /* calls until then; 0: none is to fail */
	atomic_bool onward; /* all that follow, too */
	atomic_bool hit, suspended;
	void *_Atomic site; /* where it was called */
	unsigned slowest_ms;
	char slowest[200];
	_Atomic unsigned count[NR_CALLS];
	char what[200]; /* of this run, for messages */
} * plan;

void faults_suspend(bool suspend)
{
	plan->suspended = suspend;
}

bool faults_hit(void)
{
	return plan->hit;
}

const char *faults_what(void)
{
	return plan->hit ? calls[plan->call].name : "";
}

/* The error of this call; 0: it works. */
static int fault(enum faulty call, void *site)
{
	if (!plan || plan->suspended)
		return 0;
	(void)atomic_fetch_add(&plan->count[call], 1);
	if (call != (enum faulty)plan->call)
		return 0;
	if (!plan->onward || !plan->hit) {
		if (atomic_load(&plan->left) <= 0 || atomic_fetch_sub(&plan->left, 1) != 1)
			return 0;
		plan->site = site;
		plan->hit = true;
	}
	if (plan->error != SHORT)
		errno = plan->error;
	return plan->error;
}

#define SITE __builtin_return_address(0)

/* --- what is held ---------------------------------------------------------------------------- */

enum { SLOTS = 1 << 16 };

/* Memory that vmm's code has: open addressing, where one that was freed stays as a stone. */
static struct held {
	void *at, *site;
	size_t size;
} held[SLOTS];
static size_t nr_held, nr_used;
static _Atomic int64_t mapped; /* bytes */
static atomic_flag held_lock = ATOMIC_FLAG_INIT;

static void lock_held(void)
{
	while (atomic_flag_test_and_set_explicit(&held_lock, memory_order_acquire))
		(void)sched_yield();
}

static void unlock_held(void)
{
	atomic_flag_clear_explicit(&held_lock, memory_order_release);
}

static size_t slot_of(const void *at)
{
	return (size_t)((uintptr_t)at >> 4) * 40503U % SLOTS;
}

static void *hold(void *at, size_t size, void *site)
{
	size_t i = slot_of(at);

	if (!at)
		return at;
	lock_held();
	EXPECT(++nr_used < SLOTS / 2);
	while (held[i].at)
		i = (i + 1) % SLOTS;
	held[i] = (struct held){ at, site, size };
	nr_held++;
	unlock_held();
	return at;
}

/* What others allocated is not known here, and does not count. */
static void let_go(const void *at)
{
	if (!at)
		return;
	lock_held();
	for (size_t i = slot_of(at); held[i].at; i = (i + 1) % SLOTS) {
		if (held[i].at != at)
			continue;
		held[i].at = &held[i]; /* a stone */
		nr_held--;
		break;
	}
	unlock_held();
}

/* Stones are swept out while nothing else is there. */
static void sweep_stones(void)
{
	lock_held();
	if (nr_held == 0 && nr_used > SLOTS / 4) {
		memset(held, 0, sizeof(held));
		nr_used = 0;
	}
	unlock_held();
}

/* --- the calls ------------------------------------------------------------------------------- */

#define PROTOTYPE(ret, name, ...)                                                                  \
	ret faulty_##name(__VA_ARGS__);                                                            \
	ret faulty_##name(__VA_ARGS__)

PROTOTYPE(void *, malloc, size_t n)
{
	return fault(CALL_malloc, SITE) ? NULL : hold(malloc(n), n, SITE);
}

PROTOTYPE(void *, calloc, size_t n, size_t size)
{
	return fault(CALL_calloc, SITE) ? NULL : hold(calloc(n, size), n * size, SITE);
}

static void *again(void *was, size_t n, int error, void *site)
{
	void *now;

	if (error)
		return NULL;
	let_go(was);
	now = realloc(was, n);
	EXPECT(now || !n); /* the real one fails nowhere here */
	return hold(now, n, site);
}

PROTOTYPE(void *, realloc, void *was, size_t n)
{
	return again(was, n, fault(CALL_realloc, SITE), SITE);
}

PROTOTYPE(void *, reallocarray, void *was, size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all))
		return reallocarray(was, n, size);
	return again(was, all, fault(CALL_reallocarray, SITE), SITE);
}

PROTOTYPE(int, posix_memalign, void **at, size_t align, size_t n)
{
	int error = fault(CALL_posix_memalign, SITE);

	if (!error)
		error = posix_memalign(at, align, n);
	if (!error)
		(void)hold(*at, n, SITE);
	return error;
}

PROTOTYPE(char *, strdup, const char *s)
{
	return fault(CALL_strdup, SITE) ? NULL : hold(strdup(s), strlen(s) + 1, SITE);
}

PROTOTYPE(char *, strndup, const char *s, size_t n)
{
	return fault(CALL_strndup, SITE) ? NULL : hold(strndup(s, n), n, SITE);
}

int faulty_asprintf(char **out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int faulty_asprintf(char **out, const char *fmt, ...)
{
	va_list va;
	int n;

	if (fault(CALL_asprintf, SITE))
		return -1;
	va_start(va, fmt);
	n = vasprintf(out, fmt, va);
	va_end(va);
	if (n >= 0)
		(void)hold(*out, (size_t)n + 1, SITE);
	return n;
}

int faulty_vasprintf(char **out, const char *fmt, va_list va) __attribute__((format(printf, 2, 0)));
int faulty_vasprintf(char **out, const char *fmt, va_list va)
{
	int n = fault(CALL_asprintf, SITE) ? -1 : vasprintf(out, fmt, va);

	if (n >= 0)
		(void)hold(*out, (size_t)n + 1, SITE);
	return n;
}

PROTOTYPE(void, free, void *at)
{
	let_go(at);
	free(at);
}

void faults_free(void *at)
{
	faulty_free(at);
}

PROTOTYPE(void *, mmap, void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	void *p = fault(CALL_mmap, SITE) ? MAP_FAILED : mmap(at, len, prot, flags, fd, off);

	if (p != MAP_FAILED && !(flags & MAP_FIXED))
		(void)atomic_fetch_add(&mapped, (int64_t)len);
	return p;
}

PROTOTYPE(int, munmap, void *at, size_t len)
{
	int result = munmap(at, len);

	if (result == 0)
		(void)atomic_fetch_sub(&mapped, (int64_t)len);
	return result;
}

PROTOTYPE(char *, realpath, const char *path, char *to)
{
	char *got;

	if (fault(CALL_realpath, SITE))
		return NULL;
	got = realpath(path, to);
	return got && !to ? hold(got, strlen(got) + 1, SITE) : got;
}

PROTOTYPE(int, open, const char *path, int flags, ...)
{
	va_list va;
	mode_t mode;

	va_start(va, flags);
	mode = va_arg(va, mode_t);
	va_end(va);
	return fault(CALL_open, SITE) ? -1 : open(path, flags, mode);
}

PROTOTYPE(int, openat, int dir, const char *path, int flags, ...)
{
	va_list va;
	mode_t mode;

	va_start(va, flags);
	mode = va_arg(va, mode_t);
	va_end(va);
	return fault(CALL_openat, SITE) ? -1 : openat(dir, path, flags, mode);
}

PROTOTYPE(int, fcntl, int fd, int command, ...)
{
	va_list va;
	void *arg;

	va_start(va, command);
	arg = va_arg(va, void *);
	va_end(va);
	return fault(CALL_fcntl, SITE) ? -1 : fcntl(fd, command, arg);
}

PROTOTYPE(int, ioctl, int fd, unsigned long request, ...)
{
	va_list va;
	void *arg;

	va_start(va, request);
	arg = va_arg(va, void *);
	va_end(va);
	return fault(CALL_ioctl, SITE) ? -1 : ioctl(fd, request, arg);
}

/* Of a part, one byte is done. */
static size_t part(size_t len)
{
	return len ? 1 : 0;
}

/* The count of an eventfd, and what a signalfd has, is moved whole, or would have to be waited for.
 */
static bool moves_whole(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == 0;
}

PROTOTYPE(ssize_t, read, int fd, void *to, size_t len)
{
	int error = moves_whole(fd) ? 0 : fault(CALL_read, SITE);

	return error && error != SHORT ? -1 : read(fd, to, error ? part(len) : len);
}

PROTOTYPE(ssize_t, write, int fd, const void *from, size_t len)
{
	int error = moves_whole(fd) ? 0 : fault(CALL_write, SITE);

	return error && error != SHORT ? -1 : write(fd, from, error ? part(len) : len);
}

PROTOTYPE(ssize_t, pread, int fd, void *to, size_t len, off_t at)
{
	int error = fault(CALL_pread, SITE);

	return error && error != SHORT ? -1 : pread(fd, to, error ? part(len) : len, at);
}

static struct iovec first_part(const struct iovec *iov, int n)
{
	return n ? (struct iovec){ iov->iov_base, part(iov->iov_len) } : (struct iovec){ NULL, 0 };
}

PROTOTYPE(ssize_t, preadv2, int fd, const struct iovec *iov, int n, off_t at, int flags)
{
	const int error = fault(CALL_preadv2, SITE);
	const struct iovec some = first_part(iov, n);

	if (error && error != SHORT)
		return -1;
	return error ? preadv2(fd, &some, 1, at, flags) : preadv2(fd, iov, n, at, flags);
}

PROTOTYPE(ssize_t, pwritev2, int fd, const struct iovec *iov, int n, off_t at, int flags)
{
	const int error = fault(CALL_pwritev2, SITE);
	const struct iovec some = first_part(iov, n);

	if (error && error != SHORT)
		return -1;
	return error ? pwritev2(fd, &some, 1, at, flags) : pwritev2(fd, iov, n, at, flags);
}

static bool is_stream(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

/* A message cut short, as a stream does it: the first byte only, with what comes along. */
static struct msghdr first_byte(const struct msghdr *m, struct iovec *some)
{
	struct msghdr cut = *m;

	*some = first_part(m->msg_iov, m->msg_iovlen ? 1 : 0);
	cut.msg_iov = some;
	cut.msg_iovlen = 1;
	return cut;
}

PROTOTYPE(ssize_t, sendmsg, int fd, const struct msghdr *m, int flags)
{
	int error = fault(CALL_sendmsg, SITE);
	struct iovec some;
	struct msghdr cut;

	if (error != SHORT || !is_stream(fd))
		return error && error != SHORT ? -1 : sendmsg(fd, m, flags);
	cut = first_byte(m, &some);
	return sendmsg(fd, &cut, flags);
}

PROTOTYPE(ssize_t, recvmsg, int fd, struct msghdr *m, int flags)
{
	int error = fault(CALL_recvmsg, SITE);
	struct iovec some;
	struct msghdr cut;
	ssize_t n;

	if (error != SHORT || !is_stream(fd))
		return error && error != SHORT ? -1 : recvmsg(fd, m, flags);
	cut = first_byte(m, &some);
	n = recvmsg(fd, &cut, flags);
	m->msg_controllen = cut.msg_controllen;
	m->msg_flags = cut.msg_flags;
	return n;
}

/* It takes memory to add one, and for nothing else. */
PROTOTYPE(int, epoll_ctl, int epoll, int op, int fd, struct epoll_event *ev)
{
	if (op == EPOLL_CTL_ADD && fault(CALL_epoll_ctl, SITE))
		return -1;
	return epoll_ctl(epoll, op, fd, ev);
}

/* All others are alike. */
#define PLAIN(ret, name, params, args, failed)                                                     \
	ret faulty_##name params;                                                                  \
	ret faulty_##name params                                                                   \
	{                                                                                          \
		const int error = fault(CALL_##name, SITE);                                        \
                                                                                                   \
		return error ? (failed) : name args;                                               \
	}
#define INT(name, params, args)	  PLAIN(int, name, params, args, -1)
#define CODE(name, params, args)  PLAIN(int, name, params, args, error)
#define MINUS(name, params, args) PLAIN(int, name, params, args, -error)

PLAIN(FILE *, open_memstream, (char **at, size_t *size), (at, size), NULL)
PLAIN(FILE *, fmemopen, (void *at, size_t size, const char *mode), (at, size, mode), NULL)
PLAIN(FILE *, fopen, (const char *path, const char *mode), (path, mode), NULL)
PLAIN(DIR *, opendir, (const char *path), (path), NULL)
PLAIN(DIR *, fdopendir, (int fd), (fd), NULL)
PLAIN(ZSTD_DCtx *, ZSTD_createDCtx, (void), (), NULL)
PLAIN(int, inflateInit2_, (z_stream * z, int bits, const char *version, int size),
      (z, bits, version, size), Z_MEM_ERROR)
PLAIN(lzma_ret, lzma_stream_decoder, (lzma_stream * s, uint64_t limit, uint32_t flags),
      (s, limit, flags), LZMA_MEM_ERROR)
PLAIN(off_t, lseek, (int fd, off_t off, int whence), (fd, off, whence), -1)
PLAIN(ssize_t, readv, (int fd, const struct iovec *iov, int n), (fd, iov, n), -1)
PLAIN(ssize_t, writev, (int fd, const struct iovec *iov, int n), (fd, iov, n), -1)
PLAIN(ssize_t, getrandom, (void *to, size_t len, unsigned flags), (to, len, flags), -1)
PLAIN(char *, mkdtemp, (char *path), (path), NULL)
INT(memfd_create, (const char *name, unsigned flags), (name, flags))
INT(stat, (const char *path, struct stat *st), (path, st))
INT(lstat, (const char *path, struct stat *st), (path, st))
INT(fstat, (int fd, struct stat *st), (fd, st))
INT(fstatat, (int fd, const char *path, struct stat *st, int flags), (fd, path, st, flags))
INT(statx, (int fd, const char *path, int flags, unsigned mask, struct statx *st),
    (fd, path, flags, mask, st))
INT(fdatasync, (int fd), (fd))
INT(fallocate, (int fd, int mode, off_t at, off_t len), (fd, mode, at, len))
INT(ftruncate, (int fd, off_t len), (fd, len))
INT(eventfd, (unsigned count, int flags), (count, flags))
INT(epoll_create1, (int flags), (flags))
INT(epoll_wait, (int epoll, struct epoll_event *ev, int n, int ms), (epoll, ev, n, ms))
INT(poll, (struct pollfd * at, nfds_t n, int ms), (at, n, ms))
INT(socket, (int domain, int type, int protocol), (domain, type, protocol))
INT(socketpair, (int domain, int type, int protocol, int fd[2]), (domain, type, protocol, fd))
INT(bind, (int fd, const struct sockaddr *at, socklen_t len), (fd, at, len))
INT(listen, (int fd, int backlog), (fd, backlog))
INT(connect, (int fd, const struct sockaddr *at, socklen_t len), (fd, at, len))
INT(accept4, (int fd, struct sockaddr *at, socklen_t *len, int flags), (fd, at, len, flags))
INT(shutdown, (int fd, int how), (fd, how))
INT(pipe2, (int fd[2], int flags), (fd, flags))
INT(fork, (void), ())
INT(mkostemp, (char *path, int flags), (path, flags))
INT(mkfifo, (const char *path, mode_t mode), (path, mode))
INT(madvise, (void *at, size_t len, int advice), (at, len, advice))
INT(sched_setscheduler, (pid_t pid, int policy, const struct sched_param *p), (pid, policy, p))
INT(posix_openpt, (int flags), (flags))
INT(grantpt, (int fd), (fd))
INT(unlockpt, (int fd), (fd))
INT(tcgetattr, (int fd, struct termios *t), (fd, t))
INT(tcsetattr, (int fd, int how, const struct termios *t), (fd, how, t))
CODE(ptsname_r, (int fd, char *to, size_t size), (fd, to, size))
CODE(pthread_create,
     (pthread_t * id, const pthread_attr_t *attr, void *(*run)(void *arg), void *arg),
     (id, attr, run, arg))
CODE(posix_spawn,
     (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
      const posix_spawnattr_t *attr, char *const argv[], char *const env[]),
     (pid, path, actions, attr, argv, env))
MINUS(io_uring_queue_init_params, (unsigned n, struct io_uring *r, struct io_uring_params *p),
      (n, r, p))
MINUS(io_uring_register_files, (struct io_uring * r, const int *fds, unsigned n), (r, fds, n))
MINUS(io_uring_submit, (struct io_uring * r), (r))
MINUS(io_uring_submit_and_get_events, (struct io_uring * r), (r))
MINUS(io_uring_submit_and_wait, (struct io_uring * r, unsigned n), (r, n))
MINUS(io_uring_submit_and_wait_timeout,
      (struct io_uring * r, struct io_uring_cqe **cqe, unsigned n, struct __kernel_timespec *t,
       sigset_t *mask),
      (r, cqe, n, t, mask))

/* --- runs ------------------------------------------------------------------------------------ */

enum {
	RUN_S = 20,	  /* a run that takes longer hangs */
	EVERY = 64,	  /* of a call's first so many, each fails; */
	EVERY_WAIT = 4,	  /* of a loop's waiting, which is one place, fewer; */
	STEP = 17,	  /* of those behind, only each so-manieth: they are a loop's */
	SETTLE_MS = 2000, /* until what ended is gone */
};

struct holding {
	unsigned fds, threads;
	size_t pieces;
	int64_t mapped;
	bool children;
};

static void look(struct holding *h)
{
	h->fds = test_entries("/proc/self/fd");
	h->threads = test_entries("/proc/self/task");
	h->pieces = nr_held;
	h->mapped = mapped;
	h->children = waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;
}

static bool more(const struct holding *now, const struct holding *before)
{
	return now->fds != before->fds || now->threads != before->threads ||
	       now->pieces != before->pieces || now->mapped != before->mapped || now->children;
}

static void expect_nothing_more(const struct holding *before)
{
	struct holding now;

	for (unsigned ms = 0;; ms++) {
		look(&now);
		if (!more(&now, before))
			return;
		if (ms == SETTLE_MS || now.pieces != before->pieces)
			break;
		(void)usleep(1000);
	}
	for (size_t i = 0; i < SLOTS; i++)
		if (held[i].at && held[i].at != &held[i])
			(void)fprintf(stderr, "still there: %zu bytes, made at %p\n", held[i].size,
				      held[i].site);
	test_fail(__FILE__, __LINE__,
		  "left behind: %d descriptors, %d threads, %d pieces of memory, %lld bytes "
		  "mapped%s",
		  (int)now.fds - (int)before->fds, (int)now.threads - (int)before->threads,
		  (int)(now.pieces - before->pieces), (long long)(now.mapped - before->mapped),
		  now.children ? ", a child process" : "");
}

/* One sentence, and a reason. */
static void expect_sentence(int code, const struct err *e)
{
	EXPECT(code < 0);
	EXPECT(e->text[0] != '\0');
	EXPECT(!strchr(e->text, '\n'));
	if (strstr(e->text, "Success") || strstr(e->text, "Unknown error"))
		test_fail(__FILE__, __LINE__, "it says \"%s\"", e->text);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Whether the call was there to fail. */
static bool run(int (*scenario)(struct err *e), const struct holding *before)
{
	struct err e = { 0 };
	uint64_t begin;
	unsigned ms;
	int code;

	sweep_stones();
	/* What is said is of interest only when the run fails. */
	(void)!ftruncate(STDERR_FILENO, 0);
	(void)lseek(STDERR_FILENO, 0, SEEK_SET);
	(void)alarm(RUN_S);
	begin = now_ms();
	code = scenario(&e);
	ms = (unsigned)(now_ms() - begin);
	if (ms > plan->slowest_ms) {
		plan->slowest_ms = ms;
		memcpy(plan->slowest, plan->what, sizeof(plan->slowest));
	}
	plan->left = 0;
	plan->onward = false;
	if (code)
		expect_sentence(code, &e);
	if (!plan->hit && code)
		test_fail(__FILE__, __LINE__, "nothing failed, and it says \"%s\"", e.text);
	expect_nothing_more(before);
	(void)alarm(0);
	return plan->hit;
}

static bool fail_one(int (*scenario)(struct err *e), const struct holding *before, int call,
		     int error, int nth, bool onward)
{
	plan->call = call;
	plan->error = error;
	plan->hit = plan->suspended = false;
	plan->onward = onward;
	plan->left = nth;
	(void)snprintf(plan->what, sizeof(plan->what), "%s() number %d%s: %s", calls[call].name,
		       nth, onward ? " and all that follow" : "",
		       error == SHORT ? "a part" : strerror(error));
	return run(scenario, before);
}

/* Each of the calls of a kind. */
static unsigned fail_each(int (*scenario)(struct err *e), const struct holding *before, int call,
			  int error, bool onward)
{
	unsigned n = 0;

	for (int nth = 1; fail_one(scenario, before, call, error, nth, onward); n++)
		nth += nth < (call == CALL_epoll_wait ? EVERY_WAIT : EVERY) ? 1 : STEP;
	return n;
}

static unsigned sweep(int (*scenario)(struct err *e))
{
	struct holding before;
	bool there[NR_CALLS];
	unsigned n = 0;

	plan->call = -1;
	(void)snprintf(plan->what, sizeof(plan->what), "nothing");
	look(&before);
	(void)run(scenario, &before); /* what is made once and stays is there now */
	look(&before);
	memset(plan->count, 0, sizeof(plan->count));
	(void)run(scenario, &before);
	for (int call = 0; call < NR_CALLS; call++)
		there[call] = plan->count[call] != 0;
	for (int call = 0; call < NR_CALLS; call++) {
		if (!there[call])
			continue;
		for (const int *error = calls[call].errors; *error; error++)
			n += fail_each(scenario, &before, call, *error, false);
		if (call <= LAST_ALLOCATION)
			n += fail_each(scenario, &before, call, ENOMEM, true);
	}
	return n;
}

/* What was said, and the lines of the places. */
static void explain(int said)
{
	char line[600];
	Dl_info where;

	(void)printf("    this failed: %s\n", plan->what);
	(void)fflush(stdout);
	if (plan->site && dladdr(plan->site, &where)) {
		(void)snprintf(line, sizeof(line),
			       "addr2line -pfe /proc/%d/exe %#tx | sed 's/^/    at /'",
			       (int)getpid(), (char *)plan->site - (char *)where.dli_fbase - 1);
		(void)!system(line);
	}
	for (ssize_t n; (n = read(said, line, sizeof(line))) > 0;)
		(void)fwrite(line, 1, (size_t)n, stdout);
	(void)fflush(stdout);
}

void faults_sweep(int (*scenario)(struct err *e))
{
	const int said = memfd_create("stderr", MFD_CLOEXEC);
	int status;
	pid_t pid;

	plan = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	EXPECT(said >= 0 && plan != MAP_FAILED);
	pid = fork();
	EXPECT(pid >= 0);
	if (pid == 0) {
		unsigned n;

		(void)dup2(said, STDERR_FILENO);
		(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
		n = sweep(scenario);
		EXPECT(n != 0);
		(void)printf("    %u calls failed; the longest run took %u ms: %s\n", n,
			     plan->slowest_ms, plan->slowest);
		exit(0);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	(void)lseek(said, 0, SEEK_SET);
	explain(said);
	if (WIFSIGNALED(status))
		test_fail(__FILE__, __LINE__, "ended by signal %d%s", WTERMSIG(status),
			  WTERMSIG(status) == SIGALRM ? ": it hung" : "");
	test_fail(__FILE__, __LINE__, "status %d", WEXITSTATUS(status));
}
