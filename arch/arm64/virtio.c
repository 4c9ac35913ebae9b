/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/virtio.h"

#include "arch/arm64/machine.h"
#include "devices/virtio/balloon.h"
#include "devices/virtio/blk.h"
#include "devices/virtio/console.h"
#include "devices/virtio/mmio.h"
#include "devices/virtio/net.h"
#include "devices/virtio/rng.h"
#include "devices/virtio/vsock.h"
#include "vmm/backends.h"
#include "vmm/base/log.h"
#include "vmm/command.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

static_assert(CONFIG_MAX_DISKS == VIRTIO_SLOTS, "what can be configured has a slot");

/*
 * A kick that KVM turns into a wake-up of who serves the queue costs the guest a short exit, and
 * not one to us. Without, it comes as an access to the register, and the transport does the same;
 * so it does when each access is to be traced.
 */
static void wire_doorbells(const struct machine *m, const struct virtio_slot *s)
{
	struct err e;
	int code = 0;

	if ((m->arch->trace & TRACE_MMIO) || !kvm_cap(m->kvm, KVM_CAP_IOEVENTFD))
		return;
	for (unsigned q = 0; code == 0 && q < s->v->nr_queues; q++)
		code = kvm_add_doorbell(m->kvm, s->dev->base + VIRTIO_MMIO_QUEUE_NOTIFY, 4, q,
					s->v->queue[q].kick_fd, &e);
	if (code)
		log_info("%s: kicks come as exits: %s", s->v->ops->name, e.text);
}

/* Puts @v on the next slot; takes it in any case. NULL is a constructor that failed with @e set. */
static int plug(struct virtio_slots *s, struct machine *m, struct virtio *v, struct err *e)
{
	struct virtio_slot *slot = &s->slot[s->nr];
	int code;

	if (!v)
		return -e->code;
	assert(s->nr < VIRTIO_SLOTS); /* config_validate() has counted them */
	code = gic_line_init_fd(&slot->line, m->kvm, SPI_VIRTIO + s->nr, e);
	if (code) {
		v->ops->destroy(v);
		return code;
	}
	slot->dev = virtio_mmio_create(memmap[MM_VIRTIO].base + s->nr * VIRTIO_SLOT_SIZE,
				       VIRTIO_SLOT_SIZE, &slot->line.line, v, e);
	s->nr++;
	if (!slot->dev)
		return -e->code;
	slot->v = v;
	code = bus_add(m->bus, slot->dev, e);
	if (code)
		return code;
	if (!(m->arch->trace & TRACE_MMIO))
		acks_keep(&s->acks, m->kvm, m->vcpus->vcpu[0].run, slot->dev);
	wire_doorbells(m, slot);
	return 0;
}

static void on_full(void *ctx, const char *name, bool full)
{
	const struct machine_events *ev = &((struct machine *)ctx)->events;

	ev->disk_full(ev->ctx, name, full);
}

static int plug_disks(struct virtio_slots *s, struct machine *m, struct err *e)
{
	const struct vm_config *c = m->config;
	const struct virtio_blk_config *disk = c->disks.at;
	const struct virtio_blk_events events = {
		.on_full = c->on_enospc == ON_ENOSPC_PAUSE ? on_full : NULL,
		.ctx = m,
	};
	int code = virtio_blk_check(disk, c->disks.nr, e);

	for (size_t i = 0; code == 0 && i < c->disks.nr; i++)
		code = plug(s, m, virtio_blk_create(&disk[i], m->mem, &events, e), e);
	s->disks = s->nr;
	return code;
}

static struct virtio *make_net(struct machine *m, unsigned i, struct err *e)
{
	const struct net_config *c = (const struct net_config *)m->config->nets.at + i;
	struct net_host *h = net_open(c, i, m->loop, m->keeper, e);

	/* A watch would not see what the kernel writes. */
	enum net_vhost vhost = m->config->watches.nr ? NET_VHOST_OFF : (enum net_vhost)c->vhost;

	return h ? virtio_net_create(h, i, c->packed, vhost, m->mem, e) : NULL;
}

