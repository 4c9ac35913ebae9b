/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/panic.h"

static bool panicked(const char *text)
{
	return panic_on_console(text, strlen(text));
}

TEST(panic_message_before_a_reset_is_a_panic)
{
	EXPECT(panicked("[    1.0] Kernel panic - not syncing: VFS: Unable to mount root fs\r\n"
			"[    1.0] Call trace:\r\n[    1.1] Rebooting in 1 seconds.."));
}

TEST(orderly_restart_is_no_panic)
{
	EXPECT(!panicked("[    9.0] reboot: Restarting system\r\n"));
	EXPECT(!panicked("# dmesg | grep panic\nKernel panic - not syncing: old\n# reboot\n"
			 "[    9.0] reboot: Restarting system\r\n"));
	EXPECT(!panicked(""));
	EXPECT(!panicked("Kernel panic - not synci"));
}

TEST(panic_after_a_restart_is_a_panic)
{
	EXPECT(panicked("[    9.0] reboot: Restarting system\r\n[    0.0] Booting\r\n"
			"[    1.0] Kernel panic - not syncing: again\r\n"));
}

TEST_MAIN(T(panic_message_before_a_reset_is_a_panic), T(orderly_restart_is_no_panic),
	  T(panic_after_a_restart_is_a_panic))
