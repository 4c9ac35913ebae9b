/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vhost-user back end in a thread of the test: inverts what it reads into the writable part of
 *the same request, by split rings in the shared memory of tests/lib/virtio_driver.h. It can hold
 *what it took, complete it in another order, die, and leave a record of what was in flight; and it
 *can answer one request of the protocol as none should.
 *
 *	struct back b;
 *	back_init(&b);
 *	fd = back_start(&b);	... the front end's
 *	back_kill(&b);		... as a process that dies; back_start() is its successor
 *	back_done(&b);
 */
#ifndef TESTS_LIB_VHOST_BACK_H
#define TESTS_LIB_VHOST_BACK_H

#include "devices/virtio/vhost_user_link.h"

#include <pthread.h>
#include <stdatomic.h>

#define BACK_QUEUES  4
#define BACK_ENTRIES 1024
#define BACK_REGIONS 8

/* How it answers back.bad, instead of what it should. */
enum back_how {
	BACK_WELL,
	BACK_CLOSES,
	BACK_SILENT,
	BACK_SHORT,	    /* fewer bytes, and says so */
	BACK_LONG,	    /* more bytes, and says so */
	BACK_HUGE,	    /* says that 2^32 - 1 bytes follow */
	BACK_CUT,	    /* closes in the middle */
	BACK_CUT_HEADER,    /* closes in the middle of the header */
	BACK_OTHER_REQUEST, /* answers another one */
	BACK_NO_REPLY,	    /* the flag of a reply is missing */
	BACK_OTHER_VERSION,
	BACK_FDS,      /* two descriptors come with it */
	BACK_MANY_FDS, /* more than can be taken */
	BACK_REFUSES,  /* the acknowledgement says no; numbers are all ones */
};
#define BACK_HOWS (BACK_REFUSES + 1)

struct back_ring {
	uint64_t desc, avail, used; /* as we were told: in this test guest physical */
	uint32_t size;
	int kick, call;
	bool enabled;
	uint16_t next; /* position in the available ring */
	uint16_t held[BACK_ENTRIES], nr_held;
};

struct back {
	/* The test's, while no thread runs. */
	uint64_t features, protocol;
	uint64_t queues, slots;
	uint8_t config[256];
	size_t config_size;
	enum vu_request bad;
	enum back_how how;
	_Atomic bool holds;	/* takes requests and does not complete them */
	_Atomic bool backwards; /* completes what it held the last one first */
	_Atomic uint8_t first;	/* byte of config */

	/* The thread's. */
	_Atomic unsigned seen[64]; /* messages, by request */
	_Atomic uint64_t accepted;
	_Atomic unsigned taken, served; /* requests */
	_Atomic unsigned nr_regions;
	_Atomic unsigned config_writes;
	int sock, wake, channel, inflight;
	uint8_t *marks; /* of the record */
	struct back_ring ring[BACK_QUEUES];
	struct {
		uint64_t guest, size;
		char *at;
	} region[BACK_REGIONS];
	pthread_t thread;
	_Atomic bool quit, running;
};

/* All the features that there are, and one configuration space of 60 bytes. */
void back_init(struct back *b);

/* Begins anew; the front end's socket. */
int back_start(struct back *b);

/* Ends at once; everything it had is closed. Fine when it ended by itself. */
void back_kill(struct back *b);

/* It looks at its rings again, after holds was changed. */
void back_look(struct back *b);

/* Has it say that its configuration space is another now. The answer is waited for. */
uint64_t back_config_changed(struct back *b);

/* Sends @len bytes on its own channel as they are. */
void back_say(struct back *b, const void *bytes, size_t len);

#endif
