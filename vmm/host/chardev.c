/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/host/chardev_back.h"
#include "vmm/host/terminal.h"
#include "vmm/base/log.h"
#include "vmm/base/thread.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>

enum {
	CHUNK = 4096, /* read from the host at once */
	ROUNDS = 16,  /* chunks before other fds have their turn */
};

#define PACE_NS                                                                                    \
	1000000ULL /* output that keeps coming is written this often, and at each end of line */
#define FLUSH_STEP_NS 1000000000ULL  /* a close waits this long for a reader to move */
#define FLUSH_ALL_NS  10000000000ULL /* ... and this long in all */

/* --- life ----------------------------------------------------------------------------------- */

static void input_call(struct call *call)
{
	chardev_input(container_of(call, struct chardev, input));
}

static void output_call(struct call *call)
{
	chardev_output(container_of(call, struct chardev, output));
}

static void pace_expired(struct timer *t)
{
	chardev_output(container_of(t, struct chardev, pace));
}

static void tell_front(struct chardev *c)
{
	if (c->front)
		c->front->ready(c->front);
}

static void ready_call(struct call *call)
{
	tell_front(container_of(call, struct chardev, ready));
}

static void stalled_call(struct call *call)
{
	struct chardev *c = container_of(call, struct chardev, stalled);
	bool dropping;

	{
		LOCK_SCOPE(&c->lock);
		dropping = c->dropping;
	}
	/* A line that would wait behind the very output that nobody reads comes afterwards. */
	if (!dropping || (c->ops->shares_stderr && c->ops->shares_stderr(c)))
		return;
	c->told = true;
	log_warn("%s: nobody reads; the guest's output is dropped until somebody does", c->name);
}

int chardev_init(struct chardev *c, const struct chardev_ops *ops, const char *name, size_t in_size,
		 struct loop *l, struct err *e)
{
	c->name = strdup(name);
	if (!c->name || !ring_init(&c->recent, CHARDEV_RECENT) ||
	    (ops && (!ring_init(&c->out, CHARDEV_RING) || !ring_init(&c->in, in_size)))) {
		ring_done(&c->out);
		ring_done(&c->recent);
		free(c->name);
		return err_set(e, ENOMEM, "%s: out of memory", name);
	}
	c->ops = ops;
	c->loop = l;
	c->out_fd = -1;
	c->want_in = true;
	c->peers = 1;
	c->input.fn = input_call;
	c->output.fn = output_call;
	c->stalled.fn = stalled_call;
	c->ready.fn = ready_call;
	c->pace.expired = pace_expired;
	mutex_init(&c->lock);
	return 0;
}

void chardev_done(struct chardev *c)
{
	loop_timer_disarm(c->loop, &c->pace);
	loop_unpost(c->loop, &c->input);
	loop_unpost(c->loop, &c->output);
	loop_unpost(c->loop, &c->stalled);
	loop_unpost(c->loop, &c->ready);
	mutex_destroy(&c->lock);
	ring_done(&c->in);
	ring_done(&c->out);
	ring_done(&c->recent);
	free(c->name);
}

static struct chardev *chardev_null(struct loop *l, struct err *e)
{
	struct chardev *c = calloc(1, sizeof(*c));

	if (!c)
		(void)err_set(e, ENOMEM, "null: out of memory");
	else if (chardev_init(c, NULL, "null", 0, l, e)) {
		free(c);
		c = NULL;
	}
	return c;
}

