/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames that are answered: a network card's driver asks who has the host's address, 192.0.2.1, and
 * the host end says so, in process as on a tap. Each question is asked by another address, so that
 * an answer tells which one got through.
 */
#ifndef TESTS_ATTACK_ARP_H
#define TESTS_ATTACK_ARP_H

#include "tests/attack/attack.h"

/* Of the header of a frame; and a question, with as much behind it as the shortest frame has. */
enum { NET_HEADER = 12, ARP_FRAME = 60 };

enum { NET_RECEIVE, NET_SEND };

/* Writes a question at @at; its number. */
unsigned arp_ask(struct dev *d, uint64_t at);

/* Whether an answer to it came so far. */
bool arp_answered(unsigned number);

/* Buffers for frames, if the driver has not given any since the card's start. */
void arp_give_buffers(struct dev *d);

/* Takes frames until the question is answered; complains if it is not. */
void arp_wait(struct dev *d, unsigned number);

/* Takes frames until none comes any more: what was asked without looking for answers. */
void arp_drain(struct dev *d);

/* What is a good request to a card: a question, and its answer. */
void arp_good(struct dev *d);

#endif
