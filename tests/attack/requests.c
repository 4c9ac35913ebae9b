/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/attack/requests.h"

void ring_add_at(struct ring *r, unsigned first, const struct piece *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		ring_desc(r, first + i, p[i].at, p[i].len,
			  (p[i].in ? D_WRITE : 0) | (i + 1 < n ? D_NEXT : 0),
			  (uint16_t)(first + i + 1));
	ring_avail(r, r->next_avail++, (uint16_t)first);
	ring_avail_index(r, r->next_avail);
}

bool ring_next(struct ring *r, unsigned *first, uint32_t *len)
{
	uint64_t at;

	if (ring_used_index(r) == r->next_used)
		return false;
	hal_fence();
	at = r->device + 4 + 8 * (r->next_used++ % r->size);
	*first = hal_get32(at);
	*len = hal_get32(at + 4);
	return true;
}

void ring_collect(struct ring *r, unsigned n)
{
	for (; n && !complained(); n--)
		if (ring_wait(r, &(uint32_t){ 0 }) != USED)
			complain_of("requests that do not come back", n, 0);
}

enum answer ring_send(struct ring *r, const struct piece *p, unsigned n, uint32_t *len)
{
	enum answer answer;

	ring_add(r, p, n);
	ring_kick(r);
	answer = ring_wait(r, len);
	if (answer == LATE)
		complain("no answer, and the device does not say that it is broken");
	return answer;
}

void mem_expect(uint64_t at, uint8_t byte, uint64_t len, const char *why)
{
	for (; len; len--, at++)
		if (hal_get8(at) != byte) {
			complain_of(why, hal_get8(at), byte);
			return;
		}
}

struct ring *begin_with(struct dev *d, uint64_t without, unsigned size)
{
	dev_start(d, d->offered & d->kind->wanted & ~without, size);
	return &d->ring[d->kind->ring];
}
