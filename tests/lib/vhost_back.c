/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/vhost_back.h"

#include "tests/lib/test.h"
#include "vmm/base/scope.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIT(n) (UINT64_C(1) << (n))

void back_init(struct back *b)
{
	memset(b, 0, sizeof(*b));
	b->features = BIT(32) | BIT(29) | BIT(28) | BIT(VU_F_PROTOCOL_FEATURES) | BIT(12) | BIT(9);
	b->protocol = UINT64_MAX;
	b->queues = BACK_QUEUES;
	b->slots = 32;
	b->config_size = 60;
	for (size_t i = 0; i < sizeof(b->config); i++)
		b->config[i] = (uint8_t)(i + 1);
	b->first = 1;
	b->sock = b->wake = b->channel = b->inflight = -1;
}

/* --- memory and rings --------------------------------------------------------------------------
 */

static void *at(struct back *b, uint64_t addr)
{
	for (unsigned i = 0; i < b->nr_regions; i++)
		if (addr - b->region[i].guest < b->region[i].size)
			return b->region[i].at + (addr - b->region[i].guest);
	test_fail(__FILE__, __LINE__, "no memory at 0x%" PRIx64, addr);
}

static uint16_t load16(struct back *b, uint64_t addr)
{
	return __atomic_load_n((uint16_t *)at(b, addr), __ATOMIC_ACQUIRE);
}

static void add_region(struct back *b, const struct vu_region *r, int fd)
{
	unsigned n = b->nr_regions;

	EXPECT(n < BACK_REGIONS);
	b->region[n].guest = r->guest;
	b->region[n].size = r->size;
	b->region[n].at =
		mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)r->offset);
	EXPECT(b->region[n].at != MAP_FAILED);
	(void)close(fd);
	b->nr_regions = n + 1;
}

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

/* Inverts the first readable into the first writable descriptor; how many bytes. */
static uint32_t carry_out(struct back *b, const struct back_ring *r, uint16_t head)
{
	struct desc d, out = { 0 }, in = { 0 };
	uint16_t i = head;

	do {
		memcpy(&d, at(b, r->desc + 16ULL * i), sizeof(d));
		if (d.flags & 2)
			in = d;
		else
			out = d;
		i = d.next;
	} while (d.flags & 1);
	if (in.len > out.len)
		in.len = out.len;
	for (uint32_t k = 0; k < in.len; k++)
		*(uint8_t *)at(b, in.addr + k) = *(uint8_t *)at(b, out.addr + k) ^ 0xff;
	return in.len;
}

static uint8_t *mark(struct back *b, const struct back_ring *r, uint16_t head)
{
	return b->marks ? &b->marks[(size_t)(r - b->ring) * BACK_ENTRIES + head] : NULL;
}

static void complete(struct back *b, struct back_ring *r, uint16_t head)
{
	uint32_t len = carry_out(b, r, head);
	uint16_t used = load16(b, r->used + 2);
	uint64_t entry = r->used + 4 + 8ULL * (used & (r->size - 1));

	*(uint32_t *)at(b, entry) = head;
	*(uint32_t *)at(b, entry + 4) = len;
	__atomic_store_n((uint16_t *)at(b, r->used + 2), (uint16_t)(used + 1), __ATOMIC_RELEASE);
	if (mark(b, r, head))
		*mark(b, r, head) = 0;
	b->served++;
	EXPECT_EQ(eventfd_write(r->call, 1), 0);
}

static void serve(struct back *b, struct back_ring *r)
{
	if (!r->enabled || !r->size || r->kick < 0)
		return;
	while (r->next != load16(b, r->avail + 2)) {
		uint16_t head = load16(b, r->avail + 4 + 2ULL * (r->next++ & (r->size - 1)));

		if (mark(b, r, head))
			*mark(b, r, head) = 1;
		r->held[r->nr_held++] = head;
		b->taken++;
	}
	if (b->holds)
		return;
	if (b->backwards) {
		while (r->nr_held)
			complete(b, r, r->held[--r->nr_held]);
		return;
	}
	for (unsigned i = 0; i < r->nr_held; i++)
		complete(b, r, r->held[i]);
	r->nr_held = 0;
}

