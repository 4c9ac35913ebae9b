/* SPDX-License-Identifier: Apache-2.0 */
/* vm: owns everything a running virtual machine consists of. */
#ifndef VMM_VM_H
#define VMM_VM_H

#include "vmm/config.h"
#include "vmm/status.h"

/*
 * Builds the machine that @c asks for, runs it to its end, takes it down again. Returns the exit
 * status; says on stderr, once, why when it is not the guest's own doing. Blocks signals that it
 * serves itself (SIGINT, SIGTERM, SIGHUP, job control) for the calling thread.
 */
enum exit_status vm_run(const struct vm_config *c);

#endif
