/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console on standard input and output.
 *
 * Stdin as a terminal is read, raw and with the escape, only while we are in the foreground. No
 * signal says that the foreground changed (a shell sends SIGCONT only to a stopped job), so it is
 * checked with each read, and by a slow timer while it is not ours. Any other stdin is fed to the
 * guest as it is until it ends.
 */
#include "vmm/host/chardev_back.h"
#include "vmm/host/escape.h"
#include "vmm/host/hostfd.h"
#include "vmm/host/terminal.h"
#include "vmm/base/io.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A terminal is read this far ahead, so that Ctrl-a is seen behind what was typed or pasted to a
 * guest that hangs. Untouched pages cost nothing. Other input has no escape and need not wait here.
 */
#define TERMINAL_AHEAD (256 * 1024)
#define OTHER_AHEAD    4096

#define LOOK_NS 300000000ULL

struct stdio {
	struct chardev c;
	struct hostfd in, out;
	struct chardev_commands commands;
	struct escape escape;
	struct timer look; /* armed while the terminal is not ours */
	bool waiting;	   /* ... and then it is not read */
	bool ended;	   /* nothing more to read, ever */
	const char *lost;  /* and nobody to write to: why; NULL while there is */
	struct call lost_call;
};

static struct stdio *of(struct chardev *c)
{
	return container_of(c, struct stdio, c);
}

/* --- what ends ------------------------------------------------------------------------------ */

static void end_input(struct stdio *s)
{
	s->ended = true;
	loop_timer_disarm(s->c.loop, &s->look);
	loop_unwatch(&s->in.watch);
}

static void lose(struct stdio *s, const char *why)
{
	if (s->lost)
		return;
	s->lost = why;
	if (s->in.tty)
		end_input(s);
	loop_unwatch(&s->out.watch);
	chardev_peer(&s->c, false);
	loop_post(s->c.loop, &s->lost_call); /* not from inside chardev_open() or a write */
}

static void lost_call(struct call *call)
{
	struct stdio *s = container_of(call, struct stdio, lost_call);

	if (s->commands.lost)
		s->commands.lost(s->commands.ctx, s->lost);
}

static void terminal_gone(struct stdio *s)
{
	lose(s, "the terminal hung up");
}

/* --- whose terminal ------------------------------------------------------------------------- */

static void watch_input(struct stdio *s)
{
	uint32_t events = s->c.want_in ? EPOLLIN : s->in.tty ? EPOLLHUP : 0;

	if (s->ended)
		return;
	/* What cannot be watched is simply read: it never blocks for long. */
	if (!hostfd_watch(&s->in, s->c.loop, s->waiting ? 0 : events) && s->c.want_in)
		loop_post(s->c.loop, &s->c.input);
}

/* Takes the terminal when it is ours; else leaves it alone and looks again later. */
static void take_terminal(struct stdio *s)
{
	if (!s->in.tty || s->ended)
		return;
	s->waiting = !terminal_is_ours(STDIN_FILENO);
	if (s->waiting)
		loop_timer_arm(s->c.loop, &s->look, loop_now_ns() + LOOK_NS);
	else if (terminal_make_raw(STDIN_FILENO) == -EIO)
		terminal_gone(s);
	watch_input(s);
}

static void look(struct timer *t)
{
	struct stdio *s = container_of(t, struct stdio, look);

	if (hostfd_hung_up(&s->in))
		terminal_gone(s);
	else
		take_terminal(s);
}

static void look_at_size(struct stdio *s)
{
	if (s->out.tty || s->in.tty)
		chardev_look_at_size(&s->c, s->out.tty ? STDOUT_FILENO : STDIN_FILENO);
}

static void stdio_job_control(struct chardev *c, int signo)
{
	if (signo == SIGTSTP)
		chardev_restore_terminal();
	else if (signo == SIGCONT)
		take_terminal(of(c));
	look_at_size(of(c));
}

void chardev_restore_terminal(void)
{
	terminal_restore();
	hostfd_restore();
}

/* --- input ---------------------------------------------------------------------------------- */

/* vmm's own lines; the level only says that they are always shown. */
static void print_help(const struct stdio *s)
{
	const char *line = s->commands.help ? s->commands.help : "";

	log_error("Ctrl-a h  this help");
	log_error("Ctrl-a a  a Ctrl-a for the guest");
	while (*line) {
		int len = (int)strcspn(line, "\n");

		log_error("Ctrl-a %.*s", len, line);
		line += len;
		line += *line == '\n';
	}
}

