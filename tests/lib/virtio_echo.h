/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio class for tests of the core: writes what it reads into the same request, inverted. It
 * serves its queues when it is told to, or from a thread of its own.
 */
#ifndef TESTS_LIB_VIRTIO_ECHO_H
#define TESTS_LIB_VIRTIO_ECHO_H

#include "devices/virtio/virtio.h"

#include <pthread.h>

#define ECHO_QUEUES   3
#define ECHO_MAX      64 /* entries */
#define ECHO_SEGS     32
#define ECHO_ID	      42
#define ECHO_FEATURE  5 /* offered */
#define ECHO_CONFLICT 6 /* offered, but not together with the other */

struct echo {
	struct virtio v;
	struct queue queue[ECHO_QUEUES];
	uint8_t config[24];
	unsigned starts, stops, resets; /* calls of the operations */
	unsigned *destroyed;
	struct request *held; /* echo_take()'s, a list; queue 0's lock */
	unsigned batch;	      /* requests between two interrupts at most */
	unsigned served;
	pthread_t thread;
	_Atomic bool stop;
};

/* @destroyed, if any, counts destructions. */
struct echo *echo_create(struct gmem *mem, unsigned *destroyed);

/* Serves queue @i until it is empty, kicks are asked for, and nothing came meanwhile. */
enum pop echo_serve(struct echo *e, unsigned i);

/* Pops all that is there from queue 0, and holds it; gives the last one back. */
unsigned echo_take(struct echo *e);
bool echo_give(struct echo *e);

/* Serves queue 0 from a thread, by kicks alone, until it is stopped. */
void echo_run(struct echo *e);
void echo_end(struct echo *e);

#endif
