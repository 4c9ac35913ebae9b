/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/attack/arp.h"
#include "tests/attack/requests.h"

enum { BUFFERS = 8, BUFFER = 2048, MAC = 6, FIRST = 2, LAST = 250, QUIET_US = 20000 };

/* Where things are in a frame. */
enum { FROM = 6, TYPE = 12, BODY = 14, OPERATION = 20, SENDER = 22, TARGET = 38, ARP_END = 42 };

static bool answered[LAST + 1];

static void put(uint64_t at, const uint8_t *from, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		hal_put8(at + i, from[i]);
}

unsigned arp_ask(struct dev *d, uint64_t at)
{
	static const uint8_t body[] = { 8, 6, 0, 1, 8, 0, MAC, 4, 0, 1 };
	static const uint8_t host[] = { 192, 0, 2, 1 };
	const unsigned number = FIRST + d->number++ % (LAST - FIRST);
	const uint8_t ours[] = { 192, 0, 2, (uint8_t)number };

	mem_fill(at, 0, ARP_FRAME);
	mem_fill(at, 0xff, MAC);
	for (unsigned i = 0; i < MAC; i++) {
		uint64_t v;

		(void)hal_load(d->base + R_CONFIG + i, 1, &v);
		hal_put8(at + FROM + i, (uint8_t)v);
		hal_put8(at + SENDER + i, (uint8_t)v);
	}
	put(at + TYPE, body, sizeof(body));
	put(at + SENDER + MAC, ours, sizeof(ours));
	put(at + TARGET, host, sizeof(host));
	answered[number] = false;
	return number;
}

bool arp_answered(unsigned number)
{
	return answered[number];
}

void arp_give_buffers(struct dev *d)
{
	struct ring *r = &d->ring[NET_RECEIVE];
	uint64_t at;

	if (r->next_avail)
		return;
	at = dev_pages(d, BUFFERS * BUFFER);
	for (unsigned i = 0; i < BUFFERS; i++)
		ring_add_at(r, i, &(struct piece){ at + i * BUFFER, BUFFER, true }, 1);
	ring_kick(r);
}

static void look_at(uint64_t frame, uint32_t len)
{
	if (len >= ARP_END && hal_get8(frame + TYPE) == 8 && hal_get8(frame + TYPE + 1) == 6 &&
	    hal_get8(frame + OPERATION + 1) == 2 && hal_get8(frame + TARGET + 3) <= LAST)
		answered[hal_get8(frame + TARGET + 3)] = true;
}

/* Takes the frames that came, each in one buffer, and gives the buffers again. */
static void take_frames(struct dev *d)
{
	struct ring *r = &d->ring[NET_RECEIVE];
	unsigned i;
	uint32_t len;

	while (ring_next(r, &i, &len)) {
		const uint64_t at = i < r->size ? hal_get64(r->desc + 16 * i) : 0;

		if (i >= r->size || len < NET_HEADER || len > BUFFER) {
			complain_of("bytes of a frame that came", len, i);
			return;
		}
		look_at(at + NET_HEADER, len - NET_HEADER);
		ring_avail(r, r->next_avail++, (uint16_t)i);
		ring_avail_index(r, r->next_avail);
		ring_kick(r);
	}
}

struct waiting {
	struct dev *d;
	unsigned number;
};

static bool is_answered(void *ctx)
{
	const struct waiting *w = ctx;

	take_frames(w->d);
	return answered[w->number] || complained();
}

void arp_wait(struct dev *d, unsigned number)
{
	struct waiting w = { d, number };

	if (!wait_until(is_answered, &w))
		complain("a frame that should get through is not answered");
}

void arp_drain(struct dev *d)
{
	uint64_t quiet = hal_now_us();

	arp_give_buffers(d);
	while (hal_now_us() - quiet < QUIET_US && !complained()) {
		const uint16_t before = d->ring[NET_RECEIVE].next_used;

		take_frames(d);
		if (d->ring[NET_RECEIVE].next_used != before)
			quiet = hal_now_us();
		hal_pause();
	}
}

void arp_good(struct dev *d)
{
	const uint64_t at = dev_alloc(d, NET_HEADER + ARP_FRAME);
	const unsigned number = arp_ask(d, at + NET_HEADER);

	arp_give_buffers(d);
	mem_fill(at, 0, NET_HEADER);
	if (ring_good(&d->ring[NET_SEND], &(struct piece){ at, NET_HEADER + ARP_FRAME, false }, 1,
		      0))
		arp_wait(d, number);
}
