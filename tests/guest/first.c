/* SPDX-License-Identifier: Apache-2.0 */
/* Says a word with its first instructions, so that start-up can be timed; then powers off. */
#include "guest.h"

int main(void)
{
	say("first\n");
	return 0;
}
