/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passt: a program that connects a guest to the host's network without privileges. What of its
 * options vmm gives it.
 */
#include "vmm/host/net_back.h"

#include <stdio.h>
#include <stdlib.h>

/* The words that do not change, and how many words and bytes a forward takes. */
enum { WORDS_MAX = 16, FORWARD_WORDS = 2, FORWARD_BYTES = 96 };

const char **net_passt_command(const struct net_config *c)
{
	const size_t words = WORDS_MAX + FORWARD_WORDS * c->forwards.nr;
	const char **argv = calloc(1, words * sizeof(*argv) + FORWARD_BYTES * c->forwards.nr);
	const char **at = argv;
	char *text;

	if (!argv)
		return NULL;
	text = (char *)(argv + words);
	*at++ = "passt";
	*at++ = "--foreground";
	*at++ = "--quiet";
	*at++ = "--fd";
	*at++ = KEEPER_FD;
	*at++ = "--pid"; /* written when it has all that it needs */
	*at++ = KEEPER_READY;
	if (!c->host_loopback)
		*at++ = "--no-map-gw";
	for (size_t i = 0; i < c->forwards.nr; i++) {
		struct net_forward f;
		struct err never;

		if (net_forward_parse(&f, c->forwards.at[i], &never))
			continue; /* net_config_check() has refused it */
		*at++ = f.udp ? "-u" : "-t";
		*at++ = text;
		(void)snprintf(text, FORWARD_BYTES, "%s%s%u:%u", f.address, f.address[0] ? "/" : "",
			       f.host, f.guest);
		text += FORWARD_BYTES;
	}
	return argv;
}
