/* SPDX-License-Identifier: Apache-2.0 */
/* How long one read of a device register takes, there and back: says "mmio NS" and powers off. */
#include "guest.h"

enum { WARM_UP = 200, READS = 20000 };

int main(void)
{
	uint64_t begin, end;

	for (int i = 0; i < WARM_UP; i++)
		(void)read32(UART_FR);
	begin = now_ns();
	for (int i = 0; i < READS; i++)
		(void)read32(UART_FR);
	end = now_ns();
	say("mmio ");
	say_number((end - begin) / READS);
	say("\n");
	return 0;
}
