/* SPDX-License-Identifier: Apache-2.0 */
/* root_folder: a folder of the host as the guest's root: --root FOLDER is a --share of it. */
#ifndef VMM_ROOT_FOLDER_H
#define VMM_ROOT_FOLDER_H

#include "vmm/config.h"

/*
 * When --root is a folder of the host: adds the share that brings it to the guest, unless the user
 * gave one of it. Looks at the host; the configuration stays a valid one.
 */
int root_folder_share(struct vm_config *c, struct err *e) MUST_CHECK;

struct root_folder {
	const char *tag;  /* of its share, borrowed from the configuration; NULL: it is no folder */
	bool is_all;	  /* it is the host's own root */
	char place[4096]; /* where we are in it, as the guest sees it; "/" for elsewhere */
};

int root_folder_look(struct root_folder *f, const struct vm_config *c, struct err *e) MUST_CHECK;

#endif
