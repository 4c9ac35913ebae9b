/* SPDX-License-Identifier: Apache-2.0 */
/* The first process of a guest that is timed: says that it is there, and powers off. */
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
	static const char words[] = "INIT\n";

	if (write(1, words, sizeof(words) - 1) < 0)
		return 1;
	return reboot(RB_POWER_OFF);
}
