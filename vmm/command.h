/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command: the host's side of a command that the guest runs for us: its input, output and errors
 * are ours, signals go to it, and its end is ours. vmm/command_wire.h says what goes over the
 * ports.
 *
 * When standard input and output are both a terminal the command has one, too, and ours is raw
 * (with the escape); else there are pipes, and a terminal stays as it is.
 *
 * Loop thread.
 */
#ifndef VMM_COMMAND_H
#define VMM_COMMAND_H

#include "devices/virtio/console.h"
#include "vmm/base/keys.h"
#include "vmm/command_wire.h"

#define COMMAND_PORTS 4

struct command_events {
	/* It has ended, and all its output is out. Once. */
	void (*over)(void *ctx, int status);
	void *ctx;
};

enum command_state {
	COMMAND_COMING,	 /* the guest has not come that far */
	COMMAND_RUNS,	 /* it was started */
	COMMAND_LEAVING, /* it has ended; somebody has yet to read its output */
	COMMAND_OVER,
};

struct command {
	struct loop *loop; /* borrowed, as all it is given */
	struct command_events events;
	struct chardev *in, *out, *errors, *control;
	bool on_terminal, errors_apart;
	enum command_state state;
	int status;
	uint64_t written[2]; /* by the command, as the guest says */
	bool unread[2];	     /* nobody takes that stream any more */
	struct call taken;   /* output has moved */
	uint32_t untaken;    /* signals sent that the guest has not taken */
	uint64_t untaken_ns; /* since when */
	uint16_t cols, rows; /* the guest knows */
	struct command_record heard;
	size_t heard_len; /* of that */
};

/* Takes standard input, output and error. @commands are for a terminal. command_close() always. */
int command_open(struct command *c, const struct chardev_commands *commands,
		 const struct command_events *ev, struct loop *l, struct err *e) MUST_CHECK;

/* Writes out what waits, restores the terminal. The device is gone. Fine on zeroes. */
void command_close(struct command *c);

/* What the guest's device has. */
void command_ports(const struct command *c, struct virtio_console_port ports[COMMAND_PORTS]);

/*
 * Sends it a signal; with @group to all of its process group, as a terminal does. False when the
 * guest is deaf: another one was sent more than a second ago, and it has not taken that.
 */
bool command_signal(struct command *c, int signo, bool group) MUST_CHECK;

/* The terminal, if there is one: NULL else. For job control. */
struct chardev *command_terminal(const struct command *c);

/* The terminal may have another size. */
void command_look_at_size(struct command *c);

/*
 * The block of text that the guest's program reads (command_wire.h): @words, to run in @folder.
 * PATH is what Linux has by default, or @path; of @env, some variables that are about the user's
 * terminal and language are in it. *@block is to be freed.
 */
int command_block(const struct key_list *words, const char *folder, const char *path,
		  char *const *env, char **block, size_t *len, struct err *e) MUST_CHECK;

#endif
