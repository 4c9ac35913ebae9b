/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets: what attacks on them and back ends know of each other. */
#ifndef TESTS_ATTACK_VSOCK_H
#define TESTS_ATTACK_VSOCK_H

#include "tests/attack/attack.h"

enum { VSOCK_RECEIVE, VSOCK_SEND, VSOCK_EVENTS };

/* The guest's CID; ports of the host: where somebody reads, where nobody does, and neither. */
enum { VSOCK_CID = 77, VSOCK_LISTENS = 1000, VSOCK_SLOW = 1001, VSOCK_NOBODY = 1002 };

enum {
	OP_INVALID,
	OP_REQUEST,
	OP_RESPONSE,
	OP_RST,
	OP_SHUTDOWN,
	OP_RW,
	OP_CREDIT_UPDATE,
	OP_CREDIT_REQUEST,
};

/* What is a good request to it. */
void vsock_good(struct dev *d);

#endif
