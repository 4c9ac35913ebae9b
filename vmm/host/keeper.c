/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/host/keeper.h"

#include "vmm/base/log.h"
#include "vmm/base/scope.h"
#include "vmm/host/keeper_private.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define START_MS 10000 /* for the first connection of a job */
#define ENDED_MS 1000  /* for one to end that is of no use */
#define AGAIN_MS 1000  /* from asking in vain to hearing so */
#define END_MS	 3000  /* for the process to end all programs, and itself */

struct keeper {
	struct loop *loop;
	int sock;    /* owned; -1: the process is gone */
	bool sealed; /* until then who needs the process fails, and says so */
	struct watch watch;
	struct call gone;   /* answers those who ask when the process is gone */
	struct timer later; /* ... and ask again: they may do so at each answer */
	struct {
		const struct keeper_job *job;
		bool asked;
	} job[KEEPER_MAX_JOBS];
	unsigned nr_jobs;
	struct {
		void (*done)(void *ctx, int fd); /* NULL: not under way */
		void *ctx;
	} dial[KEEPER_MAX_DIALS];
	struct keeper_message message; /* the one being sent or looked at */

	/* keeper_start() waits for this one; its answer. */
	bool waiting;
	unsigned waits_for;
	int fd;
	struct err failed; /* .code 0: it has not failed */
};

static void on_dialed(struct keeper *k, uint32_t dial, int fd)
{
	void (*done)(void *ctx, int fd) = dial < KEEPER_MAX_DIALS ? k->dial[dial].done : NULL;

	if (!done)
		return close_quietly(fd);
	k->dial[dial].done = NULL;
	done(k->dial[dial].ctx, fd);
}

static void answer_all(struct keeper *k)
{
	for (uint32_t i = 0; i < KEEPER_MAX_DIALS; i++)
		on_dialed(k, i, -1);

	for (unsigned i = 0; i < k->nr_jobs; i++) {
		if (!k->job[i].asked)
			continue;
		k->job[i].asked = false;
		k->job[i].job->down(k->job[i].job->ctx, "the process that keeps it is gone");
	}
}

static void tell_gone(struct call *c)
{
	answer_all(container_of(c, struct keeper, gone));
}

static void tell_later(struct timer *t)
{
	answer_all(container_of(t, struct keeper, later));
}

static void lost(struct keeper *k)
{
	if (k->sock < 0)
		return;
	if (k->sealed)
		log_warn("the process that keeps vmm's programs is gone");
	loop_unwatch(&k->watch);
	close_quietly(k->sock);
	k->sock = -1;
	loop_post(k->loop, &k->gone);
}

static void tell(struct keeper *k, enum keeper_what what, unsigned job)
{
	k->message = (struct keeper_message){ .what = (uint32_t)what, .job = job };
	if (k->sock >= 0 && keeper_send(k->sock, &k->message, -1))
		lost(k);
}

static void on_up(struct keeper *k, unsigned i, int fd)
{
	k->job[i].asked = false;
	if (k->waiting && k->waits_for == i && k->fd < 0)
		k->fd = fd;
	else
		k->job[i].job->up(k->job[i].job->ctx, fd);
}

static void on_down(struct keeper *k, unsigned i, int error, const char *why)
{
	k->job[i].asked = false;
	if (k->waiting && k->waits_for == i)
		err_set(&k->failed, error > 0 ? error : EIO, "%s: %s", k->job[i].job->name, why);
	else
		k->job[i].job->down(k->job[i].job->ctx, why);
}

