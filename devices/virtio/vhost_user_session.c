/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/vhost_user_session.h"

#include "devices/virtio/virtio.h"
#include "vmm/base/io.h"
#include "vmm/base/scope.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

/* What we can do; the rest is not agreed on. */
#define WANTED                                                                                     \
	(UINT64_C(1) << VU_PROTOCOL_MQ | UINT64_C(1) << VU_PROTOCOL_REPLY_ACK |                    \
	 UINT64_C(1) << VU_PROTOCOL_BACKEND_REQ | UINT64_C(1) << VU_PROTOCOL_CONFIG |              \
	 UINT64_C(1) << VU_PROTOCOL_INFLIGHT_SHMFD |                                               \
	 UINT64_C(1) << VU_PROTOCOL_CONFIGURE_MEM_SLOTS | UINT64_C(1) << VU_PROTOCOL_STATUS)

static bool has_protocol(const struct session *s)
{
	return s->features & VIRTIO_BIT(VU_F_PROTOCOL_FEATURES);
}

static int send_u64(struct session *s, enum vu_request r, uint64_t value, struct err *e)
{
	return vu_send(&s->link, r, &value, sizeof(value), NULL, 0, e);
}

/* --- the handshake -----------------------------------------------------------------------------
 */

static int agree_on_protocol(struct session *s, const int channel[2], struct err *e)
{
	const uint64_t one = 1;
	uint64_t offered = 0, n = 0;

	if (vu_ask_u64(&s->link, VU_GET_PROTOCOL_FEATURES, &offered, e))
		return -e->code;
	s->protocol = offered & WANTED;
	/* Its own messages are answered, which needs the other. */
	if (!session_has(s, VU_PROTOCOL_REPLY_ACK))
		s->protocol &= ~(one << VU_PROTOCOL_BACKEND_REQ);
	if (send_u64(s, VU_SET_PROTOCOL_FEATURES, s->protocol, e))
		return -e->code;
	s->link.reply_ack = session_has(s, VU_PROTOCOL_REPLY_ACK);
	if (session_has(s, VU_PROTOCOL_MQ)) {
		if (vu_ask_u64(&s->link, VU_GET_QUEUE_NUM, &n, e))
			return -e->code;
		s->queues = n;
	}
	if (session_has(s, VU_PROTOCOL_BACKEND_REQ)) {
		if (vu_send(&s->link, VU_SET_BACKEND_REQ_FD, NULL, 0, &channel[1], 1, e))
			return -e->code;
		s->channel = channel[0];
	}
	return 0;
}

int session_open(struct session *s, const struct gmem *mem, int fd, const int channel[2],
		 unsigned limit_ms, struct err *e)
{
	*s = (struct session){
		.link.fd = fd,
		.mem = mem,
		.channel = -1,
		.queues = UINT64_MAX, /* it does not say */
	};
	vu_limit(&s->link, limit_ms);
	if (vu_send(&s->link, VU_SET_OWNER, NULL, 0, NULL, 0, e) ||
	    vu_ask_u64(&s->link, VU_GET_FEATURES, &s->features, e))
		return -e->code;
	return has_protocol(s) ? agree_on_protocol(s, channel, e) : 0;
}

void session_end(struct session *s)
{
	vu_close(&s->link);
	s->begun = false;
	s->channel = -1;
}

/* --- configuration space -----------------------------------------------------------------------
 */

#define CONFIG_HEAD offsetof(struct vu_config, bytes)

int session_read_config(struct session *s, void *to, size_t len, struct err *e)
{
	struct vu_config c = { .size = (uint32_t)len };
	size_t got;

	assert(len <= sizeof(c.bytes));
	/* One that has no such bytes answers with none. */
	if (vu_ask(&s->link, VU_GET_CONFIG, &c, CONFIG_HEAD + len, &c, 0, CONFIG_HEAD + len, &got,
		   NULL, e))
		return -e->code;
	if (got != CONFIG_HEAD + len || c.size != len || c.offset != 0)
		return err_set(e, ENODATA, "it has no configuration space of %zu bytes", len);
	memcpy(to, c.bytes, len);
	return 0;
}

