/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between vsock.c (life, and the queues' turns), vsock_packet.c (what the guest says),
 * vsock_reply.c (what it is told), vsock_conn.c (connections, and their sockets) and vsock_host.c
 * (who connects from the host, and to whom on the host the guest connects).
 *
 * Everything is the loop thread's. A reset, on a vCPU, only leaves word, which is taken before
 * anything else is done: vsock_settle(). No request is kept beyond a turn, but for one empty buffer
 * of the receive queue.
 */
#ifndef DEVICES_VIRTIO_VSOCK_PARTS_H
#define DEVICES_VIRTIO_VSOCK_PARTS_H

#include "devices/virtio/server.h"
#include "devices/virtio/vsock.h"
#include "vmm/base/le.h"
#include "vmm/host/unixsock.h"

enum { VSOCK_RX, VSOCK_TX, VSOCK_EVENT, VSOCK_QUEUES }; /* as the driver sees it: it receives */

enum { VSOCK_F_STREAM = 0, VSOCK_F_SEQPACKET = 1 };

#define VSOCK_CID_HOST 2

enum vsock_op {
	VSOCK_OP_INVALID,
	VSOCK_OP_REQUEST,
	VSOCK_OP_RESPONSE,
	VSOCK_OP_RST,
	VSOCK_OP_SHUTDOWN,
	VSOCK_OP_RW,
	VSOCK_OP_CREDIT_UPDATE,
	VSOCK_OP_CREDIT_REQUEST,
};

enum { VSOCK_TYPE_STREAM = 1 };

/* Flags of SHUTDOWN: the sender of the packet will not receive, or send, any more. */
enum { VSOCK_NO_RECEIVE = 1, VSOCK_NO_SEND = 2, VSOCK_NO_BOTH = 3 };

struct vsock_header {
	le64 src_cid, dst_cid;
	le32 src_port, dst_port;
	le32 len;
	le16 type, op;
	le32 flags;
	le32 buf_alloc, fwd_cnt;
} __attribute__((packed, aligned(4)));

#define VSOCK_HEADER 44

struct vsock_config_space {
	le64 guest_cid;
};

enum {
	VSOCK_RING = 65536, /* of a connection, for the host's reader; a power of two */
	VSOCK_RESETS = 128, /* RSTs for packets that belong to no connection, waiting to be sent */
	VSOCK_LINE = 32,    /* bytes of the longest "CONNECT PORT\n", and more */
	VSOCK_BUCKETS = 4096,
};

enum vsock_state {
	VSOCK_FREE,
	VSOCK_DIALING,	 /* the guest asked for it; the host's socket is to be connected */
	VSOCK_ABANDONED, /* and meanwhile the guest does not want it any more */
	VSOCK_GREETING,	 /* a host's program connected, and has not said where to */
	VSOCK_ASKING,	 /* the guest is asked whether it takes it */
	VSOCK_OPEN,
	VSOCK_REFUSED,	/* only the RST for the guest is left of it */
	VSOCK_DRAINING, /* the guest is done with it; what it sent is still to go to the host */
};

/* What is to be sent to the guest. */
enum vsock_due {
	VSOCK_DUE_REQUEST = 1,
	VSOCK_DUE_RESPONSE = 2,
	VSOCK_DUE_RST = 4,
	VSOCK_DUE_SHUTDOWN = 8,
	VSOCK_DUE_CREDIT = 16,
	VSOCK_DUE_CREDIT_REQUEST = 32,
};

struct vsock;

struct vsock_conn {
	struct vsock *s;
	struct vsock_conn *next;    /* in the pool's free list, or its bucket */
	struct vsock_conn *waiting; /* the next of those to be dialed */
	bool dialed;		    /* it is not among them any more */
	struct vsock_conn *after;   /* the next of those that have something for the guest */
	bool listed;		    /* is one of them */
	enum vsock_state state;
	unsigned due; /* enum vsock_due */
	uint32_t guest_port, host_port;

	int fd; /* owned; -1: none */
	struct watch watch;
	bool readable; /* there may be something to read, or the end */
	bool ended;    /* the host sends no more */
	bool gone;     /* the host reads no more */
	bool write_shut;
	unsigned guest_shut, told_shut; /* what the guest, and we, said with SHUTDOWN */
	uint64_t deadline;		/* ASKING */
	char line[VSOCK_LINE];		/* GREETING: what came of it so far */
	unsigned line_len;

	/* Credit; all counts wrap. */
	uint32_t guest_alloc, guest_forwarded, sent;
	uint32_t received, forwarded, told_forwarded;
	bool asked_credit; /* since there was none */

	uint32_t head, fill; /* of the ring */
	bool ring_used;	     /* its memory was touched */
};

/* A packet that is answered by RST without being one of a connection's. */
struct vsock_reset_due {
	uint32_t guest_port, host_port;
	uint16_t type;
};

struct vsock {
	struct virtio v;
	struct queue queue[VSOCK_QUEUES];
	struct server rx, tx, event;
	struct vsock_config_space config;
	struct loop *loop; /* borrowed, outlives us */
	uint64_t cid;
	const struct virtio_vsock_dialer *dialer; /* borrowed; NULL: none */

	struct request *spare; /* rx queue's lock: a buffer that found nothing to take */
	_Atomic bool was_reset;
	struct call reset; /* what a reset leaves to do */
	bool event_due;	   /* TRANSPORT_RESET */
	bool tx_waits;	   /* for room among the resets */

	struct vsock_reset_due resets[VSOCK_RESETS]; /* a ring */
	unsigned first_reset, nr_resets;
	struct vsock_conn *ready, **ready_end; /* connections with something for the guest */

	struct unixsock listener;
	struct watch listen_watch;
	struct timer retry;		       /* of accepting */
	struct vsock_conn *dials, **dials_end; /* that wait for their turn */
	unsigned dialing;		       /* under way */
	struct timer asking_timer;
	unsigned asking;
	uint32_t next_port;

	char *rings; /* owned; of all connections */
	unsigned fresh;
	struct vsock_conn *free;
	struct vsock_conn *bucket[VSOCK_BUCKETS];
	struct vsock_conn conn[VIRTIO_VSOCK_CONNECTIONS];
};

/* --- vsock.c --- */

/* Takes what a reset left to do. First of all in whatever the loop begins. */
void vsock_settle(struct vsock *s);

/* --- vsock_packet.c --- */

/* A turn of the queue on which the guest sends. */
bool vsock_transmit(struct server *srv);

/* --- vsock_reply.c --- */

/* A turn of the queue on which it receives. */
bool vsock_receive(struct server *srv);

/* Has an RST sent to the guest's port. There is room for it: VSOCK_RESETS. */
void vsock_send_reset(struct vsock *s, uint32_t guest_port, uint32_t host_port, uint16_t type);

/* Bytes that the guest can take now. */
uint32_t vsock_credit(const struct vsock_conn *c);

/* That is due, and whatever @c is ready to send. */
void vsock_due(struct vsock_conn *c, unsigned due);

/* Puts @c among those that have something for the guest, if it has. */
void vsock_list(struct vsock_conn *c);
void vsock_unlist(struct vsock_conn *c);

/* --- vsock_conn.c --- */

/* The pool; NULL when it is empty. A new one is in no state yet but has no fd. */
struct vsock_conn *vsock_new(struct vsock *s);

/* Closes all of it and gives it back. */
void vsock_free(struct vsock_conn *c);

/* Gives it its ports, by which it is found. */
struct vsock_conn *vsock_find(struct vsock *s, uint32_t guest_port, uint32_t host_port);
void vsock_enter(struct vsock_conn *c, uint32_t guest_port, uint32_t host_port);

/* It now has @fd, in this state. False, with @fd closed, when it cannot be watched. */
bool vsock_adopt(struct vsock_conn *c, int fd, enum vsock_state state) MUST_CHECK;

/* The guest is done with it. What it sent still goes to the host. */
void vsock_leave(struct vsock_conn *c);

/* The guest knows it no more, whatever is still to become of it. */
void vsock_nobody(struct vsock_conn *c);

/* Passes @len bytes of @r behind the header to the host, or keeps them. False: @r is unreadable. */
bool vsock_forward(struct vsock_conn *c, struct request *r, uint32_t len);

/* Reads at most @max bytes into @r behind the header; how many. */
uint32_t vsock_fetch(struct vsock_conn *c, struct request *r, uint32_t max);

/* What SHUTDOWN of the guest means for the socket. */
void vsock_guest_shut(struct vsock_conn *c, unsigned flags);

/* The host's side reads no more. */
void vsock_gone(struct vsock_conn *c);

/* Has the socket watched for what @c waits for. */
void vsock_rewatch(struct vsock_conn *c);

/* --- vsock_host.c --- */

int vsock_listen(struct vsock *s, const char *path, struct err *e) MUST_CHECK;
void vsock_unlisten(struct vsock *s);

/* There may be room in the pool again. */
void vsock_accept_again(struct vsock *s);

/* Has the host's socket for what the guest asked for connected. */
void vsock_dial(struct vsock_conn *c);

/* The guest does not want it any more. */
void vsock_dial_abandon(struct vsock_conn *c);

/* More of "CONNECT PORT\n" may have come. */
void vsock_greeting(struct vsock_conn *c);

/* The guest takes what it was asked for. */
void vsock_accepted(struct vsock_conn *c);

#endif
