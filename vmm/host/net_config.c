/* SPDX-License-Identifier: Apache-2.0 */
/* --net as text: its keys, and what goes together; see vmm/host/net.h. */
#include "vmm/host/net.h"

#include "vmm/base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const vhost_names[] = {
	[NET_VHOST_AUTO] = "auto", [NET_VHOST_ON] = "on", [NET_VHOST_OFF] = "off", NULL
};

#define AT(field) .offset = offsetof(struct net_config, field)

const struct key net_keys[] = {
	{
		.name = "user",
		.help = "through passt, without root or set-up",
		.more = "The guest gets this machine's addresses, routes and name servers by DHCP, "
			"IPv6 included.",
		.type = KEY_BOOL,
		AT(user),
	},
	{
		.name = "forward",
		.arg = "tcp|udp:[ADDRESS:]PORT:GUESTPORT",
		.help = "user: a port here that leads to one of the guest's",
		.more = "Can be given more than once. Without an address, on all that this machine "
			"has.",
		.type = KEY_LIST,
		.min = 1,
		AT(forwards),
	},
	{
		.name = "host-loopback",
		.help = "user: the guest reaches this machine's loopback",
		.more = "At the address of the guest's gateway.",
		.type = KEY_BOOL,
		AT(host_loopback),
	},
	{
		.name = "tap",
		.arg = "NAME",
		.help = "on a tap device; the name may be left out",
		.more = "One that exists and may be used by this user, or a new one, which needs "
			"the right to make it and goes when vmm ends.",
		.type = KEY_STR,
		.bare = "",
		AT(tap),
	},
	{
		.name = "fd",
		.arg = "N[:N...]",
		.help = "a tap device by open file descriptors, one a queue",
		.type = KEY_STR,
		.min = 1,
		AT(fd),
	},
	{
		.name = "socket",
		.arg = "PATH",
		.help = "a Unix stream socket, with QEMU's framing",
		.more = "Another QEMU, passt or a switch may listen there. vmm connects again when "
			"the connection is lost.",
		.type = KEY_STR,
		.min = 1,
		AT(socket),
	},
	{
		.name = "mac",
		.arg = "ADDRESS",
		.help = "the card's address, like 02:00:5e:10:00:01",
		.more = "Without it, one that stays the same.",
		.type = KEY_STR,
		.min = 1,
		AT(mac),
	},
	{
		.name = "queues",
		.arg = "N",
		.help = "tap: pairs of queues",
		.type = KEY_U32,
		.min = 1,
		.max = NET_MAX_QUEUES,
		AT(queues),
	},
	{
		.name = "vhost",
		.help = "tap: the kernel moves the frames",
		.type = KEY_CHOICE,
		.choices = vhost_names,
		AT(vhost),
	},
	{
		.name = "packed",
		.help = "offer packed rings beside split ones",
		.type = KEY_BOOL,
		AT(packed),
	},
	{ 0 },
};

const struct net_config net_defaults = {
	.queues = 1,
	.packed = true,
};

int net_mac_parse(uint8_t mac[NET_MAC], const char *text, struct err *e)
{
	static const uint8_t none[NET_MAC];
	const char *at = text;

	for (unsigned i = 0; i < NET_MAC; i++) {
		unsigned v;

		if (strspn(at, "0123456789abcdefABCDEF") != 2 || sscanf(at, "%2x", &v) != 1 ||
		    at[2] != (i + 1 < NET_MAC ? ':' : '\0'))
			return err_set(e, EINVAL,
				       "%s is not a MAC address; write one like 02:00:5e:10:00:01",
				       text_quote(text).s);
		mac[i] = (uint8_t)v;
		at += 3;
	}
	if (mac[0] & 1 || memcmp(mac, none, NET_MAC) == 0)
		return err_set(e, EINVAL, "%s is no address of one card; begin with 02",
			       text_quote(text).s);
	return 0;
}

