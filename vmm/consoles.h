/* SPDX-License-Identifier: Apache-2.0 */
/* consoles: the host's ends of all that the guest talks to people and programs by. */
#ifndef VMM_CONSOLES_H
#define VMM_CONSOLES_H

#include "vmm/config.h"

struct consoles {
	struct chardev *serial;
	struct chardev *hvc;	/* NULL: neither hvc0 nor a port */
	struct chardev **ports; /* one for each of the configuration's, in its order */
	size_t nr_ports;
	struct chardev *stdio; /* the one of these that has the terminal; NULL: none */
};

/*
 * Opens what @c has. @commands go to the one that has stdio. On failure some may be open:
 * consoles_close() in any case.
 */
int consoles_open(struct consoles *s, const struct vm_config *c,
		  const struct chardev_commands *commands, struct loop *l,
		  struct err *e) MUST_CHECK;

/* Writes out what waits, restores the terminal. The devices are gone. Fine on zeroes. */
void consoles_close(struct consoles *s);

/* The end of what the guest wrote to any console, as chardev_recent() gives it, one after the
 * other. */
size_t consoles_recent(const struct consoles *s, void *to, size_t len);
void consoles_forget_recent(const struct consoles *s);

#endif
