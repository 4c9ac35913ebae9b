/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices whose queues the host's kernel serves: vsock, or a network card with so many pairs. The
 * kernel is one that notes what it is told, and refuses what the program says.
 */
#include "devices/virtio/net_parts.h"
#include "devices/virtio/vsock_parts.h"
#include "tests/fuzz/clock.h"
#include "tests/fuzz/guest.h"
#include "tests/fuzz/no_threads.h"
#include "tests/lib/fake_vhost.h"

enum { SIGNAL = GUEST_OPS, REFUSE, COMMAND, LINK, NR_OPS };

static struct net_host net_host;

static void no_threads_waits(void)
{
	test_fail(__FILE__, __LINE__, "the device waits");
}

static int host_attach(struct net_host *h UNUSED, struct err *e UNUSED)
{
	return 0;
}

static void host_want(struct net_host *h UNUSED, unsigned queue UNUSED, unsigned what UNUSED)
{
}

static int host_receive(struct net_host *h UNUSED, unsigned queue UNUSED,
			struct net_frame *f UNUSED, struct net_place to UNUSED)
{
	return -EAGAIN;
}

static int host_send(struct net_host *h UNUSED, unsigned queue UNUSED, struct iovec *iov UNUSED,
		     unsigned n UNUSED)
{
	test_fail(__FILE__, __LINE__, "the kernel sends");
}

static int host_fd(const struct net_host *h UNUSED, unsigned queue)
{
	return 77 + (int)queue;
}

static void host_destroy(struct net_host *h UNUSED)
{
}

static const struct net_host_ops host_ops = {
	.attach = host_attach,
	.want = host_want,
	.receive = host_receive,
	.send = host_send,
	.fd = host_fd,
	.destroy = host_destroy,
};

static void refuse(uint8_t what)
{
	static const unsigned long calls[] = {
		0,
		VHOST_SET_OWNER,
		VHOST_GET_FEATURES,
		VHOST_SET_FEATURES,
		VHOST_SET_MEM_TABLE,
		VHOST_SET_VRING_NUM,
		VHOST_SET_VRING_BASE,
		VHOST_SET_VRING_ADDR,
		VHOST_SET_VRING_KICK,
		VHOST_SET_VRING_CALL,
		VHOST_NET_SET_BACKEND,
		VHOST_VSOCK_SET_GUEST_CID,
		VHOST_VSOCK_SET_RUNNING,
	};

	k.refuse = calls[(what & 15) % ARRAY_SIZE(calls)];
	k.with = what & 16 ? EADDRINUSE : EIO;
}

/* NULL: the kernel had something against it. */
static struct virtio *make(struct guest *g, uint8_t how, bool is_net)
{
	static const int errors[] = { 0, ENOENT, EACCES, EMFILE };
	const struct virtio_vsock_config c = { .cid = 42 };
	struct virtio *v;
	struct err e = { .text = "" };

	memset(&k, 0, sizeof(k));
	k.path = is_net ? "/dev/vhost-net" : "/dev/vhost-vsock";
	k.can = how & 4 ? 0 : VIRTIO_BIT(NET_F_MRG_RXBUF) | VIRTIO_BIT(VSOCK_F_SEQPACKET);
	k.open_error = errors[how >> 4 & 3];
	k.kick[0] = k.kick[1] = k.backend[0] = k.backend[1] = -1;
	refuse(program_u8(g->p));
	net_host = (struct net_host){ .ops = &host_ops,
				      .name = "fuzz",
				      .mac = { 2 },
				      .queues = how & 2 ? 3 : 1,
				      .offloads = NET_CSUM,
				      .gives = NET_CSUM,
				      .up = true };
	if (is_net)
		v = virtio_net_create(&net_host, 0, true, how & 8 ? NET_VHOST_AUTO : NET_VHOST_ON,
				      &g->mem, &e);
	else
		v = virtio_vsock_kernel_create(&c, &g->mem, g->loop, &e);
	EXPECT(v || (e.text[0] && !strchr(e.text, '\n')));
	return v;
}

static void command(struct guest *g)
{
	const uint8_t q = program_u8(g->p);
	const size_t len = program_u8(g->p) & 63;
	const uint64_t at = guest_scratch(g);
	struct guest_piece d[] = { { at, (uint32_t)len, false }, { at + 200, 1, true } };

	program_copy(g->p, guest_at(at, len), len);
	guest_add(g, 2 * (q % 4U), d, 2, false);
	guest_kick(g, 2 * (q % 4U));
}

/* The kernel has something to tell of a ring that it has. */
static void signal_ring(uint8_t which)
{
	const int fd = which & 2 ? k.err[which & 1] : k.call[which & 1];

	if (k.kick[which & 1] > 0 && fd > 0)
		signal_fd(fd);
}

static void drive(struct guest *g, struct virtio *v, bool is_net)
{
	struct net *n = container_of(v, struct net, v);
	struct program *p = g->p;

	guest_plug(g, v);
	while (program_more(p)) {
		const unsigned op = program_u8(p) % NR_OPS;

		if (op == GUEST_TURNS)
			rounds_run(is_net ? n->loop : g->loop, 1 + program_u8(p) % 4U);
		else if (op < GUEST_OPS)
			guest_do(g, (enum guest_op)op);
		else if (op == SIGNAL)
			signal_ring(program_u8(p));
		else if (op == REFUSE)
			refuse(program_u8(p));
		else if (op == COMMAND)
			command(g);
		else if (is_net)
			n->front.link(&n->front, program_u8(p) & 1);
	}
	k.refuse = 0; /* the end always succeeds */
	guest_done(g);
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct program p = { data, len };
	struct virtio *v;
	static struct guest g;
	uint8_t how = program_u8(&p);

	clock_start();
	guest_init(&g, &p, true);
	v = make(&g, how, how & 1);
	if (v)
		drive(&g, v, how & 1);
	else
		loop_destroy(g.loop);
}