/* What the one before had taken and not completed. */
static void take_up(struct back *b, struct back_ring *r)
{
	uint16_t n = 0;

	if (!b->marks)
		return;
	for (uint16_t i = 0; i < r->size; i++) {
		if (*mark(b, r, i)) {
			r->held[r->nr_held++] = i;
			n++;
		}
	}
	r->next = (uint16_t)(load16(b, r->used + 2) + n);
}

/* --- messages ----------------------------------------------------------------------------------
 */

struct message {
	struct vu_header h;
	union {
		uint64_t u64;
		struct vu_vring_state state;
		struct vu_vring_addr addr;
		struct vu_mem_table table;
		struct vu_mem_reg reg;
		struct vu_inflight inflight;
		struct vu_config config;
	};
	int fd[VU_FDS_MAX];
	unsigned nr_fds;
};

static bool receive(struct back *b, struct message *m)
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
	ssize_t got;
	size_t left;

	memset(m, 0, sizeof(*m));
	got = recvmsg(b->sock, &h, MSG_WAITALL | MSG_CMSG_CLOEXEC);
	if (got <= 0)
		return false;
	c = CMSG_FIRSTHDR(&h);
	if (c) {
		m->nr_fds = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(m->fd, CMSG_DATA(c), m->nr_fds * sizeof(int));
	}
	/* What comes with descriptors ends where their part of the message did. */
	left = sizeof(m->h) - (size_t)got;
	if (left && recv(b->sock, (char *)&m->h + got, left, MSG_WAITALL) != (ssize_t)left) {
		for (unsigned i = 0; i < m->nr_fds; i++)
			close_quietly(m->fd[i]);
		return false;
	}
	EXPECT(m->h.size <= sizeof(struct vu_config));
	return m->h.size == 0 ||
	       recv(b->sock, &m->u64, m->h.size, MSG_WAITALL) == (ssize_t)m->h.size;
}

