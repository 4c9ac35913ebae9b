/* SPDX-License-Identifier: Apache-2.0 */
/* bus N: nanoseconds that one read through vmm's bus takes with N devices on it. */
#include "vmm/core/bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct bus_cursor cursor;

enum { READS = 20000, MAX = 4096 };

static uint64_t reg_read(struct device *d, uint64_t off, unsigned size)
{
	(void)d;
	(void)size;
	return off;
}

static void reg_destroy(struct device *d)
{
	(void)d;
}

static const struct device_ops ops = {
	.name = "reg",
	.read = reg_read,
	.destroy = reg_destroy,
	.min_access = 4,
	.max_access = 4,
};

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int main(int argc, char **argv)
{
	static struct device dev[MAX];
	unsigned n = argc == 2 ? (unsigned)atoi(argv[1]) : 0;
	struct bus *b = bus_create(NULL);
	uint64_t begin;
	uint64_t v;

	if (!b || n == 0 || n > MAX)
		return 2;
	for (unsigned i = 0; i < n; i++) {
		device_init(&dev[i], &ops, 0x9000000 + i * 0x1000ULL, 0x1000);
		if (bus_add(b, &dev[i], NULL))
			return 1;
	}
	begin = now_ns();
	for (unsigned i = 0; i < READS; i++) /* the first device: the search's longest way */
		(void)bus_read(b, &cursor, 0x9000018, 4, &v);
	(void)printf("%llu\n", (unsigned long long)(now_ns() - begin) / READS);
	return 0;
}
