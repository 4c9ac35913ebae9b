/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtiofsd: which program of that name is here, and how it is called. Two exist: the one in C that
 * came with QEMU up to 7.2, and its successor in Rust, a project of its own.
 */
#ifndef VMM_HOST_VIRTIOFSD_H
#define VMM_HOST_VIRTIOFSD_H

#include "vmm/base/err.h"

enum virtiofsd_sandbox {
	VIRTIOFSD_NAMESPACE,
	VIRTIOFSD_CHROOT,
	VIRTIOFSD_NONE,
};
/* What they are called, NULL-terminated. */
extern const char *const virtiofsd_sandbox_names[];

struct virtiofsd {
	char path[512];
	bool rust;
};

#define VIRTIOFSD_ARGS 16

/* Its arguments; words points into the rest of the struct and what it was made of. */
struct virtiofsd_args {
	const char *words[VIRTIOFSD_ARGS];
	char *source, *sandbox; /* owned */
};

/*
 * Looks in $PATH and where distributions keep it, and asks it for its version. Starts a program, so
 * before there is much to copy; -ENOENT with a sentence that says what to install.
 */
int virtiofsd_find(struct virtiofsd *v, struct err *e) MUST_CHECK;

/*
 * For a keeper's job that listens. @one_tree: the guest is not told which folders are mount points
 * on the host, and does not mount them one by one; the one in C never tells. @v and @dir are
 * borrowed, as long as the arguments are of use. Fails for what this program cannot do. Free with
 * virtiofsd_args_free(), also after a failure.
 */
int virtiofsd_args(struct virtiofsd_args *a, const struct virtiofsd *v, const char *dir, bool ro,
		   bool one_tree, enum virtiofsd_sandbox sandbox, struct err *e) MUST_CHECK;

void virtiofsd_args_free(struct virtiofsd_args *a);

#endif
