/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_process: the process that starts programs, and connects, for vmm. It has a loop of its
 * own. A failure here is told to vmm as an answer; what cannot even be told ends the programs, and
 * the process.
 */
#include "vmm/base/scope.h"
#include "vmm/host/keeper_private.h"
#include "vmm/host/litter.h"
#include "vmm/host/program.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#define NS_PER_S UINT64_C(1000000000)

struct keeper_process;

struct task {
	struct keeper_process *p;
	uint32_t number;
	enum keeper_kind kind;
	char strings[KEEPER_TEXT]; /* what is pointed to below */
	const char *name, *path;
	const char *argv[64];
	struct program program;
	bool restart;	  /* start it when it has ended */
	int fd;		  /* the connection, until the program is ready; -1 */
	uint64_t started; /* when it was last tried */
	struct timer start;
};

struct keeper_process {
	struct loop *loop;
	int sock;
	struct watch watch;
	bool sealed, ending;
	struct timer end;
	struct task *task[KEEPER_MAX_JOBS];
	struct keeper_dialer dialer;
	struct litter *litter;
	struct keeper_message message;
};

struct litter {
	struct litter *next;
	struct stat made; /* device and inode */
	char path[];
};

/* --- the end ------------------------------------------------------------------------------- */

static void stop_if_done(struct keeper_process *p)
{
	for (unsigned i = 0; i < KEEPER_MAX_JOBS; i++)
		if (p->task[i] && program_running(&p->task[i]->program))
			return;
	loop_stop(p->loop);
}

static void new_litter(struct keeper_process *p, const struct keeper_message *m)
{
	struct litter *l = p->sealed || m->len == 0 ? NULL : calloc(1, sizeof(*l) + m->len);

	if (!l)
		return;
	l->made.st_dev = m->dev;
	l->made.st_ino = m->ino;
	memcpy(l->path, m->text, m->len);
	l->next = p->litter;
	p->litter = l;
}

static void kill_all(struct timer *tm)
{
	struct keeper_process *p = container_of(tm, struct keeper_process, end);

	for (unsigned i = 0; i < KEEPER_MAX_JOBS; i++)
		if (p->task[i])
			program_kill(&p->task[i]->program);
	loop_stop(p->loop);
}

static void end_all(struct keeper_process *p)
{
	p->ending = true;
	loop_unwatch(&p->watch);
	for (unsigned i = 0; i < KEEPER_MAX_JOBS; i++) {
		if (!p->task[i])
			continue;
		loop_timer_disarm(p->loop, &p->task[i]->start);
		program_end(&p->task[i]->program);
	}
	loop_timer_arm(p->loop, &p->end, loop_now_ns() + NS_PER_S);
	stop_if_done(p);
}

/* --- words to vmm -------------------------------------------------------------------------- */

/* A vmm that cannot be told is gone, or will be. */
static void say(struct keeper_process *p, int fd)
{
	if (keeper_send(p->sock, &p->message, fd))
		end_all(p);
}

static void tell(struct task *t, enum keeper_what what, int error, const char *text, int fd)
{
	struct keeper_message *m = &t->p->message;

	*m = (struct keeper_message){
		.what = (uint32_t)what,
		.job = t->number,
		.error = error,
		.len = text ? (uint32_t)strlen(text) + 1 : 0,
	};
	if (text)
		memcpy(m->text, text, m->len);
	say(t->p, fd);
}

static void down(struct task *t, const struct err *e)
{
	tell(t, KEEPER_DOWN, e->code, e->text, -1);
}

static void up(struct task *t)
{
	tell(t, KEEPER_UP, 0, NULL, t->fd);
	close_quietly(t->fd);
	t->fd = -1;
}

/* --- starting ------------------------------------------------------------------------------ */

