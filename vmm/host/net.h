/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net: the host end of a network card: a tap device, a Unix stream socket, or passt.
 *
 * Frames go to and come from it in queues, of which a tap may have several. Where the host's end
 * knows offloads (vnet), a frame's header says what is left to be done; where it does not, the
 * checksum is computed here, and nothing else is offered.
 *
 * Two threads: what is called "set-up" is the main thread's, before the card's thread runs or after
 * it has ended; all else is the card's thread, which runs the loop that net_attach() was given.
 * Nothing here waits for the network.
 */
#ifndef VMM_HOST_NET_H
#define VMM_HOST_NET_H

#include "vmm/base/keys.h"
#include "vmm/base/le.h"
#include "vmm/core/loop.h"

#include <sys/types.h>
#include <sys/uio.h>

struct keeper;

#define NET_MAX_QUEUES 8     /* pairs */
#define NET_FRAME_MIN  14    /* an Ethernet header */
#define NET_FRAME_MAX  65553 /* 65535 bytes behind an Ethernet header with a VLAN tag */
#define NET_MAC	       6

enum net_vhost { NET_VHOST_AUTO, NET_VHOST_ON, NET_VHOST_OFF };

/* --net: as the user writes it; one of user, tap, fd, socket. */
struct net_config {
	bool user;
	struct key_list forwards; /* of user; as net_forward_parse() reads them */
	bool host_loopback;	  /* of user: the gateway is this machine's loopback */
	char *tap;		  /* its name; "": the kernel chooses; NULL: not given */
	char *fd;		  /* of a tap: numbers, one a queue, with colons between */
	char *socket;		  /* path */
	char *mac;		  /* NULL: derived */
	int vhost;		  /* enum net_vhost */
	uint32_t queues;
	bool packed;
};

extern const struct key net_keys[];
extern const struct net_config net_defaults;

/* Whether what was given goes together. Opens nothing. */
int net_config_check(const struct net_config *c, struct err *e) MUST_CHECK;

/* Reads "02:00:5e:10:00:01": not a multicast address, not zero. */
int net_mac_parse(uint8_t mac[NET_MAC], const char *text, struct err *e) MUST_CHECK;

/* A port of the host's that leads to one of the guest's. */
struct net_forward {
	bool udp;
	char address[64]; /* of the host's, without brackets; "": all */
	uint16_t host, guest;
};

/* Reads "tcp|udp:[ADDRESS:]HOSTPORT:GUESTPORT", an IPv6 address in brackets. */
int net_forward_parse(struct net_forward *f, const char *text, struct err *e) MUST_CHECK;

/* The header in front of each frame (virtio 1.3, 5.1.6); a tap's has the same layout. */
struct net_header {
	uint8_t flags;	  /* NET_NEEDS_CSUM, NET_DATA_VALID */
	uint8_t gso_type; /* NET_GSO_... */
	le16 hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};

enum { NET_NEEDS_CSUM = 1, NET_DATA_VALID = 2 };
enum {
	NET_GSO_NONE = 0,
	NET_GSO_TCP4 = 1,
	NET_GSO_UDP = 3,
	NET_GSO_TCP6 = 4,
	NET_GSO_UDP_L4 = 5,
	NET_GSO_ECN = 0x80,
};

/* What may be left to be done with a frame, as a mask. */
enum net_offload {
	NET_CSUM = 1,
	NET_TSO4 = 2,
	NET_TSO6 = 4,
	NET_ECN = 8,
	NET_USO = 16,
};

/*
 * A frame that came in. What is at data is the host end's until the next frame of its queue is
 * asked for. Of a frame that went in part to where the caller wanted it (placed), there are the
 * first NET_FRAME_MIN bytes, which is what decisions need, and those behind the placed ones.
 */
struct net_frame {
	struct net_header header;
	uint8_t *data;
	size_t len;    /* NET_FRAME_MIN..NET_FRAME_MAX; 0: none */
	size_t placed; /* bytes behind the first NET_FRAME_MIN */
};

/* Where bytes of a frame behind its first NET_FRAME_MIN may go; n 0: nowhere. */
struct net_place {
	const struct iovec *iov;
	unsigned n;
};

#define NET_PLACES 128

enum { NET_IN = 1, NET_OUT = 2 };