static void on_message(struct keeper *k, const struct keeper_message *m, int fd)
{
	if (m->what == KEEPER_DIALED)
		return on_dialed(k, m->dial, fd);
	if (m->job >= k->nr_jobs || !k->job[m->job].job)
		return close_quietly(fd);
	switch (m->what) {
	case KEEPER_UP:
		if (fd >= 0)
			return on_up(k, m->job, fd);
		/* It was sent with one: we may have no more. */
		on_down(k, m->job, EMFILE, strerror(EMFILE));
		break;
	case KEEPER_DOWN:
		on_down(k, m->job, m->error, m->len ? m->text : "it ended");
		break;
	case KEEPER_SAID:
		log_info("%s: %s", k->job[m->job].job->name, m->len ? m->text : "");
		break;
	default:
		break;
	}
	close_quietly(fd);
}

static void on_socket(struct watch *w, uint32_t events UNUSED)
{
	struct keeper *k = container_of(w, struct keeper, watch);
	int fd, code = keeper_receive(k->sock, &k->message, &fd);

	if (code == 0)
		on_message(k, &k->message, fd);
	else if (code != -EAGAIN)
		lost(k);
}

int keeper_fork(struct err *e)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "a process for vmm's programs: socketpair");
	pid = fork();
	if (pid == 0)
		keeper_process(pair[1]);
	close_quietly(pair[1]);
	if (pid > 0)
		return pair[0];
	(void)err_sys(e, "a process for vmm's programs: fork");
	close_quietly(pair[0]);
	return -e->code;
}

struct keeper *keeper_create(struct loop *l, int sock, struct err *e)
{
	struct keeper *k = calloc(1, sizeof(*k));

	if (!k) {
		close_quietly(sock);
		err_code(e, ENOMEM, "a process for vmm's programs");
		return NULL;
	}
	*k = (struct keeper){ .loop = l, .sock = sock, .fd = -1 };
	k->watch.ready = on_socket;
	k->gone.fn = tell_gone;
	k->later.expired = tell_later;
	if (loop_watch(l, &k->watch, k->sock, EPOLLIN, e)) {
		keeper_destroy(k);
		return NULL;
	}
	return k;
}

/* Has the process end all programs, and waits until it is done. It is nobody's zombie for long. */
static void end(struct keeper *k)
{
	struct pollfd p = { .fd = k->sock };

	tell(k, KEEPER_END, 0);
	if (k->sock >= 0)
		(void)poll(&p, 1, END_MS); /* for the hang-up */
}

void keeper_destroy(struct keeper *k)
{
	if (!k)
		return;
	end(k);
	loop_unwatch(&k->watch);
	loop_unpost(k->loop, &k->gone);
	loop_timer_disarm(k->loop, &k->later);
	close_quietly(k->sock);
	free(k);
}

/* Appends a string with its NUL; false when it does not fit. */
static bool put(struct keeper_message *m, const char *s)
{
	size_t len = strlen(s) + 1;

	if (len > sizeof(m->text) - m->len)
		return false;
	memcpy(m->text + m->len, s, len);
	m->len += (uint32_t)len;
	return true;
}

static bool describe(struct keeper_message *m, const struct keeper_job *j)
{
	bool fits;

	*m = (struct keeper_message){ .what = KEEPER_JOB, .kind = (uint32_t)j->kind };
	fits = put(m, j->name) && put(m, j->path ? j->path : "");
	for (const char *const *a = j->argv; fits && a && *a; a++)
		fits = put(m, *a);
	return fits;
}

/* Serves messages until the job's answer has come. */
static void await(struct keeper *k, unsigned ms)
{
	uint64_t until = loop_now_ns() + ms * UINT64_C(1000000);

	while (k->sock >= 0 && k->fd < 0 && !k->failed.code) {
		struct pollfd p = { .fd = k->sock, .events = POLLIN };
		uint64_t now = loop_now_ns();

		if (now >= until)
			break;
		if (poll(&p, 1, (int)((until - now) / 1000000) + 1) > 0)
			on_socket(&k->watch, 0);
	}
}

