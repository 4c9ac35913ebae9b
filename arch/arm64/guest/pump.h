/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pump: moves a command's bytes between its pipes (or its terminal) and vmm's ports, and hears what
 * vmm says meanwhile. Blocks only in poll; no stream waits for another.
 */
#ifndef ARCH_ARM64_GUEST_PUMP_H
#define ARCH_ARM64_GUEST_PUMP_H

#include "vmm/command_wire.h"

#include <stddef.h>

#define PUMP_PIECE 32768 /* what a virtio port takes at once in Linux */

/* Bytes on their way from one fd to another. */
struct pump_stream {
	int from, to;	     /* non-blocking; -1: there is none, or it has ended */
	int shared;	     /* @to is the other direction's as well: no end of it closes it */
	size_t at, len;	     /* of what waits in data */
	uint64_t taken;	     /* bytes from @from */
	uint64_t given;	     /* bytes to @to */
	uint64_t ends_after; /* bytes; UINT64_MAX while that is not known */
	char data[PUMP_PIECE];
};

struct pump {
	struct pump_stream in, out[2];
	int control; /* vmm's port of records */
	int signals; /* a signalfd that is readable when a child ended */
	int over;    /* the command has ended, and what it wrote is all there is */

	struct command_record heard; /* how much of one has come: */
	size_t heard_len;

	/* A record that is not about the streams. */
	void (*told)(struct pump *p, const struct command_record *r);
	/* @signals became readable. Sets @over when it was the command. */
	void (*child)(struct pump *p);
};

/* Sets up @s; an fd may be -1. Closes none but @to of the input. */
void pump_stream_init(struct pump_stream *s, int from, int to);

/* Until the command is over and all that it wrote is given to vmm, or vmm wants no more of it. */
void pump_run(struct pump *p);

/* Reads a whole record; blocks. 0, or -errno. */
long pump_hear(int control, struct command_record *r);

/* Writes one. */
void pump_say(int control, const struct command_record *r);

#endif