int session_write_config(struct session *s, uint32_t off, const void *from, size_t len,
			 struct err *e)
{
	struct vu_config c = { .offset = off, .size = (uint32_t)len };

	assert(len <= sizeof(c.bytes));
	memcpy(c.bytes, from, len);
	return vu_send(&s->link, VU_SET_CONFIG, &c, CONFIG_HEAD + len, NULL, 0, e);
}

/* --- memory ------------------------------------------------------------------------------------
 */

static struct vu_region region_of(const struct gmem_region *g)
{
	return (struct vu_region){ .guest = g->base, .size = g->size, .user = g->base };
}

/* The shared ones of @mem, at most @max. */
static int shared_regions(const struct gmem *mem, const struct gmem_region **to, uint64_t max,
			  unsigned *n, struct err *e)
{
	*n = 0;
	for (size_t i = 0; i < mem->nr; i++) {
		if (!mem->region[i].shared)
			continue;
		if (*n == max)
			return err_set(e, ENOSPC, "it takes only %" PRIu64 " pieces of memory",
				       max);
		to[(*n)++] = &mem->region[i];
	}
	return 0;
}

static int tell_table(struct session *s, struct err *e)
{
	const struct gmem_region *g[VU_TABLE_REGIONS];
	struct vu_mem_table t = { .nr = 0 };
	int fds[VU_TABLE_REGIONS];
	unsigned n;

	if (shared_regions(s->mem, g, VU_TABLE_REGIONS, &n, e))
		return -e->code;
	for (unsigned i = 0; i < n; i++) {
		t.region[t.nr++] = region_of(g[i]);
		fds[i] = g[i]->fd;
	}
	return vu_send(&s->link, VU_SET_MEM_TABLE, &t,
		       offsetof(struct vu_mem_table, region) + n * sizeof(t.region[0]), fds, n, e);
}

static int tell_slots(struct session *s, struct err *e)
{
	const struct gmem_region *g[GMEM_MAX_REGIONS];
	uint64_t max = 0;
	unsigned n;

	if (vu_ask_u64(&s->link, VU_GET_MAX_MEM_SLOTS, &max, e))
		return -e->code;
	if (shared_regions(s->mem, g, max < GMEM_MAX_REGIONS ? max : GMEM_MAX_REGIONS, &n, e))
		return -e->code;
	for (unsigned i = 0; i < n; i++) {
		const struct vu_mem_reg m = { .region = region_of(g[i]) };

		if (vu_send(&s->link, VU_ADD_MEM_REG, &m, sizeof(m), &g[i]->fd, 1, e))
			return -e->code;
	}
	return 0;
}

/* --- in flight ---------------------------------------------------------------------------------
 */

/* What a back end shall map must be there: it would die of a file that is shorter. */
static bool plausible(int fd, const struct vu_inflight *i)
{
	struct stat st;

	return fd >= 0 && io_stat(fd, &st) == 0 && i->size > 0 && st.st_size > 0 &&
	       i->offset <= (uint64_t)st.st_size && i->size <= (uint64_t)st.st_size - i->offset;
}

static int new_inflight(struct session *s, struct session_inflight *kept, unsigned queues,
			unsigned entries, struct err *e)
{
	const struct vu_inflight ask = { .queues = (uint16_t)queues, .entries = (uint16_t)entries };
	const size_t without = offsetof(struct vu_inflight, padding);
	struct vu_inflight got = { .size = 0 };
	auto_fd int fd = -1;
	size_t n;

	/* Of the padding at the end, back ends have different opinions. */
	if (vu_ask(&s->link, VU_GET_INFLIGHT_FD, &ask, sizeof(ask), &got, without, sizeof(got), &n,
		   &fd, e))
		return -e->code;
	if ((n != without && n != sizeof(got)) || !plausible(fd, &got))
		return err_set(e, EPROTO, "its buffer for requests in flight is none");
	kept->of = (struct vu_inflight){ .size = got.size,
					 .offset = got.offset,
					 .queues = (uint16_t)queues,
					 .entries = (uint16_t)entries };
	kept->fd = keep_fd(&fd);
	return 0;
}