static bool port(const char *text, size_t len, uint16_t *v)
{
	unsigned long n;
	char *end;

	if (len == 0 || len > 5 || strspn(text, "0123456789") < len)
		return false;
	n = strtoul(text, &end, 10);
	*v = (uint16_t)n;
	return end == text + len && n >= 1 && n <= UINT16_MAX;
}

static bool address(struct net_forward *f, const char *text, size_t len)
{
	struct in6_addr any;
	int family = AF_INET;

	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		family = AF_INET6;
		text++;
		len -= 2;
	}
	if (len >= sizeof(f->address))
		return false;
	memcpy(f->address, text, len);
	f->address[len] = '\0';
	return inet_pton(family, f->address, &any) == 1;
}

/* From behind, because an address may have colons of its own. */
int net_forward_parse(struct net_forward *f, const char *text, struct err *e)
{
	const char *from = text + 4, *guest = strrchr(text, ':'), *host;

	*f = (struct net_forward){ .udp = strncmp(text, "udp:", 4) == 0 };
	if ((!f->udp && strncmp(text, "tcp:", 4) != 0) || guest < from ||
	    !port(guest + 1, strlen(guest + 1), &f->guest))
		goto bad;
	for (host = guest; host > from && host[-1] != ':'; host--)
		;
	if (!port(host, (size_t)(guest - host), &f->host))
		goto bad;
	if (host > from && !address(f, from, (size_t)(host - 1 - from)))
		goto bad;
	return 0;
bad:
	return err_set(e, EINVAL,
		       "%s is no forward; write one like tcp:2222:22 or udp:127.0.0.1:5353:53",
		       text_quote(text).s);
}

static int check_fds(const struct net_config *c, struct err *e)
{
	unsigned long fds[NET_MAX_QUEUES];
	unsigned n = 0;
	const char *at;

	for (at = c->fd; n < NET_MAX_QUEUES; n++) {
		const size_t digits = strspn(at, "0123456789");

		if (digits == 0 || digits > 6)
			break;
		fds[n] = strtoul(at, NULL, 10);
		for (unsigned i = 0; i < n; i++)
			if (fds[i] == fds[n])
				return err_set(e, EINVAL, "fd: %lu comes twice", fds[n]);
		at += digits;
		if (*at == '\0')
			return 0;
		if (*at++ != ':')
			break;
	}
	return err_set(e, EINVAL,
		       "fd: %s is not a list of file descriptors; write one like 5 or 5:6, with "
		       "at most %d of them",
		       text_quote(c->fd).s, NET_MAX_QUEUES);
}

static int check_forwards(const struct net_config *c, struct err *e)
{
	for (size_t i = 0; i < c->forwards.nr; i++) {
		struct net_forward f;

		if (net_forward_parse(&f, c->forwards.at[i], e))
			return err_ctx(e, "forward");
	}
	return 0;
}

int net_config_check(const struct net_config *c, struct err *e)
{
	const bool tap = c->tap || c->fd;
	uint8_t mac[NET_MAC];
	int code;

	if (c->user + (c->tap != NULL) + (c->fd != NULL) + (c->socket != NULL) != 1)
		return err_set(e, EINVAL,
			       "one of user, tap, fd=N and socket=PATH must say where it leads");
	if (!c->user && (c->forwards.nr || c->host_loopback))
		return err_set(e, EINVAL, "%s goes with user alone; leave it out",
			       c->forwards.nr ? "forward" : "host-loopback");
	if (!tap && (c->queues != 1 || c->vhost == NET_VHOST_ON))
		return err_set(e, EINVAL, "%s goes with a tap alone; leave it out",
			       c->queues != 1 ? "queues" : "vhost=on");
	if (c->tap && strlen(c->tap) > 15)
		return err_set(e, EINVAL, "tap: %s is longer than the 15 bytes of a device's name",
			       text_quote(c->tap).s);
	if (c->fd && c->queues != 1)
		return err_set(e, EINVAL, "queues: with fd=, there are as many as descriptors");
	if (c->fd && (code = check_fds(c, e)))
		return code;
	if (c->mac && net_mac_parse(mac, c->mac, e))
		return err_ctx(e, "mac");
	return check_forwards(c, e);
}
