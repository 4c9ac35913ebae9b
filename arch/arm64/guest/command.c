/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/guest/command.h"

#include "arch/arm64/guest/base.h"
#include "arch/arm64/guest/pump.h"

#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PORTS_WAIT_MS 10000
#define DEATHS_MS     2000 /* how long what was killed may take to be gone */
#define PATH_LONGEST  4096

enum { NOT_RUNNABLE = 126, NOT_FOUND = 127 }; /* as shells say it */
enum { PORT_INPUT, PORT_OUTPUT, PORT_ERRORS, PORT_CONTROL, NR_PORTS };

static const char *const port_names[NR_PORTS] = { COMMAND_PORT_INPUT, COMMAND_PORT_OUTPUT,
						  COMMAND_PORT_ERRORS, COMMAND_PORT_CONTROL };

static char block[COMMAND_BLOCK_MAX + 1];
static const char *words[COMMAND_WORDS_MAX + 1], *environment[COMMAND_WORDS_MAX + 1];
static const char *folder, *search_path = "";
static int ports[NR_PORTS] = { -1, -1, -1, -1 };

static struct pump pump;
static int terminal = -1; /* the master's side */
static long command_pid;
static uint32_t command_status;

/* --- what to run ----------------------------------------------------------------------------- */

static char *next_string(char **at, const char *end)
{
	char *s = *at;

	while (*at < end && **at)
		++*at;
	if (*at < end)
		++*at;
	return s;
}

void command_read(void)
{
	struct line text;
	long len = read_file(COMMAND_BLOCK, block, sizeof(block));
	char *at = block, *const end = block + (len < 0 ? 0 : len);
	unsigned long nr, i;

	if (len < 0) {
		SAY(COMMAND_BLOCK ": ", why(&text, len));
		give_up();
	}
	remove_file(COMMAND_BLOCK);
	nr = number(next_string(&at, end));
	folder = next_string(&at, end);
	for (i = 0; i < nr && i < COMMAND_WORDS_MAX && at < end; i++)
		words[i] = next_string(&at, end);
	if (i == 0 || i < nr) {
		SAY(COMMAND_BLOCK ": is not whole");
		give_up();
	}
	for (i = 0; i < COMMAND_WORDS_MAX && at < end; i++) {
		environment[i] = next_string(&at, end);
		if (environment[i][0] == 'P' && environment[i][1] == 'A' &&
		    environment[i][2] == 'T' && environment[i][3] == 'H' &&
		    environment[i][4] == '=')
			search_path = environment[i] + 5;
	}
}

/* --- vmm's ports ----------------------------------------------------------------------------- */

static long open_port(void *ctx, const char *name)
{
	unsigned *open_ones = ctx;
	struct line path;
	char says[64];
	long len = read_file(JOIN(&path, "/sys/class/virtio-ports/", name, "/name"), says,
			     sizeof(says));

	if (len > 0 && says[len - 1] == '\n')
		says[len - 1] = '\0';
	for (int i = 0; len > 0 && i < NR_PORTS; i++) {
		if (ports[i] >= 0 || !equal(says, port_names[i]))
			continue;
		/* Of records, whole ones are waited for. */
		ports[i] = open_at(JOIN(&path, "/dev/", name),
				   O_RDWR | O_CLOEXEC | (i == PORT_CONTROL ? 0 : O_NONBLOCK));
		if (ports[i] >= 0)
			++*open_ones;
	}
	return 0;
}

/* A port whose other side the driver does not know yet reads as if it had ended. */
static int connected(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct timespec now = { 0 };

	return call5(SYS_ppoll, P(&p), 1, P(&now), 0, 0) >= 0 && !(p.revents & POLLHUP);
}

void command_open_ports(void)
{
	long end = now_ms() + PORTS_WAIT_MS;
	unsigned open_ones = 0;

	for (;; sleep_ms(1)) {
		int all;

		if (open_ones < NR_PORTS)
			(void)each_name("/sys/class/virtio-ports", open_port, &open_ones);
		all = open_ones == NR_PORTS;
		for (int i = 0; all && i < NR_PORTS; i++)
			all = connected(ports[i]);
		if (all)
			return;
		if (now_ms() >= end)
			break;
	}
	SAY("vmm's virtio console does not appear; does this kernel have the driver?");
	give_up();
}

/* --- what a command expects ------------------------------------------------------------------ */

static int is_under(const char *path, const char *dir)
{
	while (*dir && *path == *dir) {
		path++;
		dir++;
	}
	return !*dir && (!*path || *path == '/');
}

static void link_to(const char *target, const char *path)
{
	(void)call5(SYS_symlinkat, P(target), (uintptr_t)AT_FDCWD, P(path), 0, 0);
}

static void loopback_up(void)
{
	struct ifreq r = { .ifr_name = "lo" };
	int fd = (int)call5(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0, 0);

	if (fd < 0)
		return;
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	(void)call5(SYS_ioctl, (uintptr_t)fd, SIOCSIFFLAGS, P(&r), 0, 0);
	close_fd(fd);
}