static int tell_inflight(struct session *s, struct session_inflight *kept, unsigned queues,
			 unsigned entries, struct err *e)
{
	if (kept->fd < 0 && new_inflight(s, kept, queues, entries, e))
		return -e->code;
	return vu_send(&s->link, VU_SET_INFLIGHT_FD, &kept->of, sizeof(kept->of), &kept->fd, 1, e);
}

void session_inflight_drop(struct session_inflight *kept)
{
	close_quietly(kept->fd);
	kept->fd = -1;
}

/* --- life ------------------------------------------------------------------------------------- */

static int set_status(struct session *s, uint64_t status, struct err *e)
{
	return session_has(s, VU_PROTOCOL_STATUS) ? send_u64(s, VU_SET_STATUS, status, e) : 0;
}

#define NEGOTIATED (VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK)

int session_begin(struct session *s, uint64_t accepted, struct session_inflight *kept,
		  unsigned queues, unsigned entries, struct err *e)
{
	int code;

	if (accepted & ~s->features)
		return err_set(e, ENOTSUP, "it lacks features 0x%" PRIx64 " that the guest uses",
			       accepted & ~s->features);
	if (has_protocol(s))
		accepted |= VIRTIO_BIT(VU_F_PROTOCOL_FEATURES);
	code = set_status(s, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER, e);
	if (code == 0)
		code = send_u64(s, VU_SET_FEATURES, accepted, e);
	if (code == 0)
		code = set_status(s, NEGOTIATED, e);
	if (code == 0 && session_has(s, VU_PROTOCOL_INFLIGHT_SHMFD))
		code = tell_inflight(s, kept, queues, entries, e);
	if (code == 0 && !s->begun) /* memory stays told over resets */
		code = session_has(s, VU_PROTOCOL_CONFIGURE_MEM_SLOTS) ? tell_slots(s, e)
								       : tell_table(s, e);
	s->begun = code == 0;
	return code;
}

/* Not in the order of the specification's list but in that which all back ends expect. */
int session_start_ring(struct session *s, const struct session_ring *r, struct err *e)
{
	const struct vu_vring_state num = { r->index, r->setup.size };
	const struct vu_vring_state base = { r->index, r->base };
	const struct vu_vring_state on = { r->index, 1 };
	const struct vu_vring_addr addr = {
		.index = r->index,
		.desc = r->setup.desc,
		.avail = r->setup.driver,
		.used = r->setup.device,
	};
	const uint64_t index = r->index;
	struct vu_link *l = &s->link;

	if (vu_send(l, VU_SET_VRING_NUM, &num, sizeof(num), NULL, 0, e) ||
	    vu_send(l, VU_SET_VRING_BASE, &base, sizeof(base), NULL, 0, e) ||
	    vu_send(l, VU_SET_VRING_ADDR, &addr, sizeof(addr), NULL, 0, e) ||
	    vu_send(l, VU_SET_VRING_CALL, &index, sizeof(index), &r->call_fd, 1, e) ||
	    vu_send(l, VU_SET_VRING_KICK, &index, sizeof(index), &r->kick_fd, 1, e))
		return -e->code;
	return has_protocol(s) ? vu_send(l, VU_SET_VRING_ENABLE, &on, sizeof(on), NULL, 0, e) : 0;
}

int session_stop_ring(struct session *s, unsigned index, struct err *e)
{
	const struct vu_vring_state ask = { index, 0 };
	struct vu_vring_state got;

	if (vu_ask(&s->link, VU_GET_VRING_BASE, &ask, sizeof(ask), &got, sizeof(got), sizeof(got),
		   NULL, NULL, e))
		return -e->code;
	return got.index == index
		       ? 0
		       : err_set(e, EPROTO, "it stopped ring %u instead of %u", got.index, index);
}

int session_driver_ok(struct session *s, struct err *e)
{
	return set_status(s, NEGOTIATED | VIRTIO_DRIVER_OK, e);
}

int session_reset(struct session *s, struct err *e)
{
	return set_status(s, 0, e);
}
