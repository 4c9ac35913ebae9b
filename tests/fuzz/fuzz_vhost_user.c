/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost-user: a back end that answers as the protocol wants it, but for the messages where the
 * program has another answer, and that dies, comes back, serves rings in and out of order, and says
 * things unasked. Any device type, with a driver that starts, writes and resets.
 */
#include "devices/virtio/vhost_user_parts.h"
#include "tests/fuzz/fiber.h"
#include "tests/fuzz/guest.h"
#include "vmm/base/scope.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

enum { SERVE = GUEST_OPS, SAY, CONFIG, DIE, COME, DOWN, NR_OPS };

enum { LIES = 6, RINGS = 8 };

/* What comes instead of an answer. */
enum lie {
	TRUTH,
	SILENT,
	CLOSES,
	SHORT,
	LONG,
	HUGE_,
	CUT,
	OTHER_REQUEST,
	NO_REPLY,
	OTHER_VERSION,
	TWO_FDS,
	MANY_FDS,
	ALL_ONES,
	OTHER_BYTES,
	NR_LIES
};

static struct {
	int sock, channel; /* -1: none */
	int call[RINGS], kick[RINGS];
	uint64_t features, protocol, queues, slots;
	uint8_t config_size;
	unsigned message; /* how many came in this connection */
	struct {
		uint8_t message, how, more;
	} lie[LIES];
	bool deaf; /* does not look at its socket now */
} back;

static unsigned agains;

static void on_again(void *ctx UNUSED)
{
	agains++;
}

static void close_it(int *fd)
{
	close_quietly(*fd);
	*fd = -1;
}

static void back_die(void)
{
	close_it(&back.sock);
	close_it(&back.channel);
	for (unsigned i = 0; i < RINGS; i++) {
		close_it(&back.call[i]);
		close_it(&back.kick[i]);
	}
}

/* It begins; the front end's socket. */
static int back_come(void)
{
	int pair[2];

	back_die();
	EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	back.sock = pair[0];
	back.message = 0;
	return pair[1];
}

struct message {
	struct vu_header h;
	uint8_t payload[300];
	int fd[VU_FDS_MAX];
	unsigned nr_fds;
};