static void send_bytes(struct back *b, const void *bytes, size_t len, const int *fds, unsigned nr)
{
	union {
		char bytes[CMSG_SPACE(16 * sizeof(int))];
		struct cmsghdr align;
	} control = { .bytes = { 0 } };
	struct iovec iov = { NULL, len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

	memcpy(&iov.iov_base, &bytes, sizeof(bytes));
	if (nr) {
		h.msg_control = control.bytes;
		h.msg_controllen = CMSG_SPACE(nr * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(nr * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, nr * sizeof(int));
	}
	(void)sendmsg(b->sock, &h, MSG_NOSIGNAL);
}

/* Answers, well or as it was told to; false: that was the end. */
static bool answer(struct back *b, const struct message *m, const void *payload, size_t size,
		   int fd)
{
	struct {
		struct vu_header h;
		char bytes[sizeof(struct vu_config) + 16];
	} a = { .h = { m->h.request, VU_VERSION | VU_REPLY, (uint32_t)size } };
	enum back_how how = m->h.request == b->bad ? b->how : BACK_WELL;
	int fds[16];
	unsigned nr = fd >= 0 ? 1 : 0;
	size_t len;

	memcpy(a.bytes, payload, size);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = fd >= 0 ? fd : b->wake;
	switch (how) {
	case BACK_CLOSES:
		return false;
	case BACK_SILENT:
		return true;
	case BACK_SHORT:
		a.h.size -= size > 0;
		break;
	case BACK_LONG:
		a.h.size += 8;
		break;
	case BACK_OTHER_REQUEST:
		a.h.request++;
		break;
	case BACK_NO_REPLY:
		a.h.flags = VU_VERSION;
		break;
	case BACK_OTHER_VERSION:
		a.h.flags = 2 | VU_REPLY;
		break;
	case BACK_FDS:
		nr = 2;
		break;
	case BACK_MANY_FDS:
		nr = VU_FDS_MAX + 1;
		break;
	case BACK_REFUSES:
		memset(a.bytes, 0xff, size);
		break;
	case BACK_HUGE:
	case BACK_CUT:
	case BACK_CUT_HEADER:
	case BACK_WELL:
		break;
	}
	len = sizeof(a.h) + a.h.size;
	if (how == BACK_HUGE)
		a.h.size = UINT32_MAX;
	if (how == BACK_CUT)
		len -= 3;
	if (how == BACK_CUT_HEADER)
		len = 7;
	send_bytes(b, &a, len, fds, nr);
	return how != BACK_CUT && how != BACK_CUT_HEADER;
}

static bool answer_u64(struct back *b, const struct message *m, uint64_t v)
{
	return answer(b, m, &v, sizeof(v), -1);
}

static void map_record(struct back *b, int fd, const struct vu_inflight *i)
{
	close_quietly(b->inflight);
	b->inflight = fd;
	b->marks = mmap(NULL, i->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)i->offset);
	EXPECT(b->marks != MAP_FAILED);
}

static bool give_record(struct back *b, const struct message *m)
{
	struct vu_inflight i = m->inflight;
	int fd = memfd_create("inflight", MFD_CLOEXEC);
	bool on;

	EXPECT(i.queues <= BACK_QUEUES && i.entries <= BACK_ENTRIES);
	i.size = (uint64_t)BACK_QUEUES * BACK_ENTRIES;
	EXPECT_EQ(ftruncate(fd, (off_t)i.size), 0);
	on = answer(b, m, &i, sizeof(i), fd);
	(void)close(fd);
	return on;
}

static bool take_fd(int *to, const struct message *m)
{
	close_quietly(*to);
	EXPECT_EQ(m->nr_fds, 1);
	*to = m->fd[0];
	return true;
}

static struct back_ring *ring(struct back *b, uint64_t index)
{
	EXPECT(index < BACK_QUEUES);
	return &b->ring[index];
}

/* Does what a message says; true when it has an answer of its own, which went well. */
static bool obey(struct back *b, const struct message *m, bool *answered)
{
	struct vu_config c = m->config;
	struct back_ring *r;

	*answered = true;
	switch (m->h.request) {
	case VU_GET_FEATURES:
		return answer_u64(b, m, b->features);
	case VU_GET_PROTOCOL_FEATURES:
		return answer_u64(b, m, b->protocol);
	case VU_GET_QUEUE_NUM:
		return answer_u64(b, m, b->queues);
	case VU_GET_MAX_MEM_SLOTS:
		return answer_u64(b, m, b->slots);
	case VU_GET_INFLIGHT_FD:
		return give_record(b, m);
	case VU_GET_CONFIG:
		if (c.size > b->config_size)
			return answer(b, m, &c, 0, -1);
		memcpy(c.bytes, b->config, c.size);
		c.bytes[0] = b->first;
		return answer(b, m, &c, 12 + c.size, -1);
	case VU_GET_VRING_BASE:
		r = ring(b, m->state.index);
		b->holds = false;
		serve(b, r);
		r->enabled = false;
		close_quietly(r->kick);
		r->kick = -1;
		return answer(b, m, &(struct vu_vring_state){ m->state.index, r->next }, 8, -1);
	default:
		break;
	}
	*answered = false;
	switch (m->h.request) {
	case VU_SET_FEATURES:
		b->accepted = m->u64;
		return true;
	case VU_SET_MEM_TABLE:
		EXPECT_EQ(m->table.nr, m->nr_fds);
		for (unsigned i = 0; i < m->table.nr; i++)
			add_region(b, &m->table.region[i], m->fd[i]);
		return true;
	case VU_ADD_MEM_REG:
		EXPECT_EQ(m->nr_fds, 1);
		add_region(b, &m->reg.region, m->fd[0]);
		return true;
	case VU_SET_INFLIGHT_FD:
		EXPECT_EQ(m->nr_fds, 1);
		map_record(b, m->fd[0], &m->inflight);
		return true;
	case VU_SET_BACKEND_REQ_FD:
		return take_fd(&b->channel, m);
	case VU_SET_CONFIG:
		EXPECT(c.offset + c.size <= b->config_size);
		memcpy(b->config + c.offset, c.bytes, c.size);
		b->config_writes++;
		return true;
	case VU_SET_VRING_NUM:
		ring(b, m->state.index)->size = m->state.num;
		return true;
	case VU_SET_VRING_BASE:
		r = ring(b, m->state.index);
		r->next = (uint16_t)m->state.num;
		r->nr_held = 0;
		return true;
	case VU_SET_VRING_ADDR:
		r = ring(b, m->addr.index);
		r->desc = m->addr.desc;
		r->avail = m->addr.avail;
		r->used = m->addr.used;
		return true;
	case VU_SET_VRING_CALL:
		return take_fd(&ring(b, m->u64)->call, m);
	case VU_SET_VRING_KICK:
		r = ring(b, m->u64);
		(void)take_fd(&r->kick, m);
		take_up(b, r);
		if (!(b->features & BIT(VU_F_PROTOCOL_FEATURES)))
			r->enabled = true;
		return true;
	case VU_SET_VRING_ENABLE:
		ring(b, m->state.index)->enabled = m->state.num;
		return true;
	default:
		return true;
	}
}

static bool serve_message(struct back *b)
{
	struct message m;
	bool answered;

	if (!receive(b, &m))
		return false;
	b->seen[m.h.request & 63]++;
	if (!obey(b, &m, &answered))
		return false;
	if (answered)
		return true;
	if (m.h.flags & VU_NEED_REPLY)
		return answer_u64(b, &m, 0);
	return m.h.request != b->bad || b->how != BACK_CLOSES;
}

static void *run(void *ctx)
{
	struct back *b = ctx;

	while (!b->quit) {
		struct pollfd p[2 + BACK_QUEUES] = { { .fd = b->sock, .events = POLLIN },
						     { .fd = b->wake, .events = POLLIN } };
		eventfd_t n;

		for (unsigned i = 0; i < BACK_QUEUES; i++)
			p[2 + i] = (struct pollfd){ .fd = b->ring[i].kick, .events = POLLIN };
		(void)poll(p, ARRAY_SIZE(p), -1);
		if (p[1].revents)
			(void)eventfd_read(b->wake, &n);
		if (b->quit || (p[0].revents && !serve_message(b)))
			break;
		for (unsigned i = 0; i < BACK_QUEUES; i++) {
			if (p[2 + i].revents && b->ring[i].kick >= 0)
				(void)eventfd_read(b->ring[i].kick, &n);
			serve(b, &b->ring[i]);
		}
	}
	(void)shutdown(b->sock, SHUT_RDWR);
	return NULL;
}

int back_start(struct back *b)
{
	int pair[2];

	EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	b->sock = pair[0];
	b->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	memset(b->ring, 0, sizeof(b->ring));
	b->taken = 0;
	for (unsigned i = 0; i < BACK_QUEUES; i++)
		b->ring[i].kick = b->ring[i].call = -1;
	b->quit = false;
	b->running = true;
	EXPECT_EQ(pthread_create(&b->thread, NULL, run, b), 0);
	return pair[1];
}

void back_look(struct back *b)
{
	EXPECT_EQ(eventfd_write(b->wake, 1), 0);
}

void back_kill(struct back *b)
{
	if (!b->running)
		return;
	b->quit = true;
	back_look(b);
	EXPECT_EQ(pthread_join(b->thread, NULL), 0);
	b->running = false;
	for (unsigned i = 0; i < BACK_QUEUES; i++) {
		close_quietly(b->ring[i].kick);
		close_quietly(b->ring[i].call);
	}
	for (unsigned i = 0; i < b->nr_regions; i++)
		(void)munmap(b->region[i].at, b->region[i].size);
	b->nr_regions = 0;
	if (b->marks)
		(void)munmap(b->marks, (size_t)BACK_QUEUES * BACK_ENTRIES);
	b->marks = NULL;
	close_quietly(b->inflight);
	close_quietly(b->channel);
	close_quietly(b->sock);
	close_quietly(b->wake);
	b->inflight = b->channel = b->sock = b->wake = -1;
}

void back_say(struct back *b, const void *bytes, size_t len)
{
	EXPECT_EQ(send(b->channel, bytes, len, MSG_NOSIGNAL), len);
}

uint64_t back_config_changed(struct back *b)
{
	const struct vu_header h = { VU_BACKEND_CONFIG_CHANGE, VU_VERSION | VU_NEED_REPLY, 0 };
	struct {
		struct vu_header h;
		uint64_t v;
	} __attribute__((packed)) a;

	back_say(b, &h, sizeof(h));
	EXPECT_EQ(recv(b->channel, &a, sizeof(a), MSG_WAITALL), sizeof(a));
	EXPECT_EQ(a.h.flags, VU_VERSION | VU_REPLY);
	return a.v;
}
