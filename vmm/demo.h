/* SPDX-License-Identifier: Apache-2.0 */
/* demo: `vmm demo faults`: a small guest of our own that touches what it must not. */
#ifndef VMM_DEMO_H
#define VMM_DEMO_H

#include "vmm/status.h"

/* Runs it, on stdout and stderr. What went wrong was logged. */
enum exit_status demo_faults(void);

#endif
