/* SPDX-License-Identifier: Apache-2.0 */
/* What net.c asks of the kinds of host ends: net_tap.c, net_stream.c, net_passt.c. */
#ifndef VMM_HOST_NET_BACK_H
#define VMM_HOST_NET_BACK_H

#include "vmm/host/keeper.h"
#include "vmm/host/net.h"

/* Opens the tap that @c names, or takes the fds that it was given. */
struct net_host *net_tap_open(const struct net_config *c, struct err *e) MUST_CHECK;

/*
 * Frames as QEMU puts them on a stream: a big-endian length of 32 bits before each. The keeper
 * makes the connection, and again when it is lost. @job's functions and context are set here; what
 * else it points to becomes the host end's when that is made: @owned, freed with it.
 */
struct net_host *net_stream_open(const struct keeper_job *job, void *owned, struct loop *main,
				 struct keeper *keeper, struct err *e) MUST_CHECK;

/* passt's command line, NULL-terminated, in one piece of memory. NULL: out of memory. */
const char **net_passt_command(const struct net_config *c);

/* The link went up or down: tells the card. The card's thread. */
void net_link(struct net_host *h, bool up);

#endif