static int connect_to(const char *path, int *fd, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	/* Non-blocking: a listener that takes nobody must not keep all the others waiting. */
	auto_fd int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (s < 0)
		return err_sys(e, "socket");
	if (strlen(path) >= sizeof(to.sun_path))
		return err_set(e, ENAMETOOLONG, "%s: too long for a socket's name", path);
	memcpy(to.sun_path, path, strlen(path));
	if (connect(s, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return errno == EAGAIN ? err_set(e, EAGAIN, "%s: too many wait there", path)
				       : err_sys(e, "%s", path);
	(void)fcntl(s, F_SETFL, 0);
	*fd = keep_fd(&s);
	return 0;
}

/*
 * As much room for what was sent and not read yet as this host allows: passt drops frames for which
 * there is none, and asks for it only where it makes the socket itself.
 */
static void make_room(int fd)
{
	const int much = INT_MAX / 2;

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &much, sizeof(much));
}

static int make_pair(int *theirs, int *ours, struct err *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socketpair");
	make_room(pair[0]);
	make_room(pair[1]);
	*theirs = pair[0];
	*ours = pair[1];
	return 0;
}

static int listen_at(const char *path, int *theirs, int *ours, struct err *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	auto_fd int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (s < 0)
		return err_sys(e, "socket");
	memcpy(at.sun_path, path, strlen(path));
	if (bind(s, (const struct sockaddr *)&at, sizeof(at)) < 0)
		return err_sys(e, "%s", path);
	if (listen(s, 1) < 0)
		return err_sys(e, "listen");
	if (connect_to(path, ours, e))
		return -e->code;
	*theirs = keep_fd(&s);
	return 0;
}

/* A listening socket that nobody else can reach, and a connection that waits there. */
static int make_listener(int *theirs, int *ours, struct err *e)
{
	char dir[] = "/tmp/vmm-XXXXXX", path[sizeof(dir) + 8];
	int code;

	if (!mkdtemp(dir))
		return err_sys(e, "a folder in /tmp");
	(void)snprintf(path, sizeof(path), "%s/socket", dir);
	code = listen_at(path, theirs, ours, e);
	(void)unlink(path);
	(void)rmdir(dir);
	return code;
}

static int start_program(struct task *t, struct err *e)
{
	auto_fd int theirs = -1;
	int code = t->kind == KEEPER_PAIR ? make_pair(&theirs, &t->fd, e)
					  : make_listener(&theirs, &t->fd, e);

	return code ? code : program_start(&t->program, t->argv, theirs, e);
}

static void try(struct task *t)
{
	struct err e;
	int code;

	t->restart = false;
	t->started = loop_now_ns();
	code = t->kind == KEEPER_CONNECT ? connect_to(t->path, &t->fd, &e) : start_program(t, &e);
	if (code) {
		close_quietly(t->fd);
		t->fd = -1;
		down(t, &e);
	} else if (!program_gets_ready(&t->program)) {
		up(t);
	}
}

static void start_due(struct timer *tm)
{
	try(container_of(tm, struct task, start));
}

static void again(struct task *t)
{
	if (program_running(&t->program)) {
		t->restart = true;
		program_end(&t->program);
	} else {
		loop_timer_arm(t->p->loop, &t->start, t->started + NS_PER_S);
	}
}

/* --- dials --------------------------------------------------------------------------------- */

static void dialed(struct keeper_dialer *d, uint32_t job, uint32_t dial, int fd)
{
	struct keeper_process *p = container_of(d, struct keeper_process, dialer);

	p->message = (struct keeper_message){ .what = KEEPER_DIALED, .job = job, .dial = dial };
	say(p, fd);
}

static void dial(struct keeper_process *p, uint32_t job, uint32_t dial, uint32_t number)
{
	if (job < KEEPER_MAX_JOBS && p->task[job] && p->task[job]->kind == KEEPER_DIALS)
		keeper_dialer_begin(&p->dialer, job, dial, p->task[job]->path, number);
	else
		dialed(&p->dialer, job, dial, -1);
}

/* --- what programs do ---------------------------------------------------------------------- */

static void on_ready(struct program *pr)
{
	struct task *t = container_of(pr, struct task, program);

	if (t->fd >= 0)
		up(t);
}

static void on_line(struct program *pr, const char *line)
{
	tell(container_of(pr, struct task, program), KEEPER_SAID, 0, line, -1);
}

static void on_ended(struct program *pr, const char *why)
{
	struct task *t = container_of(pr, struct task, program);
	struct err e;

	close_quietly(t->fd);
	t->fd = -1;
	if (t->p->ending) {
		stop_if_done(t->p);
	} else if (t->restart) {
		loop_timer_arm(t->p->loop, &t->start, t->started + NS_PER_S);
	} else {
		err_set(&e, EIO, "%s", why);
		down(t, &e);
	}
}

/* --- what vmm asks ------------------------------------------------------------------------- */

/* Points into the strings; false when they are no job. */
static bool read_strings(struct task *t, size_t len)
{
	const char *s = t->strings, *end = s + len;
	unsigned argc = 0, n = 0;

	for (; s < end; s += strlen(s) + 1, n++) {
		if (n == 0)
			t->name = s;
		else if (n == 1)
			t->path = s;
		else if (argc < ARRAY_SIZE(t->argv) - 1)
			t->argv[argc++] = s;
		else
			return false;
	}
	return n >= 2 && (t->kind == KEEPER_CONNECT || t->kind == KEEPER_DIALS || argc > 0);
}

static void refuse(struct keeper_process *p, uint32_t job)
{
	static const char why[] = "nothing is started any more";
	struct keeper_message *m = &p->message;

	*m = (struct keeper_message){ .what = KEEPER_DOWN, .job = job, .error = EPERM };
	m->len = sizeof(why);
	memcpy(m->text, why, sizeof(why));
	say(p, -1);
}

static void new_task(struct keeper_process *p, const struct keeper_message *m)
{
	struct task *t;

	if (m->job >= KEEPER_MAX_JOBS || p->task[m->job])
		return;
	if (p->sealed)
		return refuse(p, m->job);
	t = calloc(1, sizeof(*t));
	if (!t)
		return loop_stop(p->loop);
	t->p = p;
	t->number = m->job;
	t->kind = (enum keeper_kind)m->kind;
	t->fd = -1;
	t->start.expired = start_due;
	memcpy(t->strings, m->text, m->len);
	program_init(&t->program, p->loop);
	t->program.ready = on_ready;
	t->program.line = on_line;
	t->program.ended = on_ended;
	p->task[m->job] = t;
	if (read_strings(t, m->len)) {
		if (t->kind != KEEPER_DIALS)
			try(t);
	} else {
		struct err e;

		err_set(&e, E2BIG, "too many arguments");
		down(t, &e);
	}
}

static void on_socket(struct watch *w, uint32_t events UNUSED)
{
	struct keeper_process *p = container_of(w, struct keeper_process, watch);
	struct keeper_message *m = &p->message;
	int fd, code = keeper_receive(p->sock, m, &fd);

	if (code == -EAGAIN)
		return;
	if (code)
		return end_all(p);
	close_quietly(fd);
	switch (m->what) {
	case KEEPER_JOB:
		new_task(p, m);
		break;
	case KEEPER_AGAIN:
		if (m->job < KEEPER_MAX_JOBS && p->task[m->job] &&
		    p->task[m->job]->kind != KEEPER_DIALS)
			again(p->task[m->job]);
		break;
	case KEEPER_DIAL:
		dial(p, m->job, m->dial, m->number);
		break;
	case KEEPER_LITTER:
		new_litter(p, m);
		break;
	case KEEPER_END:
		end_all(p);
		break;
	case KEEPER_SEAL:
		p->sealed = true;
		break;
	default:
		break;
	}
}

/*
 * What a process inherits and should not: signals that the terminal sends to vmm's group, the
 * terminal itself, fds.
 */
static void leave_family(int *sock)
{
	static const int back_to_default[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 };
	sigset_t none;

	(void)setsid();
	(void)sigemptyset(&none);
	for (size_t i = 0; i < ARRAY_SIZE(back_to_default); i++)
		(void)signal(back_to_default[i], SIG_DFL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)prctl(PR_SET_NAME, "vmm-keeper");
	program_only_fd(sock);
}

_Noreturn void keeper_process(int sock)
{
	static struct keeper_process p;
	struct err e;

	leave_family(&sock);
	p.sock = sock;
	p.watch.ready = on_socket;
	p.end.expired = kill_all;
	p.loop = loop_create(&e);
	keeper_dialer_init(&p.dialer, p.loop);
	p.dialer.ended = dialed;
	if (!p.loop || loop_watch(p.loop, &p.watch, sock, EPOLLIN, &e) || loop_run(p.loop, &e))
		_exit(1);
	for (const struct litter *l = p.litter; l; l = l->next)
		litter_remove(l->path, &l->made);
	_exit(0);
}
