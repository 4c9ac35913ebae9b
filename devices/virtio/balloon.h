/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio memory balloon (virtio 1.3, section 5.5): memory of the guest goes back to the host.
 *
 * The balloon: the host says how large it should be; the driver takes so much from its guest and
 * names the pages, in units of 4 KiB whatever the guest's pages are. What lies in the balloon takes
 * no memory of the host. The driver may take pages out again when it wants, without asking. Free
 * page reporting: without any balloon, the driver names what just happens to be free. Both kinds of
 * pages read as zeroes when the guest uses them again.
 *
 * Given back are whole pages of the host that lie in RAM: on a host with larger pages, when all of
 * such a page is in the balloon. A page that is named twice, that is no RAM, or that holds the
 * device's own rings is the guest's affair: at worst it loses what was there. A reset empties the
 * balloon. A guest that fills its free pages with a pattern (PAGE_POISON) keeps what it reports,
 * since it wants to find the pattern there and not zeroes.
 *
 * The loop thread serves all queues, in turns that are bounded by the pages they look at and give
 * back. Left out: free page hints, which are for migration; MUST_TELL_HOST, which nothing here
 * needs.
 */
#ifndef DEVICES_VIRTIO_BALLOON_H
#define DEVICES_VIRTIO_BALLOON_H

#include "devices/virtio/virtio.h"
#include "vmm/base/keys.h"
#include "vmm/core/loop.h"

/* --balloon: as the user writes it. */
struct virtio_balloon_config {
	uint64_t size; /* bytes that it should have at the start */
	char *from;    /* a file that has the size; NULL: not given */
	bool reporting, deflate_on_oom;
};

extern const struct key virtio_balloon_keys[];
extern const struct virtio_balloon_config virtio_balloon_defaults;

/* What a driver tells of its guest, by the specification's tags; those that have names here. */
enum {
	VIRTIO_BALLOON_S_FREE = 4,
	VIRTIO_BALLOON_S_TOTAL = 5,
	VIRTIO_BALLOON_S_AVAILABLE = 6,
	VIRTIO_BALLOON_S_CACHES = 7,
	VIRTIO_BALLOON_S_TAGS = 16,
};

struct virtio_balloon_figures {
	uint64_t target;    /* bytes that the balloon should have */
	uint64_t inside;    /* that are in it now, as the device sees it */
	uint64_t inflated;  /* that were given back since the start: because they went in */
	uint64_t reported;  /* ... because they were free */
	uint64_t not_ram;   /* pages that a driver named and that are no RAM */
	unsigned has_stats; /* 1 << tag: of those below */
	uint64_t stats[VIRTIO_BALLOON_S_TAGS]; /* the guest's own figures, as it was asked last */
};

/*
 * @mem and @loop are borrowed and outlive it; RAM is in @mem already, and there is some that
 * belongs to a struct ram. @c is borrowed until the return. NULL and @e set on failure. Loop
 * thread.
 */
struct virtio *virtio_balloon_create(const struct virtio_balloon_config *c, struct gmem *mem,
				     struct loop *loop, struct err *e) MUST_CHECK;

/* From now on it should have so many bytes: the driver is told. Loop thread. */
void virtio_balloon_resize(struct virtio *v, uint64_t bytes);

/* Loop thread. */
void virtio_balloon_figures(struct virtio *v, struct virtio_balloon_figures *f);

/*
 * Has the driver send new figures, and then calls @a->tell, on the loop thread and with a lock of
 * the device's held: no call into it. False, and nothing will come, while there is no driver that
 * sends any, or it still owes the last answer. @a is kept until it was told or the device is gone.
 * Loop thread.
 */
struct virtio_balloon_asked {
	void (*tell)(struct virtio_balloon_asked *a, const struct virtio_balloon_figures *f);
};

bool virtio_balloon_ask(struct virtio *v, struct virtio_balloon_asked *a) MUST_CHECK;

#endif
