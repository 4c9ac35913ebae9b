/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/host/terminal.h"
#include "vmm/base/io.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The terminal that is raw, -1 for none. Whoever makes it -1 restores; release pairs with that. */
static atomic_int raw_fd = -1;
static struct termios saved; /* written while raw_fd is -1, by the loop thread */

/*
 * A PID namespace has no numbers for process groups that began outside: ours is 0, and so is any
 * that is in the foreground. But /proc has those of the namespace that it was mounted for.
 */
static atomic_bool front_by_stat = true; /* as it said last */

static bool stat_says_front(void)
{
	static int fd = -1;
	static bool opened;
	int group, front;
	char line[256];
	ssize_t n;

	if (!opened)
		fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	opened = true;
	n = fd < 0 ? -EBADF : io_pread(fd, line, sizeof(line) - 1, 0);
	if (n < 0)
		return true;
	line[n] = '\0';
	/* Number, name in parentheses, state, parent, group, session, terminal, its foreground. */
	return sscanf(line, "%*d (%*[^)]) %*c %*d %d %*d %*d %d", &group, &front) != 2 ||
	       group == front;
}

/* @by_stat: what is in the foreground where we cannot know it otherwise. */
static bool is_ours(int fd, bool (*by_stat)(void))
{
	/* A shell moves its children before they are programs, and not again. */
	static pid_t group = -1;
	pid_t front = tcgetpgrp(fd);

	if (group < 0)
		group = getpgrp();
	if (front < 0)
		return true;
	return front || group ? front == group : by_stat();
}

static bool look_at_stat(void)
{
	const bool is = stat_says_front();

	atomic_store_explicit(&front_by_stat, is, memory_order_relaxed);
	return is;
}

/* A thread that crashes may not ask, and had better not. */
static bool last_look_at_stat(void)
{
	return atomic_load_explicit(&front_by_stat, memory_order_relaxed);
}

bool terminal_is_ours(int fd)
{
	return is_ours(fd, look_at_stat);
}

static struct termios raw_of(const struct termios *t)
{
	struct termios raw = *t;

	cfmakeraw(&raw);
	raw.c_cc[VMIN] = 1; /* else "nothing typed" reads like "the terminal is gone" */
	raw.c_cc[VTIME] = 0;
	return raw;
}

/*
 * TCSANOW: waiting for output to drain would wait forever on a stuck terminal, and flushing would
 * lose what was typed ahead. SIGTTOU is blocked in case the foreground has just changed.
 */
static int set(int fd, const struct termios *t)
{
	sigset_t ttou, before;
	int error;

	(void)sigemptyset(&ttou);
	(void)sigaddset(&ttou, SIGTTOU);
	(void)pthread_sigmask(SIG_BLOCK, &ttou, &before);
	do {
		error = tcsetattr(fd, TCSANOW, t) ? errno : 0;
	} while (error == EINTR);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

int terminal_make_raw(int fd)
{
	static bool registered;
	struct termios raw;
	int error;

	if (atomic_load_explicit(&raw_fd, memory_order_acquire) != fd) {
		if (tcgetattr(fd, &saved))
			return -errno;
		atomic_store_explicit(&raw_fd, fd, memory_order_release);
	}
	if (!registered && atexit(terminal_restore) == 0)
		registered = true;
	raw = raw_of(&saved);
	error = set(fd, &raw);
	if (error)
		atomic_store_explicit(&raw_fd, -1, memory_order_release);
	else
		log_set_raw(isatty(STDERR_FILENO));
	return error;
}

bool terminal_size(int fd, uint16_t *cols, uint16_t *rows)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size))
		return false;
	*cols = size.ws_col;
	*rows = size.ws_row;
	return true;
}

/* Whether the settings are still those we made of @before. */
static bool untouched(int fd, const struct termios *before)
{
	struct termios now, raw = raw_of(before);

	return tcgetattr(fd, &now) == 0 && now.c_iflag == raw.c_iflag &&
	       now.c_oflag == raw.c_oflag && now.c_lflag == raw.c_lflag;
}

void terminal_bring_back(int fd, const struct termios *before)
{
	if (untouched(fd, before))
		(void)set(fd, before);
}

void terminal_restore(void)
{
	int fd = atomic_exchange_explicit(&raw_fd, -1, memory_order_acq_rel), error = errno;

	/* Nobody tries again after us, and a shell on a raw terminal is not to be used. */
	if (fd >= 0 && (untouched(fd, &saved) || is_ours(fd, last_look_at_stat)) && set(fd, &saved))
		(void)set(fd, &saved);
	if (fd >= 0)
		log_set_raw(false);
	errno = error;
}
