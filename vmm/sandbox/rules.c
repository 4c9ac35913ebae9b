/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table. An entry says why a thread of that kind needs the call; one that nobody needs any more
 * goes. Their order means nothing: filter.c makes a tree of them.
 */
#include "vmm/sandbox/rules_parts.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define RULE(call, kinds, check, why)                                                              \
	{                                                                                          \
		SYS_##call, #call, kinds, check, false, why                                        \
	}

/* clang-format off */
const struct rule sandbox_rules[] = {
	RULE(ioctl, ALL, RULE_IOCTL, "KVM; terminals; what a block device or a tap is asked"),
	RULE(futex, ALL, RULE_ANY, "locks"),
	RULE(write, ALL, RULE_ANY, "eventfds; lines on stderr; reports"),
	RULE(read, M | V | Q | N | B, RULE_ANY, "consoles; eventfds, also of queues that stop; signals; a timer"),
	RULE(io_uring_enter, Q, RULE_ANY, "requests of disks"),
	RULE(epoll_pwait, M | N, RULE_ANY, "event loops"),
	RULE(preadv2, M | D | R, RULE_ANY, "requests of disks; kernel and initrd at a reset; symbols"),
	RULE(pwritev2, D, RULE_ANY, "requests of disks"),
	RULE(fdatasync, D, RULE_ANY, "flushes of disks"),
	RULE(fallocate, D, RULE_ANY, "discarding, writing zeroes"),
	RULE(ppoll, M | Q | D | B, RULE_ANY, "a disk's threads; shared standard input and output; replies"),
	RULE(readv, N, RULE_ANY, "frames from a tap"),
	RULE(writev, N, RULE_ANY, "frames to a tap"),
	RULE(sendmsg, M | V | N | B, RULE_ANY, "consoles, network cards, vsock, back ends on sockets"),
	RULE(recvmsg, M | N | B, RULE_ANY, "the same"),
	RULE(accept4, M, RULE_ANY, "consoles and vsock on sockets"),
	RULE(shutdown, M, RULE_ANY, "one direction of a vsock connection"),
	RULE(epoll_ctl, M | N, RULE_ANY, "event loops"),
	RULE(close, M | N | B, RULE_ANY, "connections that ended; the end"),
	RULE(fcntl, ALL, RULE_ANY, "standard output non-blocking, and back"),
	RULE(newfstatat, M | D | B, RULE_ANY, "the size and time of files that are open"),
	RULE(fstat, M | D | B, RULE_ANY, "the same, as newer C libraries ask"),
	RULE(getrandom, M, RULE_ANY, "the entropy device; seeds at a reset"),
	RULE(io_uring_register, M | Q, RULE_ANY, "a ring's own start, and end"),
	RULE(clock_gettime, ALL, RULE_ANY, "the time, where the vDSO does not know it"),
	RULE(mmap, ALL & ~V, RULE_NO_EXEC, "the heap"),
	RULE(munmap, ALL & ~V, RULE_ANY, "the heap; the end"),
	RULE(mremap, M | R, RULE_ANY, "the heap"),
	RULE(mprotect, ALL & ~V, RULE_NO_EXEC, "the heap"),
	RULE(brk, ALL & ~V, RULE_ANY, "the heap"),
	RULE(madvise, ALL, RULE_ANY, "stacks of threads that ended; memory that goes back, or failed"),
	RULE(tgkill, ALL, RULE_OWN_PID, "getting a vCPU out of the guest; stopping for the shell"),
	RULE(rt_sigprocmask, ALL, RULE_ANY, "the end of threads; an alarm, while a vCPU is alone"),
	RULE(rt_sigreturn, ALL, RULE_ANY, "the end of signal handlers"),
	RULE(sched_setscheduler, Q | N, RULE_ANY, "threads of disks and cards step back from vCPUs"),
	RULE(timer_delete, M, RULE_ANY, "the end"),
	RULE(restart_syscall, ALL & ~V, RULE_ANY, "waiting that was stopped by the shell"),
	RULE(exit, ALL, RULE_ANY, "the end of threads"),
	RULE(exit_group, ALL, RULE_ANY, "the end"),
	{ SYS_mprotect, "mprotect", V, RULE_NO_EXEC, true, "watched pages" },
	{ .name = NULL },
};
/* clang-format on */
