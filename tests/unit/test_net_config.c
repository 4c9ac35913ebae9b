/* SPDX-License-Identifier: Apache-2.0 */
/* --net as text, passt's command line, and the checksum. */
#include "tests/lib/test.h"
#include "vmm/host/net_back.h"

#include <stdlib.h>

static int parse(struct net_config *c, const char *text, struct err *e)
{
	*c = net_defaults;
	if (keys_from_text(net_keys, c, text, e))
		return -e->code;
	return net_config_check(c, e);
}

TEST(each_form_is_read)
{
	struct net_config c;
	struct err e;

	EXPECT_EQ(parse(&c, "user", &e), 0);
	EXPECT(c.user && !c.tap && !c.socket);
	keys_free(net_keys, &c);
	EXPECT_EQ(parse(&c, "user,forward=tcp:2222:22,forward=udp:[::1]:53:5353,host-loopback", &e),
		  0);
	EXPECT_EQ(c.forwards.nr, 2);
	EXPECT(c.host_loopback);
	keys_free(net_keys, &c);
	EXPECT_EQ(parse(&c, "tap", &e), 0);
	EXPECT_STR(c.tap, "");
	keys_free(net_keys, &c);
	EXPECT_EQ(parse(&c, "tap=tap0,queues=4,vhost=off,mac=02:00:5E:00:00:01", &e), 0);
	EXPECT_STR(c.tap, "tap0");
	EXPECT_EQ(c.queues, 4);
	EXPECT_EQ(c.vhost, NET_VHOST_OFF);
	keys_free(net_keys, &c);
	EXPECT_EQ(parse(&c, "fd=5:6", &e), 0);
	keys_free(net_keys, &c);
	EXPECT_EQ(parse(&c, "socket=/run/net,packed=off", &e), 0);
	EXPECT(!c.packed);
	keys_free(net_keys, &c);
}

