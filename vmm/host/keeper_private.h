/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper, inside: what vmm and the process that keeps programs say to each other, each message a
 * packet of a SOCK_SEQPACKET pair.
 */
#ifndef VMM_HOST_KEEPER_PRIVATE_H
#define VMM_HOST_KEEPER_PRIVATE_H

#include "vmm/host/keeper.h"

enum keeper_what {
	/* To the process. */
	KEEPER_JOB,    /* a new job, and its first start; .text: its strings, each with its NUL */
	KEEPER_AGAIN,  /* a new connection of a job */
	KEEPER_END,    /* all programs; no answer but that the process ends */
	KEEPER_SEAL,   /* nothing new is taken any more */
	KEEPER_DIAL,   /* .number of a job, as dial .dial */
	KEEPER_LITTER, /* .text: a path to remove at the end; of .dev and .ino */

	/* To vmm. */
	KEEPER_UP,     /* with the fd of a connection */
	KEEPER_DOWN,   /* .text says why */
	KEEPER_SAID,   /* a line that the program wrote */
	KEEPER_DIALED, /* .dial, with an fd if there is one */
};

#define KEEPER_TEXT 16384 /* bytes of all strings of a job */

struct keeper_message {
	uint32_t what; /* enum keeper_what */
	uint32_t job;
	uint32_t kind; /* JOB: enum keeper_kind */
	int32_t error; /* DOWN: an errno, or 0 */
	uint32_t dial, number;
	uint32_t len;	   /* bytes of .text */
	uint64_t dev, ino; /* LITTER */
	char text[KEEPER_TEXT];
};

/* The first strings of a job: its name, its path ("" when there is none); argv follows. */

/*
 * Sends one, with @fd unless that is -1; waits for room. 0 or -errno. Receives one without waiting
 * for it: bytes of .text checked, *@fd the caller's or -1; -ENOTCONN: the other end is gone;
 * -EAGAIN: there is none; -EPROTO: nonsense.
 */
int keeper_send(int sock, struct keeper_message *m, int fd) MUST_CHECK;
int keeper_receive(int sock, struct keeper_message *m, int *fd) MUST_CHECK;

/* keeper_dialer.c: the process' side of KEEPER_DIAL. */
struct keeper_dialer;

struct keeper_dialing {
	struct keeper_dialer *d;
	int fd; /* owned; -1: not under way */
	const char *prefix;
	uint32_t number, job;
	uint64_t until;
	struct timer again;
};

struct keeper_dialer {
	struct loop *loop;
	/* Says how it ended; @fd is still the dialer's, or -1. */
	void (*ended)(struct keeper_dialer *d, uint32_t job, uint32_t dial, int fd);
	struct keeper_dialing dialing[KEEPER_MAX_DIALS];
};

void keeper_dialer_init(struct keeper_dialer *d, struct loop *l);

/* Begins dial @dial, which ends by ended(), perhaps at once. @prefix outlives it. */
void keeper_dialer_begin(struct keeper_dialer *d, uint32_t job, uint32_t dial, const char *prefix,
			 uint32_t number);

/* The life of the process: serves @sock until that is closed. */
_Noreturn void keeper_process(int sock);

#endif
