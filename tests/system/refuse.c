/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refuse WHAT... -- COMMAND...: runs COMMAND where the kernel refuses these requests to KVM, though
 * it says that it knows them, as one does that has run out of something. WHAT is ioeventfd, irqfd
 * or coalesced.
 */
#include <err.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned request;
	unsigned error;
} known[] = {
	{ "ioeventfd", KVM_IOEVENTFD, ENOSPC },
	{ "irqfd", KVM_IRQFD, EINVAL },
	{ "coalesced", KVM_REGISTER_COALESCED_MMIO, ENOSPC },
};

enum { KNOWN = sizeof(known) / sizeof(known[0]) };

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))

static void refuse(unsigned request, unsigned error)
{
	struct sock_filter lines[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
		LOAD(args[1]), /* its low half: the request */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, request, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = { sizeof(lines) / sizeof(lines[0]), lines };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		err(126, "no filter of system calls here");
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		size_t k = 0;

		if (strcmp(argv[i], "--") == 0 && argv[i + 1]) {
			execvp(argv[i + 1], &argv[i + 1]);
			err(127, "%s", argv[i + 1]);
		}
		while (k < KNOWN && strcmp(argv[i], known[k].name) != 0)
			k++;
		if (k == KNOWN)
			errx(2, "%s is not known", argv[i]);
		refuse(known[k].request, known[k].error);
	}
	errx(2, "there is no command");
}
