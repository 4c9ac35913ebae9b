/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape: Ctrl-a and a letter, typed among the bytes for the guest. Ctrl-a twice, or Ctrl-a a, is
 * one Ctrl-a for the guest.
 */
#ifndef VMM_HOST_ESCAPE_H
#define VMM_HOST_ESCAPE_H

#include "vmm/base/defs.h"

struct escape {
	void (*typed)(struct escape *x, char letter); /* Ctrl-a and a letter other than 'a' */

	bool begun; /* Ctrl-a came, its letter not yet */
};

/* Takes the escapes out of @len bytes at @at; returns how many bytes are left, for the guest. */
size_t escape_filter(struct escape *x, uint8_t *at, size_t len);

#endif