/* Writing to what is gone or full is an error we handle, not a signal that ends us. */
static void ignore_signal(int signo)
{
	struct sigaction now;

	if (sigaction(signo, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		(void)signal(signo, SIG_IGN);
}

struct chardev *chardev_open(enum chardev_kind kind, const char *path,
			     const struct chardev_commands *commands, struct loop *l, struct err *e)
{
	switch (kind) {
	case CHARDEV_STDIO:
		ignore_signal(SIGPIPE);
		ignore_signal(SIGXFSZ);
		return chardev_stdio(commands, l, e);
	case CHARDEV_PTY:
		return chardev_pty(l, e);
	case CHARDEV_FILE:
		ignore_signal(SIGPIPE);
		ignore_signal(SIGXFSZ);
		return chardev_file(path, l, e);
	case CHARDEV_SOCKET:
		return chardev_socket(path, l, e);
	case CHARDEV_NONE:
	case CHARDEV_NULL:
		return chardev_null(l, e);
	}
	(void)err_set(e, EINVAL, "unknown kind %d", (int)kind);
	return NULL;
}

void chardev_close(struct chardev *c)
{
	if (!c)
		return;
	c->front = NULL;
	if (c->ops) {
		c->ops->destroy(c);
		return;
	}
	chardev_done(c);
	free(c);
}

const char *chardev_name(const struct chardev *c)
{
	return c->name;
}

void chardev_attach(struct chardev *c, struct chardev_front *f)
{
	c->front = f;
	if (f && atomic_load_explicit(&c->in_used, memory_order_relaxed))
		loop_post(c->loop, &c->ready);
}

void chardev_job_control(struct chardev *c, int signo)
{
	bool ours = c->ops && c->ops->job_control;

	if (ours)
		c->ops->job_control(c, signo);
	if (signo != SIGTSTP)
		return;
	/* To this thread: nothing below may run before the process has stopped. */
	thread_raise(SIGSTOP);
	if (ours)
		c->ops->job_control(c, SIGCONT);
}

/* --- what the front calls, from any thread -------------------------------------------------- */

/* The rings changed. */
static void note_used(struct chardev *c)
{
	assert_held(&c->lock);
	atomic_store_explicit(&c->in_used, c->in.used, memory_order_relaxed);
	atomic_store_explicit(&c->out_used, c->out.used, memory_order_relaxed);
}

static void count_dropped(struct chardev *c, size_t n)
{
	assert_held(&c->lock);
	(void)atomic_fetch_add_explicit(&c->dropped, n, memory_order_relaxed);
}

uint64_t chardev_dropped(const struct chardev *c)
{
	return atomic_load_explicit(&c->dropped, memory_order_relaxed);
}

size_t chardev_read(struct chardev *c, void *to, size_t len)
{
	bool resume = false;
	size_t n;

	/* Relaxed: who missed a byte that just came is told of it by ready(). */
	if (!atomic_load_explicit(&c->in_used, memory_order_relaxed))
		return 0;
	{
		LOCK_SCOPE(&c->lock);
		n = ring_get(&c->in, to, len);
		note_used(c);
		/* At half, not at the first byte: a wake-up for each FIFO would be too many. */
		if (c->in_full && c->in.used <= c->in.size / 2) {
			c->in_full = false;
			resume = true;
		}
	}
	if (resume)
		loop_post(c->loop, &c->input);
	return n;
}

/* The front asked for room in vain. Whether the stall rule gives it room all the same. */
static bool stalled(struct chardev *c)
{
	assert_held(&c->lock);
	c->want_room = true;
	if (c->dropping)
		return true;
	if (c->asks++ == 0)
		c->asks_since_ns = loop_now_ns();
	if (c->asks < CHARDEV_STALL_ASKS || loop_now_ns() - c->asks_since_ns < CHARDEV_STALL_NS)
		return false;
	c->dropping = true;
	c->dropped_before = atomic_load_explicit(&c->dropped, memory_order_relaxed);
	loop_post(c->loop, &c->stalled);
	return true;
}

/* Who reads lines, a person or a script, gets each as soon as it is whole. */
static bool ends_line(const void *from, size_t len)
{
	return ((const char *)from)[len - 1] == '\n';
}

size_t chardev_write(struct chardev *c, const void *from, size_t len)
{
	size_t n = len;
	bool post;

	if (len == 0)
		return 0;
	{
		LOCK_SCOPE(&c->lock);
		if (c->state == OUT_NOBODY) {
			/* Nothing is being written meanwhile, so the oldest may go. */
			count_dropped(c, ring_put_newest(&c->out, from, len));
		} else if (c->ops) {
			n = ring_put(&c->out, from, len);
			if (n < len && stalled(c)) {
				count_dropped(c, len - n);
				n = len;
			}
		}
		(void)ring_put_newest(&c->recent, from, n);
		note_used(c);
		post = (c->state == OUT_IDLE && c->out.used) ||
		       (c->state == OUT_PACED &&
			(c->out.used >= c->out.size / 2 || ends_line(from, len)));
		if (post)
			c->state = OUT_POSTED;
	}
	if (post)
		loop_post(c->loop, &c->output);
	return n;
}

size_t chardev_room(struct chardev *c)
{
	size_t used;

	if (!c->ops)
		return CHARDEV_RING;
	/* Relaxed: only the front itself makes it more, so it is at worst too high. */
	used = atomic_load_explicit(&c->out_used, memory_order_relaxed);
	if (used < CHARDEV_RING)
		return CHARDEV_RING - used;

	LOCK_SCOPE(&c->lock);
	if (ring_room(&c->out))
		return ring_room(&c->out);
	return c->state == OUT_NOBODY || stalled(c) ? CHARDEV_RING : 0;
}

size_t chardev_recent(struct chardev *c, void *to, size_t len)
{
	struct iovec iov[2];
	size_t skip, n = 0;
	int spans;

	LOCK_SCOPE(&c->lock);
	spans = ring_spans(&c->recent, iov);
	skip = c->recent.used > len ? c->recent.used - len : 0;
	for (int i = 0; i < spans; i++) {
		size_t past = skip < iov[i].iov_len ? skip : iov[i].iov_len;
		size_t part = iov[i].iov_len - past;

		memcpy((uint8_t *)to + n, (const uint8_t *)iov[i].iov_base + past, part);
		skip -= past;
		n += part;
	}
	return n;
}

unsigned chardev_peers(struct chardev *c)
{
	bool coming;

	LOCK_SCOPE(&c->lock);
	coming = c->in.used || c->in_full ||
		 atomic_load_explicit(&c->input.posted, memory_order_relaxed);
	return c->peers % 2 == 0 && coming ? c->peers - 1 : c->peers;
}

void chardev_size(struct chardev *c, uint16_t *cols, uint16_t *rows)
{
	LOCK_SCOPE(&c->lock);
	*cols = c->cols;
	*rows = c->rows;
}

void chardev_forget_recent(struct chardev *c)
{
	LOCK_SCOPE(&c->lock);
	ring_drop(&c->recent, c->recent.used);
}

/* --- input, on the loop thread -------------------------------------------------------------- */

/* Room for input; without any, the host is left alone until the front has taken half. */
static size_t input_room(struct chardev *c)
{
	size_t room;

	{
		LOCK_SCOPE(&c->lock);
		room = ring_room(&c->in);
		c->in_full = room == 0;
	}
	if (c->want_in != (room > 0)) {
		c->want_in = room > 0;
		c->ops->want(c);
	}
	return room;
}

void chardev_input(struct chardev *c)
{
	uint8_t chunk[CHUNK];

	for (int i = 0; i < ROUNDS; i++) {
		size_t room = input_room(c), n;

		if (!room)
			return;
		n = c->ops->read(c, chunk, room < CHUNK ? room : CHUNK);
		if (!n) {
			if (c->peers % 2 == 0)
				tell_front(c); /* nothing more of one that left */
			return;
		}
		{
			LOCK_SCOPE(&c->lock);
			(void)ring_put(&c->in, chunk, n);
			note_used(c);
		}
		tell_front(c);
	}
	/* There may be more, and not everything can be watched. */
	loop_post(c->loop, &c->input);
}

/* --- output, on the loop thread ------------------------------------------------------------- */

static void say_moved(const struct chardev *c, uint64_t before)
{
	uint64_t n = chardev_dropped(c) - before;

	if (c->told)
		log_info("%s: somebody reads again; %" PRIu64 " bytes of output were dropped",
			 c->name, n);
	else
		log_warn("%s: nobody read for a while; %" PRIu64 " bytes of output were dropped",
			 c->name, n);
}

/* Ends the stall rule, if it is in force. */
static void moved(struct chardev *c)
{
	uint64_t before;
	bool was;

	{
		LOCK_SCOPE(&c->lock);
		was = c->dropping;
		before = c->dropped_before;
		c->dropping = false;
		c->asks = 0;
	}
	if (was)
		say_moved(c, before);
	c->told = false;
}

/*
 * Hands what waits, @had bytes, to the back end; returns how many it took. Written without the
 * lock: while there is a peer the front only appends, and this thread alone drops.
 */
static size_t push(struct chardev *c, size_t *had)
{
	struct iovec iov[2];
	bool tell = false;
	int spans = 0;
	size_t took;

	{
		LOCK_SCOPE(&c->lock);
		if (c->state != OUT_NOBODY)
			spans = ring_spans(&c->out, iov);
		*had = spans ? c->out.used : 0;
	}
	took = spans ? c->ops->write(c, iov, spans) : 0;
	if (!took)
		return 0;
	{
		LOCK_SCOPE(&c->lock);
		ring_drop(&c->out, took);
		note_used(c);
		tell = c->want_room;
		c->want_room = false;
	}
	c->taken += took;
	if (c->teller)
		loop_post(c->loop, c->teller);
	moved(c);
	if (tell)
		loop_post(c->loop, &c->ready);
	return took;
}

void chardev_output(struct chardev *c)
{
	size_t had, took = push(c, &had);
	enum out_state state;

	{
		LOCK_SCOPE(&c->lock);
		if (c->state != OUT_NOBODY) {
			if (took < had)
				c->state = OUT_BLOCKED;
			else if (had || c->out.used)
				c->state = OUT_PACED;
			else
				c->state = OUT_IDLE;
		}
		state = c->state;
	}
	if (state == OUT_PACED)
		loop_timer_arm(c->loop, &c->pace, loop_now_ns() + PACE_NS);
	if (c->want_out != (state == OUT_BLOCKED)) {
		c->want_out = state == OUT_BLOCKED;
		c->ops->want(c);
	}
}

void chardev_peer(struct chardev *c, bool present)
{
	{
		LOCK_SCOPE(&c->lock);
		if (present == (c->state != OUT_NOBODY))
			return;
		c->state = present ? OUT_POSTED : OUT_NOBODY;
		c->peers++;
		if (!present)
			c->want_room = false;
	}
	c->want_out = false;
	loop_timer_disarm(c->loop, &c->pace);
	moved(c);
	/* What one that left has sent is taken before the front hears that it left. */
	loop_post(c->loop, present ? &c->output : &c->input);
	loop_post(c->loop, &c->ready);
}

uint64_t chardev_taken(const struct chardev *c)
{
	return c->taken;
}

void chardev_tell_taken(struct chardev *c, struct call *call)
{
	c->teller = call;
}

void chardev_look_at_size(struct chardev *c, int fd)
{
	uint16_t cols, rows;
	bool tell;

	if (!terminal_size(fd, &cols, &rows))
		return;
	{
		LOCK_SCOPE(&c->lock);
		tell = c->cols != cols || c->rows != rows;
		c->cols = cols;
		c->rows = rows;
	}
	if (tell)
		loop_post(c->loop, &c->ready);
}

size_t chardev_write_failed(struct chardev *c, int code, const struct iovec *iov, int spans)
{
	size_t n = 0;

	for (int i = 0; i < spans; i++)
		n += iov[i].iov_len;
	if (!c->failing)
		log_warn("%s: %s; the guest's output is dropped until it can be written", c->name,
			 strerror(code));
	c->failing = true;
	LOCK_SCOPE(&c->lock);
	count_dropped(c, n);
	return n;
}

void chardev_written(struct chardev *c)
{
	if (c->failing)
		log_info("%s: output is written again; %" PRIu64 " bytes were dropped so far",
			 c->name, chardev_dropped(c));
	c->failing = false;
}

/* Milliseconds until @due, at least 1; 0 when it has passed. */
static int ms_until(uint64_t due)
{
	uint64_t now = loop_now_ns();

	return now < due ? (int)((due - now) / 1000000) + 1 : 0;
}

/* Bytes that nobody has taken. */
static size_t left(struct chardev *c)
{
	LOCK_SCOPE(&c->lock);
	return c->out.used;
}

void chardev_flush(struct chardev *c)
{
	uint64_t all = loop_now_ns() + FLUSH_ALL_NS, step = loop_now_ns() + FLUSH_STEP_NS;
	bool reader = false;
	size_t had, took;

	for (;;) {
		struct pollfd p = { .fd = c->out_fd, .events = POLLOUT };
		int ms;

		took = push(c, &had);
		if (!had && (!reader || !left(c))) /* nobody was there, or all is done */
			return;
		if (!had)
			break;
		reader = true;
		if (took)
			step = loop_now_ns() + FLUSH_STEP_NS;
		ms = ms_until(step < all ? step : all);
		if (!ms)
			break;
		if (took < had)
			(void)poll(&p, 1, ms);
	}
	if (!c->ops->shares_stderr || !c->ops->shares_stderr(c))
		log_warn("%s: nobody reads; the last %zu bytes of output are lost", c->name,
			 left(c));
}
