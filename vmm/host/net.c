/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/host/net_back.h"

#include "vmm/base/io.h"
#include "vmm/base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static uint64_t mix(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * 0x100000001b3; /* FNV-1a */
	return (h ^ 0xff) * 0x100000001b3;
}

/* What tells this machine from others; "" where nothing does. */
static void machine_id(char id[33])
{
	auto_fd int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : io_read(fd, id, 32);

	id[n > 0 ? n : 0] = '\0';
}

/*
 * The address of a card that was given none: the same at each start, and another for each other
 * card. Where other machines are on the same network, this machine counts as well, and the name of
 * the tap or the socket, which two VMs of one machine do not share; behind passt a card is alone,
 * and only its place counts, so that a guest's image finds it anywhere.
 */
static void derive_mac(uint8_t mac[NET_MAC], const struct net_config *c, const char *end,
		       unsigned index)
{
	uint64_t h = 0xcbf29ce484222325;
	char place[16], id[33];

	(void)snprintf(place, sizeof(place), "%u", index);
	h = mix(h, c->user ? "user" : c->socket ? "socket" : "tap");
	h = mix(h, place);
	if (!c->user) {
		machine_id(id);
		h = mix(mix(h, id), end);
	}
	mac[0] = 0x02; /* locally administered, of one card */
	for (unsigned i = 1; i < NET_MAC; i++)
		mac[i] = (uint8_t)(h >> (8 * i));
}

static struct net_host *open_socket(const struct net_config *c, struct loop *main,
				    struct keeper *keeper, struct err *e)
{
	struct keeper_job job = { .kind = KEEPER_CONNECT };
	char *path = strdup(c->socket);

	if (!path) {
		(void)err_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	job.name = job.path = path;
	return net_stream_open(&job, path, main, keeper, e);
}

static struct net_host *open_user(const struct net_config *c, struct loop *main,
				  struct keeper *keeper, struct err *e)
{
	struct keeper_job job = { .kind = KEEPER_PAIR, .name = "passt" };
	const char **argv = net_passt_command(c);

	if (!argv) {
		(void)err_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	job.argv = argv;
	return net_stream_open(&job, argv, main, keeper, e);
}

static struct net_host *open_kind(const struct net_config *c, struct loop *main,
				  struct keeper *keeper, struct err *e)
{
	if (c->user)
		return open_user(c, main, keeper, e);
	if (c->socket)
		return open_socket(c, main, keeper, e);
	return net_tap_open(c, e);
}

struct net_host *net_open(const struct net_config *c, unsigned index, struct loop *main,
			  struct keeper *keeper, struct err *e)
{
	struct net_host *h = open_kind(c, main, keeper, e);
	char end[sizeof(h->name)];

	if (!h) {
		(void)err_ctx(e, "net%u", index);
		return NULL;
	}
	memcpy(end, h->name, sizeof(end));
	if (!c->mac)
		derive_mac(h->mac, c, c->socket ? c->socket : end, index);
	else if (net_mac_parse(h->mac, c->mac, e)) {
		net_close(h);
		return NULL;
	}
	(void)snprintf(h->name, sizeof(h->name), "net%u (%.20s)", index, end);
	return h;
}

void net_close(struct net_host *h)
{
	if (h)
		h->ops->destroy(h);
}

int net_attach(struct net_host *h, struct loop *l, struct net_front *f, struct err *e)
{
	h->loop = l;
	h->front = f;
	return h->ops->attach(h, e);
}

void net_link(struct net_host *h, bool up)
{
	if (atomic_exchange(&h->up, up) != up)
		h->front->link(h->front, up);
}