TEST(what_is_wrong_is_one_sentence)
{
	static const struct {
		const char *text, *says;
	} row[] = {
		{ "queues=2", "one of user, tap, fd=N and socket=PATH" },
		{ "user,tap", "one of user, tap" },
		{ "user=off", "one of user, tap" },
		{ "socket", "socket needs a value" },
		{ "tap,forward=tcp:1:2", "forward goes with user alone" },
		{ "socket=x,host-loopback", "host-loopback goes with user alone" },
		{ "user,queues=2", "queues goes with a tap alone" },
		{ "socket=x,vhost=on", "vhost=on goes with a tap alone" },
		{ "tap=a123456789012345", "longer than the 15 bytes" },
		{ "tap,queues=9", "not a number from 1 to 8" },
		{ "fd=5,queues=2", "as many as descriptors" },
		{ "fd=5:", "not a list of file descriptors" },
		{ "fd=5:6:05", "fd: 5 comes twice" },
		{ "fd=-1", "not a list of file descriptors" },
		{ "fd=1:2:3:4:5:6:7:8:9", "not a list of file descriptors" },
		{ "tap,mac=1", "not a MAC address" },
		{ "tap,mac=02:00:5e:00:00:01:02", "not a MAC address" },
		{ "tap,mac=02:00:5e:00:00:0x", "not a MAC address" },
		{ "tap,mac=01:00:5e:00:00:01", "no address of one card" },
		{ "tap,mac=00:00:00:00:00:00", "no address of one card" },
		{ "user,forward=2222:22", "is no forward" },
		{ "user,forward=tcp:22", "is no forward" },
		{ "user,forward=tcp:", "is no forward" },
		{ "user,forward=tcp:0:22", "is no forward" },
		{ "user,forward=tcp:22:65536", "is no forward" },
		{ "user,forward=tcp:22:+1", "is no forward" },
		{ "user,forward=tcp:localhost:22:22", "is no forward" },
		{ "user,forward=tcp:::1:22:22", "is no forward" },
		{ "user,forward=tcp:[127.0.0.1]:22:22", "is no forward" },
		{ "user,forward=sctp:22:22", "is no forward" },
		{ "user,forward=udp:-t:22:22", "is no forward" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct net_config c;
		struct err e = { 0 };

		if (parse(&c, row[i].text, &e) == 0)
			test_fail(__FILE__, __LINE__, "%s was taken", row[i].text);
		EXPECT_HAS(e.text, row[i].says);
		keys_free(net_keys, &c);
	}
}

TEST(passt_gets_what_was_asked_for)
{
	static const char *const want[] = { "passt",	  "--foreground", "--quiet",
					    "--fd",	  KEEPER_FD,	  "--pid",
					    KEEPER_READY, "--no-map-gw",  "-t",
					    "2222:22",	  "-u",		  "127.0.0.1/5353:53",
					    "-t",	  "::1/65535:1",  NULL };
	struct net_config c;
	const char **argv;
	struct err e;
	unsigned n = 0;

	EXPECT_EQ(parse(&c,
			"user,forward=tcp:2222:22,forward=udp:127.0.0.1:5353:53,"
			"forward=tcp:[::1]:65535:1",
			&e),
		  0);
	argv = net_passt_command(&c);
	for (; want[n]; n++)
		EXPECT_STR(argv[n], want[n]);
	EXPECT(!argv[n]);
	free(argv);
	keys_free(net_keys, &c);
	EXPECT_EQ(parse(&c, "user,host-loopback", &e), 0);
	argv = net_passt_command(&c);
	EXPECT(!argv[7]);
	free(argv);
	keys_free(net_keys, &c);
}

/* As RFC 1071 has it, one word after the other. */
static uint16_t slow_sum(const uint8_t *at, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

TEST(checksums_are_right_at_every_length_and_alignment)
{
	static uint8_t frame[2048];

	for (unsigned len = 14; len < 300; len++)
		for (uint16_t start = 0; start + 8U <= len; start += 7) {
			struct net_header h = { .flags = NET_NEEDS_CSUM,
						.csum_start = le16_of(start),
						.csum_offset = le16_of(6) };

			for (size_t i = 0; i < len; i++)
				frame[i] = (uint8_t)(i * 31 + len);
			EXPECT(net_csum_fits(&h, len));
			/* Half a header summed up already, as a driver leaves it. */
			frame[start + 6] = 0x12;
			frame[start + 7] = 0x34;
			net_csum_complete(&h, frame, len);
			EXPECT_EQ(slow_sum(frame + start, len - start), 0xffff - 0x1234);
			EXPECT_EQ(frame[len] | frame[len + 1], 0);
			memset(frame, 0, sizeof(frame));
		}
}

TEST(a_long_frame_of_ones_does_not_overflow_the_sum)
{
	struct net_header h = { .flags = NET_NEEDS_CSUM, .csum_start = le16_of(14) };
	uint8_t *frame = malloc(NET_FRAME_MAX);

	memset(frame, 0xff, NET_FRAME_MAX);
	frame[14] = frame[15] = 0;
	net_csum_complete(&h, frame, NET_FRAME_MAX);
	EXPECT_EQ(slow_sum(frame + 14, NET_FRAME_MAX - 14), 0xffff);
	free(frame);
}

TEST(a_checksum_outside_the_frame_is_seen)
{
	struct net_header h = { .flags = NET_NEEDS_CSUM,
				.csum_start = le16_of(34),
				.csum_offset = le16_of(16) };

	EXPECT(!net_csum_fits(&h, 51));
	EXPECT(net_csum_fits(&h, 52));
	h.csum_start = h.csum_offset = le16_of(0xffff);
	EXPECT(!net_csum_fits(&h, NET_FRAME_MAX));
	h.flags = 0;
	EXPECT(net_csum_fits(&h, 14));
}

TEST_MAIN(T(each_form_is_read), T(what_is_wrong_is_one_sentence), T(passt_gets_what_was_asked_for),
	  T(checksums_are_right_at_every_length_and_alignment),
	  T(a_long_frame_of_ones_does_not_overflow_the_sum),
	  T(a_checksum_outside_the_frame_is_seen))