static bool back_receive(struct message *m)
{
	union {
		char bytes[CMSG_SPACE(VU_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { &m->h, sizeof(m->h) };
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c;

	memset(m, 0, sizeof(*m));
	if (recvmsg(back.sock, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(m->h))
		return false;
	c = CMSG_FIRSTHDR(&h);
	if (c) {
		m->nr_fds = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(m->fd, CMSG_DATA(c), m->nr_fds * sizeof(int));
	}
	EXPECT(m->h.size <= sizeof(m->payload) && (m->h.flags & 3) == VU_VERSION);
	return m->h.size == 0 ||
	       recv(back.sock, m->payload, m->h.size, MSG_DONTWAIT) == (ssize_t)m->h.size;
}

static void back_send(const void *bytes, size_t len, int fd, unsigned nr)
{
	union {
		char bytes[CMSG_SPACE(16 * sizeof(int))];
		struct cmsghdr align;
	} control = { .bytes = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)bytes, len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

	for (unsigned i = 0; i < nr; i++)
		memcpy(CMSG_DATA(&control.align) + i * sizeof(int), &fd, sizeof(fd));
	if (nr) {
		h.msg_control = control.bytes;
		h.msg_controllen = CMSG_SPACE(nr * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(nr * sizeof(int));
	}
	(void)sendmsg(back.sock, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The answer, or what comes instead. */
static void back_answer(const struct message *m, const void *payload, size_t size, int fd)
{
	struct {
		struct vu_header h;
		uint8_t payload[sizeof(struct vu_config) + 16];
	} a = { .h = { m->h.request, VU_VERSION | VU_REPLY, (uint32_t)size } };
	unsigned nr = fd >= 0, how = TRUTH, more = 0;
	size_t len;

	for (unsigned i = 0; i < LIES; i++) {
		if (back.lie[i].message != back.message || back.lie[i].how % NR_LIES == TRUTH)
			continue;
		how = back.lie[i].how % NR_LIES;
		more = back.lie[i].more;
	}
	memcpy(a.payload, payload, size);
	switch ((enum lie)how) {
	case SILENT:
		return;
	case CLOSES:
		back_die();
		return;
	case SHORT:
		a.h.size -= more % 8U < a.h.size ? more % 8U : a.h.size;
		break;
	case LONG:
		a.h.size += 1 + more % 15U;
		break;
	case OTHER_REQUEST:
		a.h.request ^= 1 + more;
		break;
	case NO_REPLY:
		a.h.flags = VU_VERSION;
		break;
	case OTHER_VERSION:
		a.h.flags = 2 | VU_REPLY;
		break;
	case TWO_FDS:
		nr = 2;
		break;
	case MANY_FDS:
		nr = VU_FDS_MAX + 1;
		break;
	case ALL_ONES:
		memset(a.payload, 0xff, size);
		break;
	case OTHER_BYTES:
		a.payload[more % (size ? size : 1)] ^= (uint8_t)(1 + (more >> 4));
		break;
	case TRUTH:
	case HUGE_:
	case CUT:
	case NR_LIES:
		break;
	}
	len = sizeof(a.h) + a.h.size;
	if (how == HUGE_)
		a.h.size = UINT32_MAX;
	if (how == CUT)
		len = more % len;
	back_send(&a, len, fd >= 0 ? fd : back.sock, nr);
	if (how == CUT)
		back_die();
}

static void back_u64(const struct message *m, uint64_t v)
{
	back_answer(m, &v, sizeof(v), -1);
}

static void take_fd(int *to, struct message *m)
{
	EXPECT_EQ(m->nr_fds, 1);
	close_it(to);
	*to = m->fd[0];
	m->nr_fds = 0;
}

static int *ring_fd(int *fd, const struct message *m)
{
	uint64_t v;

	memcpy(&v, m->payload, sizeof(v));
	return v < RINGS ? &fd[v] : NULL;
}

static void back_inflight(const struct message *m)
{
	auto_fd int fd = memfd_create("inflight", MFD_CLOEXEC);
	struct vu_inflight i;

	EXPECT(fd >= 0 && ftruncate(fd, 4096) == 0);
	memcpy(&i, m->payload, sizeof(i));
	i.size = 4096;
	back_answer(m, &i, sizeof(i), fd);
}

static void back_config(const struct message *m)
{
	struct vu_config c = { .size = 0 };

	memcpy(&c, m->payload, m->h.size < sizeof(c) ? m->h.size : sizeof(c));
	memset(c.bytes, back.config_size, sizeof(c.bytes));
	if (c.size > back.config_size)
		back_answer(m, &c, 0, -1);
	else
		back_answer(m, &c, 12 + c.size, -1);
}

static void back_obey(struct message *m)
{
	struct vu_vring_state s;
	int *fd;

	memcpy(&s, m->payload, sizeof(s));
	switch ((enum vu_request)m->h.request) {
	case VU_GET_FEATURES:
		back_u64(m, back.features);
		return;
	case VU_GET_PROTOCOL_FEATURES:
		back_u64(m, back.protocol);
		return;
	case VU_GET_QUEUE_NUM:
		back_u64(m, back.queues);
		return;
	case VU_GET_MAX_MEM_SLOTS:
		back_u64(m, back.slots);
		return;
	case VU_GET_INFLIGHT_FD:
		back_inflight(m);
		return;
	case VU_GET_CONFIG:
		back_config(m);
		return;
	case VU_GET_VRING_BASE:
		back_answer(m, &s, sizeof(s), -1);
		return;
	case VU_SET_BACKEND_REQ_FD:
		take_fd(&back.channel, m);
		break;
	case VU_SET_VRING_CALL:
	case VU_SET_VRING_KICK:
		fd = ring_fd(m->h.request == VU_SET_VRING_CALL ? back.call : back.kick, m);
		if (fd)
			take_fd(fd, m);
		break;
	case VU_SET_FEATURES:
	case VU_SET_OWNER:
	case VU_SET_MEM_TABLE:
	case VU_SET_VRING_NUM:
	case VU_SET_VRING_ADDR:
	case VU_SET_VRING_BASE:
	case VU_SET_PROTOCOL_FEATURES:
	case VU_SET_VRING_ENABLE:
	case VU_SET_CONFIG:
	case VU_SET_INFLIGHT_FD:
	case VU_ADD_MEM_REG:
	case VU_SET_STATUS:
		break;
	}
	if (m->h.flags & VU_NEED_REPLY)
		back_u64(m, 0);
}

/* It answers all that has come. */
static void fiber_others(void)
{
	struct message m;
	bool more = true;

	while (more && back.sock >= 0 && !back.deaf) {
		more = back_receive(&m);
		back.message += more;
		if (more)
			back_obey(&m);
		for (unsigned i = 0; i < m.nr_fds; i++)
			close_quietly(m.fd[i]);
	}
}

/* Requests of a split ring become used, in order or not. */
static void back_serve(const struct guest *g)
{
	struct program *p = g->p;
	const unsigned q = program_u8(p) % RINGS, how = program_u8(p);
	const uint64_t used = guest_page(g, q) + 0x600;
	uint16_t idx;

	for (unsigned n = how & 7; n; n--) {
		memcpy(&idx, guest_at(used + 2, 2), 2);
		guest_put16(used + 4 + 8ULL * (idx % GUEST_ENTRIES),
			    how & 8 ? (uint16_t)n : idx % GUEST_ENTRIES);
		guest_put16(used + 2, (uint16_t)(idx + 1));
	}
	if (back.call[q] >= 0)
		(void)eventfd_write(back.call[q], 1);
}

/* On its own channel, or where it must not speak. */
static void back_say(struct program *p)
{
	const uint8_t how = program_u8(p);
	const uint8_t *from;
	const size_t n = program_take(p, &from, how & 63);
	const int fd = how & 64 ? back.sock : back.channel;

	if (fd >= 0 && n)
		(void)send(fd, from, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void back_says_config(uint8_t how)
{
	const struct vu_header h = { how & 1 ? 2 : how >> 4, VU_VERSION | (how & VU_NEED_REPLY),
				     0 };

	back.config_size ^= how >> 7;
	if (back.channel >= 0)
		(void)send(back.channel, &h, sizeof(h), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void back_init(struct program *p)
{
	const uint8_t how = program_u8(p), protocol = program_u8(p);
	static const unsigned bits[] = {
		VU_PROTOCOL_MQ,	    VU_PROTOCOL_REPLY_ACK,	VU_PROTOCOL_BACKEND_REQ,
		VU_PROTOCOL_CONFIG, VU_PROTOCOL_INFLIGHT_SHMFD, VU_PROTOCOL_CONFIGURE_MEM_SLOTS,
		VU_PROTOCOL_STATUS,
	};

	memset(&back, 0, sizeof(back));
	back.sock = back.channel = -1;
	memset(back.call, -1, sizeof(back.call));
	memset(back.kick, -1, sizeof(back.kick));
	back.features = VIRTIO_BIT(32) | VIRTIO_BIT(28) | VIRTIO_BIT(29) | VIRTIO_BIT(9);
	if (how & 1)
		back.features |= VIRTIO_BIT(VU_F_PROTOCOL_FEATURES);
	if (how & 2)
		back.features |= VIRTIO_BIT(12) | VIRTIO_BIT(5) | VIRTIO_BIT(3);
	if (how & 4)
		back.features &= ~VIRTIO_BIT(32);
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		back.protocol |= protocol >> i & 1 ? VIRTIO_BIT(bits[i]) : 0;
	back.queues = how & 8 ? 1 : RINGS;
	back.slots = how & 16 ? 1 : 32;
	back.config_size = how & 32 ? 60 : 96;
	program_copy(p, back.lie, sizeof(back.lie));
}

/* NULL: it is no such back end. */
static struct virtio *make(struct guest *g)
{
	static const uint8_t types[] = { VHOST_USER_BLK, VHOST_USER_NET, VHOST_USER_FS, 18 };
	const uint8_t how = program_u8(g->p);
	const struct vhost_user_setup c = {
		.name = "fuzz",
		.type = types[how & 3],
		.queues = how >> 2 & 3,
		.tag = "stuff",
		.config_size = how & 16 ? 24 : 0,
		.again = on_again,
	};
	struct err e = { .text = "" };
	struct virtio *v = vhost_user_create(&c, back_come(), &g->mem, g->loop, &e);

	EXPECT(v || (e.text[0] && !strchr(e.text, '\n')));
	return v;
}

static void drive(struct guest *g, struct virtio *v)
{
	struct program *p = g->p;

	guest_plug(g, v);
	while (program_more(p)) {
		const unsigned op = program_u8(p) % NR_OPS;

		if (op == GUEST_TURNS)
			rounds_run(g->loop, 1 + program_u8(p) % 4U);
		else if (op < GUEST_OPS)
			guest_do(g, (enum guest_op)op);
		else if (op == SERVE)
			back_serve(g);
		else if (op == SAY)
			back_say(p);
		else if (op == CONFIG)
			back_says_config(program_u8(p));
		else if (op == DIE)
			back_die();
		else if (op == COME)
			vhost_user_up(v, back_come());
		else
			vhost_user_down(v, "nobody listens");
		fiber_run();
	}
	guest_done(g);
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct program p = { data, len };
	struct virtio *v;
	static struct guest g;

	clock_start();
	guest_init(&g, &p, true);
	back_init(&p);
	v = make(&g);
	if (v)
		drive(&g, v);
	else
		loop_destroy(g.loop);
	back_die();
}
