/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/panic.h"

#include <string.h>

bool panic_on_console(const char *text, size_t len)
{
	static const char panicked[] = "Kernel panic - not syncing";
	static const char restarts[] = "reboot: Restarting system";
	const char *end = text + len, *at = text, *found = NULL;

	while ((at = memmem(at, (size_t)(end - at), panicked, sizeof(panicked) - 1)) != NULL)
		found = at++;
	return found && !memmem(found, (size_t)(end - found), restarts, sizeof(restarts) - 1);
}
