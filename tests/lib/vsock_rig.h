/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest with a vsock device on Unix sockets: its driver says and hears packets, the host's
 * programs are sockets of the test. Include it in one file of a test program.
 */
#ifndef TESTS_LIB_VSOCK_RIG_H
#define TESTS_LIB_VSOCK_RIG_H

#include "devices/virtio/vsock_parts.h"
#include "tests/lib/virtio_guest.h"
#include "vmm/base/checked.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	RIG_CID = 77,
	RIG_BUFFERS = 32,
	RIG_BUFFER = 4096,
	RIG_SAYS = RIG_BUFFERS * RIG_BUFFER, /* where the driver puts what it says */
	RIG_ALLOC = 65536,
	RIG_DIALS = 64,
};

/* A packet as the guest sees it. */
struct heard {
	unsigned op, type;
	uint32_t guest_port, host_port, len, flags, alloc, forwarded;
	uint8_t data[RIG_BUFFER];
};

struct rig {
	struct guest g;
	struct virtio_vsock_dialer dialer;
	char folder[32], path[64];
	struct {
		uint32_t port;
		void (*done)(void *ctx, int fd);
		void *ctx;
	} dial[RIG_DIALS];
	unsigned nr_dials; /* asked for */
	uint64_t features;
	unsigned ring;	   /* entries of the driver's queues */
	unsigned withheld; /* buffers that the driver does not give */
};

static struct sockaddr_un rig_name(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return a;
}

static int rig_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	EXPECT(fd >= 0);
	return fd;
}

