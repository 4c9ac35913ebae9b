/* SPDX-License-Identifier: Apache-2.0 */
/*
 * modules: a folder of Linux kernel modules (/lib/modules/VERSION), as somebody sees it who needs a
 * few of them with all that they depend on, in the order to load them in.
 *
 * Where modules lie is known from modules.dep or, where depmod has not run yet (as in a package
 * that was only unpacked), from the folders themselves. What one depends on, it says itself
 * (.modinfo), so both ways give the same. Packed ones (gzip, xz, zstd) are unpacked: whether the
 * guest's kernel could do it is not known.
 *
 * A name that is neither a module nor in modules.builtin is missing; without modules.builtin it is
 * taken to be built in.
 */
#ifndef VMM_INITRAMFS_MODULES_H
#define VMM_INITRAMFS_MODULES_H

#include "vmm/base/err.h"

struct modules;

/* Opens such a folder, as modlocate() finds them. */
struct modules *modules_open(const char *dir, struct err *e) MUST_CHECK;
void modules_close(struct modules *m);

/*
 * What becomes of a module: called once for each that is needed, with its unpacked bytes. Done with
 * these, it may call modules_need() itself: what that has handed out is loaded before.
 */
typedef int module_sink(void *ctx, const char *name, const void *data, size_t len, struct err *e);

/*
 * Has @name with all that it depends on handed to @sink, as far as that was not done before.
 * -ENOENT, with a sentence, when it is missing.
 */
int modules_need(struct modules *m, const char *name, module_sink *sink, void *ctx,
		 struct err *e) MUST_CHECK;

/* Names of all that were handed out, in the order to load them in; borrowed. */
const char *const *modules_order(const struct modules *m, size_t *nr);

#endif
