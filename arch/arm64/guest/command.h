/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command: runs one command for vmm, as vmm/command_wire.h has it. The command has a session of its
 * own, and its own terminal if vmm has one; when it ends, what it left behind is killed.
 */
#ifndef ARCH_ARM64_GUEST_COMMAND_H
#define ARCH_ARM64_GUEST_COMMAND_H

/* Reads COMMAND_BLOCK and removes it; gives up when it is not right. */
void command_read(void);

/* Opens vmm's ports, for which /sys and /dev must be there. Gives up when they do not appear. */
void command_open_ports(void);

/*
 * Makes what a command expects: /dev/pts, /dev/shm, /run, a loopback interface. With @tmp, /tmp
 * too: the root file system cannot be written.
 */
void command_make_world(int tmp);

/* Runs it in the root that is entered. With @writes, what it wrote there is on its disk then. */
_Noreturn void command_run(int writes);

#endif