/* Who is told: the card, on its thread, never from inside a call. */
struct net_front {
	void (*ready)(struct net_front *f, unsigned queue, unsigned what); /* NET_IN, NET_OUT */
	void (*link)(struct net_front *f, bool up);
};

struct net_host {
	const struct net_host_ops *ops;
	char name[32]; /* for messages: "net0 (tap0)" */
	uint8_t mac[NET_MAC];
	unsigned queues;   /* 1..NET_MAX_QUEUES */
	unsigned offloads; /* of enum net_offload, that frames to the host may ask for */
	unsigned gives;	   /* of enum net_offload, that frames from the host may ask for */
	uint16_t mtu;	   /* 0: not known */
	struct loop *loop; /* the card's; NULL before net_attach() */
	struct net_front *front;
	atomic_bool up; /* of the link */
};

struct net_host_ops {
	int (*attach)(struct net_host *h, struct err *e);
	void (*want)(struct net_host *h, unsigned queue, unsigned what);
	int (*receive)(struct net_host *h, unsigned queue, struct net_frame *f,
		       struct net_place to);
	int (*send)(struct net_host *h, unsigned queue, struct iovec *iov, unsigned n);
	void (*flush)(struct net_host *h, unsigned queue);		    /* optional */
	void (*shape)(struct net_host *h, unsigned queues, unsigned gives); /* optional */
	int (*fd)(const struct net_host *h, unsigned queue);		    /* optional */
	void (*destroy)(struct net_host *h);
} OPS;

/*
 * Opens what @c, which was checked, says, and starts what it needs; @index is the card's among all.
 * @c is borrowed until the return; @main, the main loop, and @keeper outlive it. Set-up.
 */
struct net_host *net_open(const struct net_config *c, unsigned index, struct loop *main,
			  struct keeper *keeper, struct err *e) MUST_CHECK;

/* NULL is fine. Set-up: neither loop runs any more. */
void net_close(struct net_host *h);

/* From now on @l, which does not run yet, serves it. Set-up. */
int net_attach(struct net_host *h, struct loop *l, struct net_front *f, struct err *e) MUST_CHECK;

/*
 * What front.ready() shall tell of @queue: NET_IN: a frame may be there, NET_OUT: one may go; it
 * does so again and again while that is so.
 */
static inline void net_want(struct net_host *h, unsigned queue, unsigned what)
{
	h->ops->want(h, queue, what);
}

/*
 * The next frame: 0, or -EAGAIN when there is none now. A host end that can puts bytes of it into
 * @to, of at most NET_PLACES pieces, from its beginning on. Should that memory fail, nobody is
 * told: who reads it finds out.
 */
static inline int net_receive(struct net_host *h, unsigned queue, struct net_frame *f,
			      struct net_place to)
{
	return h->ops->receive(h, queue, f, to);
}

/*
 * Sends a frame: iov[0] is its struct net_header, checked, and net_csum_fits() holds; the rest its
 * NET_FRAME_MIN to NET_FRAME_MAX bytes, which may change meanwhile. -EAGAIN: not now, and NET_OUT
 * tells when. Any other error: it is lost, as on a wire. May be late until net_flush().
 */
static inline int net_send(struct net_host *h, unsigned queue, struct iovec *iov, unsigned n)
{
	return h->ops->send(h, queue, iov, n);
}

static inline void net_flush(struct net_host *h, unsigned queue)
{
	if (h->ops->flush)
		h->ops->flush(h, queue);
}

/* Frames shall come by this many queues, the first ones, and ask for no more than @gives. */
static inline void net_shape(struct net_host *h, unsigned queues, unsigned gives)
{
	if (h->ops->shape)
		h->ops->shape(h, queues, gives);
}

/*
 * For another server of the queues than the card (vhost-net): the tap's fd, borrowed. -1: it has
 * none.
 */
static inline int net_fd(const struct net_host *h, unsigned queue)
{
	return h->ops->fd ? h->ops->fd(h, queue) : -1;
}

/* Whether the checksum that @h asks for, if any, lies inside a frame of @len bytes. */
bool net_csum_fits(const struct net_header *h, size_t len);

/* Computes it, and puts it into the frame of @len bytes: net_csum_fits(). */
void net_csum_complete(const struct net_header *h, uint8_t *frame, size_t len);

#endif
