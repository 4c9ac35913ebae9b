/* SPDX-License-Identifier: Apache-2.0 */
/* The Internet checksum (RFC 1071), where a frame leaves it to be done. */
#include "vmm/host/net.h"

#include <string.h>

bool net_csum_fits(const struct net_header *h, size_t len)
{
	const size_t at = (size_t)le16_get(h->csum_start) + le16_get(h->csum_offset);

	return !(h->flags & NET_NEEDS_CSUM) || at + 2 <= len;
}

/* Two words of 64 bits, added up in parallel. */
typedef uint64_t pair __attribute__((vector_size(16)));

enum { BLOCK = 64 };

static pair load(const uint8_t *at)
{
	pair p;

	memcpy(&p, at, sizeof(p));
	return p;
}

/* Of a part of blocks: the words of 32 bits, summed up in 64. */
static uint64_t sum_blocks(const uint8_t *at, size_t len)
{
	const pair mask = { UINT32_MAX, UINT32_MAX };
	pair even = { 0, 0 }, odd = { 0, 0 };

	for (; len >= BLOCK; at += BLOCK, len -= BLOCK) {
		const pair a = load(at), b = load(at + 16), c = load(at + 32), d = load(at + 48);

		even += (a & mask) + (b & mask) + (c & mask) + (d & mask);
		odd += (a >> 32) + (b >> 32) + (c >> 32) + (d >> 32);
	}
	return even[0] + even[1] + odd[0] + odd[1];
}

/*
 * In words as they lie in memory: a one's complement sum may be folded as late as one likes, and in
 * any byte order.
 */
static uint64_t sum_words(const uint8_t *at, size_t len)
{
	const size_t blocks = len - len % BLOCK;
	uint64_t sum = sum_blocks(at, blocks);
	uint16_t last = 0;

	for (at += blocks, len -= blocks; len >= 4; at += 4, len -= 4) {
		uint32_t w;

		memcpy(&w, at, 4);
		sum += w;
	}
	if (len >= 2) {
		memcpy(&last, at, 2);
		sum += last;
		at += 2;
		len -= 2;
		last = 0;
	}
	if (len)
		memcpy(&last, at, 1); /* the missing byte is zero */
	return sum + last;
}

/* The field begins as the sum of what is before csum_start, so it is summed like the rest. */
void net_csum_complete(const struct net_header *h, uint8_t *frame, size_t len)
{
	const size_t start = le16_get(h->csum_start);
	uint8_t *field = frame + start + le16_get(h->csum_offset);
	uint64_t sum = sum_words(frame + start, len - start);
	uint16_t result;

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	result = (uint16_t)~sum;
	if (result == 0)
		result = 0xffff; /* the same number, and for UDP zero would mean that there is none
				  */
	memcpy(field, &result, sizeof(result));
}