/* All of it is comfort: what a kernel has not, the command may not need. */
void command_make_world(int tmp)
{
	make_dir("/dev/pts");
	(void)mount_at("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		       "mode=620,ptmxmode=666,gid=5");
	make_dir("/dev/shm");
	(void)mount_at("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
	link_to("/proc/self/fd", "/dev/fd");
	link_to("/proc/self/fd/0", "/dev/stdin");
	link_to("/proc/self/fd/1", "/dev/stdout");
	link_to("/proc/self/fd/2", "/dev/stderr");
	make_dir("/run");
	make_dir("/tmp");
	/* Where the command is to be stays as it is. */
	if (!is_under(folder, "/run"))
		(void)mount_at("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755");
	if (tmp && !is_under(folder, "/tmp"))
		(void)mount_at("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
	loopback_up();
	(void)call5(SYS_sethostname, P("vmm"), 3, 0, 0, 0);
}

/* --- the command's process ------------------------------------------------------------------- */

/* Becomes words[0], looked for as a shell does; comes back only with an error. */
static long become_command(void)
{
	static char path[PATH_LONGEST];
	const char *at = search_path;
	long r = -ENOENT;

	for (const char *c = words[0]; *c; c++)
		if (*c == '/')
			return call5(SYS_execve, P(words[0]), P(words), P(environment), 0, 0);
	while (*at) {
		size_t len = 0;
		long now;

		for (; *at && *at != ':'; at++)
			if (len < sizeof(path) - 2)
				path[len++] = *at;
		if (*at)
			at++;
		if (len)
			path[len++] = '/';
		for (const char *c = words[0]; *c && len < sizeof(path) - 1; c++)
			path[len++] = *c;
		path[len] = '\0';
		now = call5(SYS_execve, P(path), P(words), P(environment), 0, 0);
		if (now != -ENOENT && now != -ENOTDIR)
			r = now;
		if (r != -ENOENT && r != -EACCES)
			break;
	}
	return r;
}

static void put_at(int fd, int at)
{
	if (fd != at)
		(void)call5(SYS_dup3, (uintptr_t)fd, (uintptr_t)at, 0, 0, 0);
	else
		(void)call5(SYS_fcntl, (uintptr_t)fd, F_SETFD, 0, 0, 0);
}

static _Noreturn void be_command(const int fds[3], int on_terminal)
{
	const uint64_t none = 0;
	struct line text;
	int status = NOT_RUNNABLE;
	long r;

	(void)call5(SYS_setsid, 0, 0, 0, 0, 0);
	for (int i = 0; i < 3; i++)
		put_at(fds[i], i);
	if (on_terminal)
		(void)call5(SYS_ioctl, 0, TIOCSCTTY, 0, 0, 0);
	(void)call5(SYS_rt_sigprocmask, SIG_SETMASK, P(&none), 0, sizeof(none), 0);
	r = call5(SYS_chdir, P(folder), 0, 0, 0, 0);
	if (r < 0) {
		SAY_TO(2, "cannot enter ", folder, ": ", why(&text, r));
	} else {
		r = become_command();
		if (r == -ENOENT || r == -ENOTDIR)
			status = NOT_FOUND;
		SAY_TO(2, words[0], ": ", why(&text, r));
	}
	for (;;)
		(void)call5(SYS_exit_group, (uintptr_t)status, 0, 0, 0, 0);
}

static void need(const char *what, long r)
{
	struct line text;

	if (r >= 0)
		return;
	SAY("cannot make ", what, " for the command: ", why(&text, r));
	give_up();
}

static void no_waiting(int fd)
{
	long flags = call5(SYS_fcntl, (uintptr_t)fd, F_GETFL, 0, 0, 0);

	(void)call5(SYS_fcntl, (uintptr_t)fd, F_SETFL, (uintptr_t)(flags | O_NONBLOCK), 0, 0);
}

/* Our end of it, which never waits: 0 to read, 1 to write; the command's in *@theirs. */
static int make_pipe(int ours, int *theirs)
{
	int ends[2] = { -1, -1 };

	need("a pipe", call5(SYS_pipe2, P(ends), O_CLOEXEC, 0, 0, 0));
	no_waiting(ends[ours]);
	*theirs = ends[!ours];
	return ends[ours];
}

static void set_size(uint64_t cols, uint64_t rows)
{
	struct winsize size = { .ws_col = (unsigned short)cols, .ws_row = (unsigned short)rows };

	if (terminal >= 0 && cols && rows)
		(void)call5(SYS_ioctl, (uintptr_t)terminal, TIOCSWINSZ, P(&size), 0, 0);
}

/* The command's side of a new terminal. */
static int make_terminal(const struct command_record *start)
{
	struct line name;
	int unlock = 0, n = 0, slave;

	terminal = open_at("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	need("a terminal", terminal);
	(void)call5(SYS_ioctl, (uintptr_t)terminal, TIOCSPTLCK, P(&unlock), 0, 0);
	(void)call5(SYS_ioctl, (uintptr_t)terminal, TIOCGPTN, P(&n), 0, 0);
	set_size(start->n[0], start->n[1]);
	name.len = 0;
	add(&name, "/dev/pts/");
	add_number(&name, (unsigned long)n);
	slave = open_at(name.s, O_RDWR | O_NOCTTY | O_CLOEXEC);
	need(name.s, slave);
	return slave;
}

static void start_command(const struct command_record *start)
{
	const int on_terminal = (start->value & COMMAND_ON_TERMINAL) != 0;
	int fds[3];

	if (on_terminal) {
		fds[0] = fds[1] = fds[2] = make_terminal(start);
		pump_stream_init(&pump.in, ports[PORT_OUTPUT], terminal);
		pump.in.shared = 1;
		pump_stream_init(&pump.out[0], terminal, ports[PORT_OUTPUT]);
	} else {
		pump_stream_init(&pump.in, ports[PORT_INPUT], make_pipe(1, &fds[0]));
		pump_stream_init(&pump.out[0], make_pipe(0, &fds[1]), ports[PORT_OUTPUT]);
	}
	if (on_terminal && !(start->value & COMMAND_ERRORS_APART))
		pump_stream_init(&pump.out[1], -1, -1);
	else
		pump_stream_init(&pump.out[1], make_pipe(0, &fds[2]), ports[PORT_ERRORS]);

	command_pid = call5(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	need("a process", command_pid);
	if (command_pid == 0)
		be_command(fds, on_terminal);
	for (int i = 0; i < 3; i++)
		if (i == 0 || fds[i] != fds[0])
			close_fd(fds[i]);
}

/* --- while it runs --------------------------------------------------------------------------- */

/* A child that has ended, and how; 0 when there is none now, -ECHILD when there is none at all. */
static long reap(int *status)
{
	return call5(SYS_wait4, (uintptr_t)-1, P(status), WNOHANG, 0, 0);
}

static void on_child(struct pump *p)
{
	struct signalfd_siginfo info;
	int status = 0;
	long pid;

	(void)call5(SYS_read, (uintptr_t)p->signals, P(&info), sizeof(info), 0, 0);
	while ((pid = reap(&status)) > 0) {
		if (pid != command_pid || p->over)
			continue;
		p->over = 1;
		command_status = (uint32_t)(WIFEXITED(status) ? WEXITSTATUS(status)
							      : 128 + WTERMSIG(status));
		/* What it left behind would write on for ever. */
		(void)call5(SYS_kill, (uintptr_t)-1, SIGKILL, 0, 0, 0);
	}
}

static void on_told(struct pump *p, const struct command_record *r)
{
	if (r->word == COMMAND_SIZE) {
		set_size(r->n[0], r->n[1]);
	} else if (r->word == COMMAND_SIGNAL && r->value > 0 && r->value < 64) {
		/* In the first moment it may not lead its group yet. */
		if (!p->over &&
		    (!r->n[0] || call5(SYS_kill, (uintptr_t)-command_pid, r->value, 0, 0, 0) < 0))
			(void)call5(SYS_kill, (uintptr_t)command_pid, r->value, 0, 0, 0);
		pump_say(p->control,
			 &(struct command_record){ .word = COMMAND_TOOK, .value = r->value });
	}
}

/* With nobody left who writes, the file system can be put away as after an orderly end. */
static void put_away(void)
{
	long end = now_ms() + DEATHS_MS;
	int status;

	while (now_ms() < end && reap(&status) >= 0)
		sleep_ms(1);
	(void)call5(SYS_sync, 0, 0, 0, 0, 0);
	(void)mount_at(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
}

static int watch_children(void)
{
	const uint64_t child = 1ULL << (SIGCHLD - 1);
	long fd;

	(void)call5(SYS_rt_sigprocmask, SIG_BLOCK, P(&child), 0, sizeof(child), 0);
	fd = call5(SYS_signalfd4, (uintptr_t)-1, P(&child), sizeof(child),
		   SFD_CLOEXEC | SFD_NONBLOCK, 0);
	need("a signalfd", fd);
	return (int)fd;
}

_Noreturn void command_run(int writes)
{
	struct command_record start = { 0 };
	const int control = ports[PORT_CONTROL];

	pump.control = control;
	pump.told = on_told;
	pump.child = on_child;
	pump.signals = watch_children();
	while (start.word != COMMAND_START)
		need("a beginning", pump_hear(control, &start));
	start_command(&start);
	pump_say(control, &(struct command_record){ .word = COMMAND_STARTED });
	pump_run(&pump);
	if (writes)
		put_away();
	pump_say(control,
		 &(struct command_record){ .word = COMMAND_EXITED,
					   .value = command_status,
					   .n = { pump.out[0].given, pump.out[1].given } });
	/* vmm ends the machine when it has it all; a shutdown would take the ports from it. */
	for (;;)
		(void)call5(SYS_ppoll, 0, 0, 0, 0, 0);
}
