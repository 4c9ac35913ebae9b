/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_dialer: connects to Unix sockets by name without waiting. One whose listener has too many
 * waiting says so at once (EAGAIN), and is tried again.
 */
#include "vmm/base/scope.h"
#include "vmm/host/keeper_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#define NS_PER_MS UINT64_C(1000000)
#define AGAIN_NS  (10 * NS_PER_MS)
#define LIMIT_NS  (2000 * NS_PER_MS)

static void end(struct keeper_dialing *g, bool connected)
{
	int fd = keep_fd(&g->fd);

	g->d->ended(g->d, g->job, (uint32_t)(g - g->d->dialing), connected ? fd : -1);
	close_quietly(fd);
}

static void try(struct keeper_dialing *g)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int len = snprintf(to.sun_path, sizeof(to.sun_path), "%s%" PRIu32, g->prefix, g->number);

	if (len < 0 || (size_t)len >= sizeof(to.sun_path))
		end(g, false);
	else if (connect(g->fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		end(g, true);
	else if (errno == EAGAIN && loop_now_ns() < g->until)
		loop_timer_arm(g->d->loop, &g->again, loop_now_ns() + AGAIN_NS);
	else
		end(g, false);
}

static void try_again(struct timer *t)
{
	try(container_of(t, struct keeper_dialing, again));
}

void keeper_dialer_init(struct keeper_dialer *d, struct loop *l)
{
	d->loop = l;
	for (unsigned i = 0; i < KEEPER_MAX_DIALS; i++)
		d->dialing[i] = (struct keeper_dialing){
			.d = d,
			.fd = -1,
			.again = { .expired = try_again },
		};
}

void keeper_dialer_begin(struct keeper_dialer *d, uint32_t job, uint32_t dial, const char *prefix,
			 uint32_t number)
{
	struct keeper_dialing *g;

	if (dial >= KEEPER_MAX_DIALS || d->dialing[dial].fd >= 0)
		return;
	g = &d->dialing[dial];
	g->job = job;
	g->prefix = prefix;
	g->number = number;
	g->until = loop_now_ns() + LIMIT_NS;
	g->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (g->fd < 0)
		end(g, false);
	else
		try(g);
}