static void typed(struct escape *x, char letter)
{
	struct stdio *s = container_of(x, struct stdio, escape);

	if (letter == 'h' || letter == '?')
		print_help(s);
	else if (s->commands.command && s->commands.command(s->commands.ctx, letter))
		return;
	else if (letter > ' ' && letter <= '~')
		log_error("Ctrl-a %c is unknown; Ctrl-a h lists what there is", letter);
	else
		log_error("Ctrl-a and byte 0x%02x is unknown; Ctrl-a h lists what there is",
			  (unsigned)(uint8_t)letter);
}

static size_t stdio_read(struct chardev *c, void *to, size_t len)
{
	struct stdio *s = of(c);
	ssize_t n;

	if (s->ended || s->waiting)
		return 0;
	if (s->in.tty && !terminal_is_ours(STDIN_FILENO)) {
		take_terminal(s); /* reading would stop us */
		return 0;
	}
	n = hostfd_read(&s->in, to, len);
	if (n > 0)
		return s->in.tty ? escape_filter(&s->escape, to, (size_t)n) : (size_t)n;
	if (n == -EAGAIN)
		return 0;
	if (!s->in.tty)
		end_input(s);
	else if (n < 0 || hostfd_hung_up(&s->in))
		terminal_gone(s);
	/* Else a Ctrl-d, in a terminal that somebody else has put out of raw mode. */
	return 0;
}

static void in_ready(struct watch *w, uint32_t events)
{
	struct stdio *s = container_of(w, struct stdio, in.watch);

	/* What was typed before a hang-up is for a guest that is about to end: no need to wait. */
	if (s->in.tty && (events & EPOLLHUP))
		terminal_gone(s);
	else
		chardev_input(&s->c);
}

/* --- output --------------------------------------------------------------------------------- */

static size_t stdio_write(struct chardev *c, const struct iovec *iov, int spans)
{
	struct stdio *s = of(c);
	ssize_t n = hostfd_write(&s->out, iov, spans);

	if (n >= 0) {
		chardev_written(c);
		return (size_t)n;
	}
	if (n == -EAGAIN)
		return 0;
	if (n == -EPIPE || n == -ECONNRESET) {
		lose(s, "the reader of standard output has gone");
		return 0;
	}
	if (s->out.tty && hostfd_hung_up(&s->out)) {
		terminal_gone(s);
		return 0;
	}
	return chardev_write_failed(c, (int)-n, iov, spans);
}

static void out_ready(struct watch *w, uint32_t events UNUSED)
{
	chardev_output(&container_of(w, struct stdio, out.watch)->c);
}

static void stdio_want(struct chardev *c)
{
	struct stdio *s = of(c);

	watch_input(s);
	if (!s->lost && !hostfd_watch(&s->out, c->loop, c->want_out ? EPOLLOUT : 0) && c->want_out)
		loop_post(c->loop, &c->output);
}

static bool stdio_shares_stderr(const struct chardev *c UNUSED)
{
	struct stat out, err;

	return io_stat(STDOUT_FILENO, &out) == 0 && io_stat(STDERR_FILENO, &err) == 0 &&
	       out.st_dev == err.st_dev && out.st_ino == err.st_ino;
}

/* --- life ----------------------------------------------------------------------------------- */

static void stdio_destroy(struct chardev *c)
{
	struct stdio *s = of(c);

	chardev_flush(c);
	terminal_restore();
	loop_timer_disarm(c->loop, &s->look);
	loop_unpost(c->loop, &s->lost_call);
	hostfd_close(&s->in);
	hostfd_close(&s->out);
	chardev_done(c);
	free(s);
}

static const struct chardev_ops stdio_ops = {
	.read = stdio_read,
	.write = stdio_write,
	.want = stdio_want,
	.job_control = stdio_job_control,
	.shares_stderr = stdio_shares_stderr,
	.destroy = stdio_destroy,
};

struct chardev *chardev_stdio(const struct chardev_commands *commands, struct loop *l,
			      struct err *e)
{
	struct stdio *s = calloc(1, sizeof(*s));

	if (!s) {
		(void)err_set(e, ENOMEM, "stdio: out of memory");
		return NULL;
	}
	hostfd_take(&s->in, STDIN_FILENO, false);
	hostfd_take(&s->out, STDOUT_FILENO, true);
	if (chardev_init(&s->c, &stdio_ops, "stdio", s->in.tty ? TERMINAL_AHEAD : OTHER_AHEAD, l,
			 e)) {
		hostfd_close(&s->in);
		hostfd_close(&s->out);
		free(s);
		return NULL;
	}
	if (commands)
		s->commands = *commands;
	s->in.watch.ready = in_ready;
	s->out.watch.ready = out_ready;
	s->escape.typed = typed;
	s->look.expired = look;
	s->lost_call.fn = lost_call;
	s->c.out_fd = s->out.fd;
	look_at_size(s);
	if (s->in.tty)
		take_terminal(s);
	else
		watch_input(s);
	return &s->c;
}
