/* ptyrun [-p PIDFILE] COMMAND...: runs COMMAND on a terminal of its own, with our standard input
 * and output as keyboard and screen. Ends with COMMAND's exit status (128 + signal if killed),
 * after it has said on stderr whether COMMAND left the terminal as it was. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

static void write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			exit(125);
		buf += n;
		len -= (size_t)n;
	}
}

/* Copies what is there; false at the end of @from. */
static int copy(int from, int to)
{
	char buf[4096];
	ssize_t n = read(from, buf, sizeof(buf));

	if (n <= 0)
		return 0;
	write_all(to, buf, (size_t)n);
	return 1;
}

/* Keyboard to terminal without ever blocking on it: the screen must go on being read. */
static int type(int from, int to, char *held, size_t *len)
{
	if (!*len) {
		ssize_t n = read(from, held, 512);
		if (n <= 0)
			return 0;
		*len = (size_t)n;
	}
	ssize_t n = write(to, held, *len);
	if (n > 0) {
		*len -= (size_t)n;
		memmove(held, held + n, *len);
	}
	return 1;
}

int main(int argc, char **argv)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	const char *pidfile = NULL;
	struct termios before, after;
	int master, slave, opt;

	while ((opt = getopt(argc, argv, "+p:")) != -1)
		if (opt == 'p')
			pidfile = optarg;
	if (optind >= argc || openpty(&master, &slave, NULL, NULL, &size) < 0)
		return 125;
	tcgetattr(slave, &before);
	pid_t pid = fork();
	if (pid < 0)
		return 125;
	if (!pid) {
		close(master);
		login_tty(slave);
		execvp(argv[optind], argv + optind);
		_exit(127);
	}
	if (pidfile) {
		FILE *f = fopen(pidfile, "w");
		fprintf(f, "%d\n", pid);
		fclose(f);
	}
	fcntl(master, F_SETFL, O_NONBLOCK);

	char held[512];
	size_t len = 0;
	int keyboard = 1, status;
	struct pollfd p[2] = { { .fd = master, .events = POLLIN }, { .events = POLLIN } };
	while (waitpid(pid, &status, WNOHANG) == 0) {
		p[0].events = (short)(POLLIN | (len ? POLLOUT : 0));
		p[1].fd = keyboard && !len ? 0 : -1;
		poll(p, 2, 100);
		if (p[0].revents & POLLIN)
			copy(master, 1);
		if ((len && p[0].revents & POLLOUT) || (p[1].fd == 0 && p[1].revents))
			keyboard = type(0, master, held, &len);
	}
	while (copy(master, 1))
		;
	tcgetattr(slave, &after);
	fprintf(stderr, "ptyrun: terminal %s\n",
		before.c_iflag == after.c_iflag && before.c_oflag == after.c_oflag &&
				before.c_lflag == after.c_lflag &&
				before.c_cflag == after.c_cflag &&
				!memcmp(before.c_cc, after.c_cc, sizeof(before.c_cc))
			? "restored"
			: "left changed");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
