/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/ballooning.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

TEST(the_file_s_size_is_one_number_with_blanks_around)
{
	static const struct {
		const char *text;
		uint64_t size;
	} good[] = {
		{ "0", 0 },	    { "64M\n", 64 * MiB }, { " \t1G\r\n\n", GiB },
		{ "0x1000", 4096 }, { "\n4095", 4095 },	   { "2147483647", 2 * GiB - 1 },
	};
	static const char *const bad[] = {
		"",
		" ",
		"\n",
		"64MB",
		"64 M",
		"-1",
		"1.5G",
		"64M 64M",
		"0x",
		"99999999999999999999999",
		"1111111111111111111111111111111111111111111111111111111111",
		"2G",
		"2147483648",
	};
	uint64_t size;
	struct err e;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_EQ(ballooning_parse(good[i].text, 2 * GiB, &size, &e), 0);
		EXPECT_EQ(size, good[i].size);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (ballooning_parse(bad[i], 2 * GiB, &size, &e) != -EINVAL)
			test_fail(__FILE__, __LINE__, "'%s' was taken", bad[i]);
	EXPECT_HAS(e.text, "2G is not less than --mem, which is 2G");
}

TEST(the_file_is_opened_once_and_must_be_right_at_the_start)
{
	struct virtio_balloon_config one = virtio_balloon_defaults;
	struct vm_config c = vm_config_defaults;
	char path[] = "/tmp/balloon.XXXXXX";
	struct ballooning b = BALLOONING_NONE;
	int fd = mkstemp(path);
	struct err e;

	EXPECT(fd >= 0);
	one.from = path;
	c.balloon = (struct key_objects){ .at = &one, .nr = 1 };
	EXPECT_EQ(ballooning_open(&b, &c, &e), -EINVAL);
	EXPECT_HAS(e.text, "--balloon: from=/tmp/balloon.");
	EXPECT_HAS(e.text, "is not a size");
	ballooning_stop(&b);
	ballooning_close(&b);
	EXPECT_EQ(write(fd, "100M\n", 5), 5);
	EXPECT_EQ(ballooning_open(&b, &c, &e), 0);
	EXPECT_EQ(b.size, 100 * MiB);
	ballooning_look(&b); /* no device: nothing happens */
	ballooning_stop(&b);
	ballooning_close(&b);
	EXPECT_EQ(close(fd), 0);
	EXPECT_EQ(unlink(path), 0);
	EXPECT_EQ(ballooning_open(&b, &c, &e), -ENOENT);
	EXPECT_HAS(e.text, "--balloon: from");
	ballooning_close(&b);
}

TEST_MAIN(T(the_file_s_size_is_one_number_with_blanks_around),
	  T(the_file_is_opened_once_and_must_be_right_at_the_start))