/* Sends a new job, whose number is *@job, and which has @owner; NULL: nobody is told of it. */
static int add_job(struct keeper *k, const struct keeper_job *j, const struct keeper_job *owner,
		   unsigned *job, struct err *e)
{
	int code;

	if (k->nr_jobs == KEEPER_MAX_JOBS)
		return err_set(e, E2BIG, "%s: at most %d programs and connections", j->name,
			       KEEPER_MAX_JOBS);
	if (!describe(&k->message, j))
		return err_set(e, E2BIG, "%s: its arguments are too long", j->name);
	k->message.job = k->nr_jobs;
	k->job[k->nr_jobs].job = owner;
	*job = k->nr_jobs++;
	code = k->sock < 0 ? -ENOTCONN : keeper_send(k->sock, &k->message, -1);
	if (code)
		return err_code(e, -code, "%s: the process that keeps vmm's programs", j->name);
	return 0;
}

int keeper_start(struct keeper *k, const struct keeper_job *j, unsigned *job, int *fd,
		 struct err *e)
{
	int code;

	assert(!k->waiting);
	code = add_job(k, j, j, job, e);
	if (code)
		return code;

	k->waiting = true;
	k->waits_for = *job;
	k->failed.code = 0;
	await(k, START_MS);
	k->waiting = false;
	*fd = k->fd;
	k->fd = -1;
	if (*fd >= 0)
		return 0;
	if (k->failed.code)
		return err_set(e, k->failed.code, "%s", k->failed.text);
	return err_set(e, ETIMEDOUT, "%s: not ready after %d s", j->name, START_MS / 1000);
}

bool keeper_ended(struct keeper *k, unsigned job, struct err *e)
{
	assert(!k->waiting && job < k->nr_jobs);
	k->waiting = true;
	k->waits_for = job;
	k->failed.code = 0;
	await(k, ENDED_MS);
	k->waiting = false;
	if (k->failed.code)
		(void)err_set(e, k->failed.code, "%s", k->failed.text);
	return k->failed.code;
}

void keeper_remove_at_end(struct keeper *k, const char *path, const struct stat *made)
{
	k->message = (struct keeper_message){ .what = KEEPER_LITTER,
					      .dev = made->st_dev,
					      .ino = made->st_ino };
	if (put(&k->message, path) && k->sock >= 0 && keeper_send(k->sock, &k->message, -1))
		lost(k);
}

int keeper_seal(struct keeper *k, struct err *e)
{
	tell(k, KEEPER_SEAL, 0);
	if (k->sock < 0)
		return err_set(e, EPIPE, "the process that keeps vmm's programs is gone");
	k->sealed = true;
	return 0;
}

bool keeper_is_lost(const struct keeper *k)
{
	return !k->sealed && k->sock < 0;
}

void keeper_again(struct keeper *k, unsigned job)
{
	assert(job < k->nr_jobs);
	if (k->job[job].asked)
		return;
	k->job[job].asked = true;
	if (k->sock < 0)
		loop_timer_arm(k->loop, &k->later, loop_now_ns() + AGAIN_MS * UINT64_C(1000000));
	else
		tell(k, KEEPER_AGAIN, job); /* one for each job: there is room for them */
}

int keeper_dials(struct keeper *k, const char *prefix, unsigned *job, struct err *e)
{
	const struct keeper_job j = { .kind = KEEPER_DIALS, .name = prefix, .path = prefix };

	return add_job(k, &j, NULL, job, e);
}

void keeper_dial(struct keeper *k, unsigned job, uint32_t number, void (*done)(void *ctx, int fd),
		 void *ctx)
{
	uint32_t i = 0;

	while (i < KEEPER_MAX_DIALS && k->dial[i].done)
		i++;
	assert(i < KEEPER_MAX_DIALS);
	k->dial[i].done = done;
	k->dial[i].ctx = ctx;
	k->message = (struct keeper_message){
		.what = KEEPER_DIAL, .job = job, .dial = i, .number = number
	};
	if (k->sock >= 0 && keeper_send(k->sock, &k->message, -1) == 0)
		return;
	lost(k);
	loop_post(k->loop, &k->gone);
}
