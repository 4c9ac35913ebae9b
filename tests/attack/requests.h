/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of which several are out at a time, for attacks of the device groups; split rings. */
#ifndef TESTS_ATTACK_REQUESTS_H
#define TESTS_ATTACK_REQUESTS_H

#include "tests/attack/attack.h"

/* Makes a request available in descriptors @first and on, which no other one has. */
void ring_add_at(struct ring *r, unsigned first, const struct piece *p, unsigned n);

/* The next used buffer, if there is one now: its first descriptor and its length. */
bool ring_next(struct ring *r, unsigned *first, uint32_t *len);

/* Waits for @n of those that are out; complains of fewer, and of a device that breaks. */
void ring_collect(struct ring *r, unsigned n);

/* Sends one request and waits for what becomes of it; complains when nothing does. */
enum answer ring_send(struct ring *r, const struct piece *p, unsigned n, uint32_t *len);

/* Complains unless all of [@at, @at + @len) is @byte. */
void mem_expect(uint64_t at, uint8_t byte, uint64_t len, const char *why);

/* As a good driver starts it, but for features @without; the ring that is attacked. */
struct ring *begin_with(struct dev *d, uint64_t without, unsigned size);

#endif
