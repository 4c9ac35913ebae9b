/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command_wire: what vmm and the guest's first program say to each other while that runs a command
 * for vmm (vmm/command.h, arch/arm64/guest/command.c): four ports of a virtio console, three with
 * the command's bytes as they are, and one with records, little-endian as both sides are.
 *
 *	vmm				guest
 *	START terminal or not, size ->	the command starts
 *					<- STARTED
 *	bytes of standard input ->	<- bytes of standard output and error
 *	INPUT_ENDS how many ->		its input is closed when it has had them
 *	CLOSED which ->			nobody reads that stream any more; nor does it
 *	SIGNAL, SIZE ->			<- TOOK (the signal)
 *					<- EXITED how, and how many bytes of output there are
 *
 * Ports are streams without an end and without an order among each other: hence the counts.
 */
#ifndef VMM_COMMAND_WIRE_H
#define VMM_COMMAND_WIRE_H

#include <stdint.h>

/* Names of the ports. With a terminal, its bytes go both ways on that of the output. */
#define COMMAND_PORT_INPUT   "vmm.stdin"
#define COMMAND_PORT_OUTPUT  "vmm.stdout"
#define COMMAND_PORT_ERRORS  "vmm.stderr"
#define COMMAND_PORT_CONTROL "vmm.control"
#define COMMAND_PORT_PREFIX  "vmm."

enum command_word {
	/* from vmm */
	COMMAND_START = 1,	/* value: flags; n: columns and rows */
	COMMAND_INPUT_ENDS = 2, /* n[0]: bytes of input there were */
	COMMAND_CLOSED = 3,	/* value: 0 output, 1 errors */
	COMMAND_SIGNAL = 4, /* value: number; n[0]: 1 for all of its group, as from a terminal */
	COMMAND_SIZE = 5,   /* n: columns and rows */
	/* from the guest */
	COMMAND_STARTED = 16,
	COMMAND_TOOK = 17,   /* value: number of the signal */
	COMMAND_EXITED = 18, /* value: status as a shell has it; n: bytes of output and of errors */
};

/* Flags of COMMAND_START. */
enum {
	COMMAND_ON_TERMINAL = 1,  /* input and output are a terminal, and it gets one */
	COMMAND_ERRORS_APART = 2, /* but its errors go elsewhere */
};

struct command_record {
	uint32_t word, value;
	uint64_t n[2];
};

/*
 * The block of text that says what to run: a number of words; the folder to be in; the words; and
 * then the environment. Each is ended by a NUL.
 */
#define COMMAND_BLOCK	  "/vmm/command"
#define COMMAND_BLOCK_MAX 262144 /* bytes */
#define COMMAND_WORDS_MAX 16384	 /* of the command; and as many of the environment */

#endif
