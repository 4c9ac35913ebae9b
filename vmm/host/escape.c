/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/host/escape.h"

enum { CTRL_A = 1 };

size_t escape_filter(struct escape *x, uint8_t *at, size_t len)
{
	size_t kept = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t byte = at[i];

		if (!x->begun && byte == CTRL_A) {
			x->begun = true;
		} else if (!x->begun) {
			at[kept++] = byte;
		} else {
			x->begun = false;
			if (byte == CTRL_A || byte == 'a')
				at[kept++] = CTRL_A;
			else
				x->typed(x, (char)byte);
		}
	}
	return kept;
}