static int plug_nets(struct virtio_slots *s, struct machine *m, struct err *e)
{
	int code = 0;

	for (unsigned i = 0; code == 0 && i < m->config->nets.nr; i++)
		code = plug(s, m, make_net(m, i, e), e);
	return code;
}

static int plug_console(struct virtio_slots *s, struct machine *m, struct err *e)
{
	const struct vm_config *c = m->config;
	const struct port_config *p = c->ports.at;
	struct virtio_console_port ports[1 + CONFIG_MAX_PORTS] = {
		{ .name = NULL, .chardev = m->hvc, .console = true },
	};

	if (!m->hvc && c->ports.nr == 0)
		return 0;
	for (size_t i = 0; i < c->ports.nr; i++)
		ports[i + 1] = (struct virtio_console_port){ p[i].name, m->ports[i], false };
	return plug(s, m,
		    virtio_console_create(ports, (unsigned)c->ports.nr + 1, m->mem, m->loop, e), e);
}

/* Other processes' devices, in the order of --vhost-user and then --share. */
static int plug_backends(struct virtio_slots *s, struct machine *m, struct err *e)
{
	struct backends *b = m->backends;
	int code = 0;

	for (size_t i = 0; code == 0 && i < b->nr; i++)
		code = plug(s, m, backend_device(&b->at[i], m->mem, m->loop, e), e);
	return code;
}

static int plug_balloon(struct virtio_slots *s, struct machine *m, struct err *e)
{
	struct virtio *v;
	int code;

	if (m->config->balloon.nr == 0)
		return 0;
	v = virtio_balloon_create(m->config->balloon.at, m->mem, m->loop, e);
	code = plug(s, m, v, e);
	if (code == 0)
		s->balloon = v;
	return code;
	return code;
}

/* Port by port; the keeper has the names. */
static void dial(void *ctx, uint32_t port, void (*done)(void *done_ctx, int fd), void *done_ctx)
{
	const struct virtio_slots *s = ctx;

	keeper_dial(s->keeper, s->dial_job, port, done, done_ctx);
}

static int plug_vsock(struct virtio_slots *s, struct machine *m, struct err *e)
{
	const struct virtio_vsock_config *c = config_vsock(m->config);
	char prefix[VIRTIO_VSOCK_PATH_MAX + 2];

	if (!c)
		return 0;
	if (!c->uds)
		return plug(s, m, virtio_vsock_kernel_create(c, m->mem, m->loop, e), e);
	(void)snprintf(prefix, sizeof(prefix), "%s_", c->uds);
	if (keeper_dials(m->keeper, prefix, &s->dial_job, e))
		return -e->code;
	s->keeper = m->keeper;
	s->dialer = (struct virtio_vsock_dialer){ .dial = dial, .ctx = s };
	return plug(s, m, virtio_vsock_create(c, m->mem, m->loop, &s->dialer, e), e);
}

int virtio_slots_create(struct virtio_slots *s, struct machine *m, struct err *e)
{
	int code;

	acks_init(&s->acks, s);
	code = plug_disks(s, m, e);
	if (code == 0)
		code = plug_nets(s, m, e);
	if (code == 0)
		code = plug_console(s, m, e);
	if (code == 0 && m->config->rng)
		code = plug(s, m, virtio_rng_create(m->mem, m->loop, e), e);
	if (code == 0)
		code = plug_backends(s, m, e);
	if (code == 0 && m->command)
		code = plug(s, m,
			    virtio_console_create(m->command, COMMAND_PORTS, m->mem, m->loop, e),
			    e);
	if (code == 0)
		code = plug_balloon(s, m, e);
	if (code == 0)
		code = plug_vsock(s, m, e);
	return code;
}

void virtio_slots_destroy(struct virtio_slots *s, struct machine *m)
{
	acks_stop(&s->acks);
	while (s->nr) {
		struct virtio_slot *slot = &s->slot[--s->nr];

		if (slot->dev)
			bus_remove(m->bus, slot->dev);
		device_destroy(slot->dev);
		gic_line_done(&slot->line);
	}
}
