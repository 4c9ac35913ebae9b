/* SPDX-License-Identifier: Apache-2.0 */
/* The entropy device, on a host whose generator comes, is interrupted and fails as it likes. */
#include "devices/virtio/rng.h"
#include "tests/fuzz/clock.h"
#include "tests/fuzz/guest.h"

#include <errno.h>
#include <sys/random.h>

static struct program host;

/* In place of the C library's. */
ssize_t getrandom(void *to, size_t len, unsigned flags)
{
	const uint8_t how = program_u8(&host);

	EXPECT_EQ(flags, GRND_NONBLOCK);
	switch (how & 7) {
	case 1:
		errno = EAGAIN;
		return -1;
	case 2:
		errno = program_more(&host) ? EINTR : EFAULT;
		return -1;
	case 3:
		len = len < 5 ? len : 5;
		break;
	default:
		break;
	}
	memset(to, how, len);
	return (ssize_t)len;
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct program p = { data, len };
	static struct guest g;
	struct virtio *v;
	struct err e;

	clock_start();
	host.left = program_take(&p, &host.at, program_u8(&p) & 15);
	guest_init(&g, &p, true);
	v = virtio_rng_create(&g.mem, g.loop, &e);
	EXPECT(v != NULL);
	guest_plug(&g, v);
	while (program_more(&p)) {
		const unsigned op = program_u8(&p) % (GUEST_OPS + 1);

		if (op == GUEST_TURNS)
			rounds_run(g.loop, 1 + program_u8(&p) % 4U);
		else if (op == GUEST_OPS)
			clock_ns += program_u8(&p) * 10000000ULL;
		else
			guest_do(&g, (enum guest_op)op);
	}
	guest_done(&g);
}
