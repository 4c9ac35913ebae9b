/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/host/terminal.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* The terminal that is raw, -1 for none. Whoever makes it -1 restores; release pairs with that. */
static atomic_int raw_fd = -1;
static struct termios saved; /* written while raw_fd is -1, by the loop thread */

bool terminal_is_ours(int fd)
{
	/* A shell moves its children before they are programs, and not again. */
	static pid_t group;
	pid_t front = tcgetpgrp(fd);

	if (!group)
		group = getpgrp();
	return front < 0 || front == group;
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

/* Whether the settings are still those we made. */
static bool untouched(int fd)
{
	struct termios now, raw = raw_of(&saved);

	return tcgetattr(fd, &now) == 0 && now.c_iflag == raw.c_iflag &&
	       now.c_oflag == raw.c_oflag && now.c_lflag == raw.c_lflag;
}

void terminal_restore(void)
{
	int fd = atomic_exchange_explicit(&raw_fd, -1, memory_order_acq_rel), error = errno;

	/* Nobody tries again after us, and a shell on a raw terminal is not to be used. */
	if (fd >= 0 && (terminal_is_ours(fd) || untouched(fd)) && set(fd, &saved))
		(void)set(fd, &saved);
	if (fd >= 0)
		log_set_raw(false);
	errno = error;
}