/* Connects to a path; -1 when nobody listens. */
static int rig_connect_path(const char *path)
{
	struct sockaddr_un a = rig_name(path);
	int fd = rig_socket();

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static UNUSED int rig_listen(struct rig *r, uint32_t port)
{
	struct sockaddr_un a;
	char path[80];
	int fd = rig_socket();

	(void)snprintf(path, sizeof(path), "%s_%u", r->path, port);
	(void)unlink(path);
	a = rig_name(path);
	EXPECT_EQ(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	EXPECT_EQ(listen(fd, 128), 0);
	return fd;
}

static void rig_dial(void *ctx, uint32_t port, void (*done)(void *done_ctx, int fd), void *done_ctx)
{
	struct rig *r = ctx;

	EXPECT(r->nr_dials < VIRTIO_VSOCK_DIALS);
	r->dial[r->nr_dials].port = port;
	r->dial[r->nr_dials].done = done;
	r->dial[r->nr_dials++].ctx = done_ctx;
}

/* Carries out what was asked for so far. */
static UNUSED void rig_run_dials(struct rig *r)
{
	while (r->nr_dials) {
		unsigned n = --r->nr_dials;
		char path[80];

		(void)snprintf(path, sizeof(path), "%s_%u", r->path, r->dial[n].port);
		r->dial[n].done(r->dial[n].ctx, rig_connect_path(path));
	}
}

static void rig_give(struct rig *r, uint64_t addr)
{
	const struct piece p = { addr, RIG_BUFFER, true };

	EXPECT(driver_add(&r->g.d.queue[VSOCK_RX], &p, 1, addr));
	(void)driver_kick(&r->g.d.queue[VSOCK_RX]);
}

/* A driver begins. */
static UNUSED void rig_start(struct rig *r)
{
	driver_forget(&r->g.d);
	driver_start(&r->g.d, r->features, r->ring);
	for (unsigned i = r->withheld; i < RIG_BUFFERS; i++)
		rig_give(r, GUEST_BUFFERS + i * RIG_BUFFER);
	guest_turns(&r->g, 1);
}

static UNUSED void rig_begin(struct rig *r, uint64_t features)
{
	struct virtio_vsock_config c = { .cid = RIG_CID };
	struct virtio *v;
	struct err e;

	memset(r, 0, sizeof(*r));
	r->features = features;
	r->ring = GUEST_RING;
	(void)snprintf(r->folder, sizeof(r->folder), "/tmp/test-vsock.XXXXXX");
	EXPECT(mkdtemp(r->folder));
	(void)snprintf(r->path, sizeof(r->path), "%s/v", r->folder);
	c.uds = r->path;
	r->dialer = (struct virtio_vsock_dialer){ .dial = rig_dial, .ctx = r };
	guest_make(&r->g);
	v = virtio_vsock_create(&c, &r->g.d.mem, r->g.loop, &r->dialer, &e);
	if (!v)
		test_fail(__FILE__, __LINE__, "%s", e.text);
	driver_plug(&r->g.d, v);
	rig_start(r);
}

static UNUSED struct vsock *rig_vsock(struct rig *r)
{
	return container_of(virtio_mmio_virtio(r->g.d.dev), struct vsock, v);
}

/* Connections that the device has, in whatever state. */
static UNUSED unsigned rig_connections(struct rig *r)
{
	struct vsock *s = rig_vsock(r);
	unsigned n = 0;

	for (unsigned i = 0; i < s->fresh; i++)
		n += s->conn[i].state != VSOCK_FREE;
	return n;
}

static UNUSED void rig_end(struct rig *r)
{
	char command[64];

	guest_end(&r->g);
	EXPECT(access(r->path, F_OK) < 0);
	(void)snprintf(command, sizeof(command), "rm -r %s", r->folder);
	EXPECT_EQ(system(command), 0);
}

/* The next packet for the guest, which gives its buffer back; false when there is none. */
static bool rig_hear(struct rig *r, struct heard *h)
{
	const struct vsock_header *at;
	uint64_t addr;
	uint32_t written;

	if (!driver_get(&r->g.d.queue[VSOCK_RX], &addr, &written))
		return false;
	at = driver_at(&r->g.d, addr);
	EXPECT(written >= VSOCK_HEADER);
	EXPECT_EQ(written, VSOCK_HEADER + le32_get(at->len));
	EXPECT_EQ(le64_get(at->src_cid), VSOCK_CID_HOST);
	EXPECT_EQ(le64_get(at->dst_cid), RIG_CID);
	h->op = le16_get(at->op);
	h->type = le16_get(at->type);
	h->guest_port = le32_get(at->dst_port);
	h->host_port = le32_get(at->src_port);
	h->len = le32_get(at->len);
	h->flags = le32_get(at->flags);
	h->alloc = le32_get(at->buf_alloc);
	h->forwarded = le32_get(at->fwd_cnt);
	memcpy(h->data, at + 1, h->len);
	rig_give(r, addr);
	return true;
}

/* A packet that the guest says. */
struct word {
	unsigned op, type; /* type 0: a stream's */
	uint32_t guest_port, host_port, flags, alloc, forwarded;
	uint32_t len; /* of the data; the header says the same, but for lie */
	int32_t lie;
	const void *data;
	uint64_t src, dst; /* 0: the right ones */
	unsigned header;   /* bytes of it; 0: all */
};

/* False when the device did not take it. */
static bool rig_try_say(struct rig *r, const struct word *w)
{
	const struct vsock_header h = {
		.src_cid = le64_of(w->src ? w->src : RIG_CID),
		.dst_cid = le64_of(w->dst ? w->dst : VSOCK_CID_HOST),
		.src_port = le32_of(w->guest_port),
		.dst_port = le32_of(w->host_port),
		.len = le32_of(w->len + (uint32_t)w->lie),
		.type = le16_of((uint16_t)(w->type ? w->type : VSOCK_TYPE_STREAM)),
		.op = le16_of((uint16_t)w->op),
		.flags = le32_of(w->flags),
		.buf_alloc = le32_of(w->alloc ? w->alloc : RIG_ALLOC),
		.fwd_cnt = le32_of(w->forwarded),
	};
	const struct piece p[] = {
		{ GUEST_BUFFERS + RIG_SAYS, w->header ? w->header : VSOCK_HEADER, false },
		{ GUEST_BUFFERS + RIG_SAYS + 64, w->len, false },
	};
	uint32_t written;
	uint64_t cookie;

	memcpy(guest_buf(&r->g, RIG_SAYS), &h, sizeof(h));
	if (w->len)
		memcpy(guest_buf(&r->g, RIG_SAYS + 64), w->data, w->len);
	EXPECT(driver_add(&r->g.d.queue[VSOCK_TX], p, w->len ? 2 : 1, 1));
	(void)driver_kick(&r->g.d.queue[VSOCK_TX]);
	/* A round of the loop does not serve more than some fds. */
	for (int i = 0; i < 8; i++) {
		guest_turns(&r->g, 1);
		if (driver_get(&r->g.d.queue[VSOCK_TX], &cookie, &written)) {
			EXPECT_EQ(written, 0);
			return true;
		}
	}
	return false;
}

static UNUSED void rig_say(struct rig *r, const struct word *w)
{
	EXPECT(rig_try_say(r, w));
}

#define SAY(r, ...) rig_say((r), &(const struct word){ __VA_ARGS__ })

/* The next packet is of this operation. */
static UNUSED struct heard *rig_expect(struct rig *r, unsigned op)
{
	static struct heard h;

	for (int i = 0; !rig_hear(r, &h); i++) {
		if (i == 20)
			test_fail(__FILE__, __LINE__, "nothing heard, wanted op %u", op);
		guest_turns(&r->g, 1);
	}
	if (h.op != op)
		test_fail(__FILE__, __LINE__, "heard op %u, wanted %u", h.op, op);
	return &h;
}

static UNUSED void rig_expect_nothing(struct rig *r)
{
	struct heard h;

	guest_turns(&r->g, 3);
	if (rig_hear(r, &h))
		test_fail(__FILE__, __LINE__, "heard op %u", h.op);
}

/* A program of the host connects to the guest's port and is taken; its socket. */
static UNUSED int rig_host_connects(struct rig *r, uint32_t guest_port, uint32_t *host_port)
{
	int fd = rig_connect_path(r->path);
	char line[64], want[64];
	struct heard *h;
	ssize_t n;

	EXPECT(fd >= 0);
	(void)snprintf(line, sizeof(line), "CONNECT %u\n", guest_port);
	EXPECT_EQ(write(fd, line, strlen(line)), strlen(line));
	h = rig_expect(r, VSOCK_OP_REQUEST);
	EXPECT_EQ(h->guest_port, guest_port);
	EXPECT_EQ(h->alloc, VSOCK_RING);
	*host_port = h->host_port;
	SAY(r, .op = VSOCK_OP_RESPONSE, .guest_port = guest_port, .host_port = *host_port);
	n = read(fd, line, sizeof(line) - 1);
	EXPECT(n > 0);
	line[n] = '\0';
	(void)snprintf(want, sizeof(want), "OK %u\n", *host_port);
	EXPECT_STR(line, want);
	return fd;
}

/* The guest connects to a port where @listener listens; the host's end. */
static UNUSED int rig_guest_connects(struct rig *r, int listener, uint32_t guest_port,
				     uint32_t host_port)
{
	int fd;

	SAY(r, .op = VSOCK_OP_REQUEST, .guest_port = guest_port, .host_port = host_port);
	rig_run_dials(r);
	EXPECT_EQ(rig_expect(r, VSOCK_OP_RESPONSE)->guest_port, guest_port);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	EXPECT(fd >= 0);
	return fd;
}

#endif
