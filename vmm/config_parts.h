/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of config share. */
#ifndef VMM_CONFIG_PARTS_H
#define VMM_CONFIG_PARTS_H

#include "vmm/config.h"

/* --vhost-user and --share. */
int validate_backends(const struct vm_config *c, struct err *e) MUST_CHECK;

#endif
