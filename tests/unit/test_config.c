/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/base/scope.h"
#include "vmm/config.h"

#include <errno.h>

/* Reads @text as a configuration file into @c, which is initialised. */
static int from_text(struct vm_config *c, const char *text, size_t len, struct err *e)
{
	char path[] = "/tmp/vmm-test-config-XXXXXX";
	auto_fd int fd = mkstemp(path);
	int ret;

	EXPECT(fd >= 0);
	EXPECT_EQ(write(fd, text, len), len);
	ret = config_read_file(c, path, e);
	(void)unlink(path);
	return ret;
}

TEST(defaults_are_what_the_manual_says)
{
	struct vm_config c;

	config_init(&c);
	EXPECT_EQ(c.mem, 512 * MiB);
	EXPECT_EQ(c.cpus, 1);
	EXPECT(c.kernel == NULL && c.cmdline == NULL);
	EXPECT_EQ(c.irqchip, IRQCHIP_AUTO);
	EXPECT_EQ(c.con.kind, CHARDEV_STDIO);
	EXPECT_EQ(c.cpu.sve, FEATURE_AUTO);
	EXPECT_EQ(c.on_reset, ON_RESET_REBOOT);
	EXPECT_EQ(c.on_panic, ON_PANIC_EXIT);
	EXPECT_EQ(c.grace_s, 30);
}

TEST(every_key_is_documented_and_named_once)
{
	uint64_t letters = 0;

	for (const struct key *k = vm_config_keys; k->type != KEY_END; k++) {
		EXPECT(k->help && *k->help);
		EXPECT(keys_find(vm_config_keys, k->name) == k);
		EXPECT(key_is_flag(k) || key_arg(k).s[0]);
		EXPECT(k->help[strlen(k->help) - 1] != '.');
		EXPECT(!k->more || k->more[strlen(k->more) - 1] == '.');
		if (k->letter) {
			EXPECT(!(letters >> (k->letter - 'A') & 1));
			letters |= 1ULL << (k->letter - 'A');
		}
	}
}

TEST(a_file_sets_what_it_mentions_and_nothing_else)
{
	static const char text[] =
		"{ \"kernel\": \"Image\", \"mem\": \"1G\", \"verbose\": 1,\n"
		"  \"cpu\": { \"sve\": \"off\", \"aarch32\": false },\n"
		"  \"console\": \"socket:/run/x\", \"irqchip\": \"gicv3-its\" }\n";
	struct vm_config c;
	struct err e;

	config_init(&c);
	EXPECT_EQ(from_text(&c, text, sizeof(text) - 1, &e), 0);
	EXPECT_EQ(config_validate(&c, &e), 0);
	EXPECT_STR(c.kernel, "Image");
	EXPECT_EQ(c.mem, GiB);
	EXPECT_EQ(c.cpu.sve, FEATURE_OFF);
	EXPECT_EQ(c.cpu.pmu, FEATURE_AUTO);
	EXPECT_EQ(c.con.kind, CHARDEV_SOCKET);
	EXPECT_STR(c.con.path, "/run/x");
	EXPECT_EQ(c.irqchip, IRQCHIP_GICV3_ITS);
	EXPECT_EQ(c.grace_s, 30);
	config_free(&c);
	EXPECT(c.kernel == NULL && c.con.path == NULL);
	EXPECT_EQ(c.mem, 512 * MiB);
}

TEST(files_that_cannot_be_read_are_told)
{
	static char big[JSON_MAX_BYTES + 1];
	struct vm_config c;
	struct err e;

	config_init(&c);
	EXPECT_EQ(config_read_file(&c, "/nonexistent", &e), -ENOENT);
	EXPECT_STR(e.text, "open /nonexistent: No such file or directory");
	EXPECT_EQ(config_read_file(&c, "/", &e), -EISDIR);
	EXPECT_EQ(config_read_file(&c, "/dev/null", &e), -EINVAL);
	EXPECT_STR(e.text, "/dev/null: line 1, column 1: the text ends where a value should come");
	EXPECT_EQ(config_read_file(&c, "/dev/zero", &e), -EFBIG);
	EXPECT_EQ(from_text(&c, big, sizeof(big), &e), -EFBIG);
	EXPECT_EQ(from_text(&c, "{\"cpus\": 0}", 11, &e), -EINVAL);
	EXPECT_HAS(e.text, ": line 1, column 10: cpus: '0' is not a number from 1 to 512");
	config_free(&c);
}

/* The text of @c, to be freed. */
static char *written(const struct vm_config *c)
{
	char *text = NULL;
	size_t size = 0;
	struct err e;
	FILE *f = open_memstream(&text, &size);

	EXPECT(f != NULL);
	EXPECT_EQ(config_write(c, f, &e), 0);
	(void)fclose(f);
	return text;
}

TEST(what_is_written_reads_back_to_the_same)
{
	static const char text[] =
		"{\"kernel\":\"a "
		"b\",\"initrd\":\"i\",\"cmdline\":\"\",\"dtb\":\"d\",\"dump-dtb\":\"e\","
		"\"mem\":\"8G\",\"cpus\":8,\"pin\":\"0-7\",\"hugepages\":true,\"irqchip\":"
		"\"gicv2m\","
		"\"cpu\":{\"sve\":\"on\",\"sve-max-bits\":256,\"mte\":\"on\"},\"console\":\"file:f,"
		"g\","
		"\"on-reset\":\"exit\",\"on-panic\":\"continue\",\"grace\":0,\"verbose\":2,"
		"\"unclaimed\":\"stop\",\"hole\":[\"0x10000000+64K=zero\",\"0+1=ones\"],"
		"\"rom\":[\"a@b@4M\"],\"symbols\":[\"vmlinux\"],\"fault-log\":\"log\"}";
	struct vm_config c, back;
	char *first, *second;
	struct err e;

	config_init(&c);
	config_init(&back);
	EXPECT_EQ(from_text(&c, text, sizeof(text) - 1, &e), 0);
	EXPECT_EQ(config_validate(&c, &e), 0);
	first = written(&c);
	EXPECT_EQ(from_text(&back, first, strlen(first), &e), 0);
	second = written(&back);
	EXPECT_STR(second, first);
	EXPECT_STR(back.cmdline, "");
	EXPECT_STR(back.con.path, "f,g");
	EXPECT_EQ(back.unclaimed, UNCLAIMED_STOP);
	EXPECT_EQ(back.holes.nr, 2);
	EXPECT_EQ(back.cpu.sve_max_bits, 256);
	free(first);
	free(second);
	config_free(&c);
	config_free(&back);
}

TEST(defaults_are_a_valid_file_but_for_the_kernel)
{
	struct vm_config c;
	struct err e;
	char *text;

	config_init(&c);
	EXPECT_EQ(config_validate(&c, &e), -EINVAL);
	EXPECT_STR(e.text, "--kernel is missing; write --kernel FILE");
	text = written(&c);
	EXPECT_EQ(from_text(&c, text, strlen(text), &e), 0);
	free(text);
	config_free(&c);
}

TEST(programs_and_connections_are_the_keeper_s)
{
	static const struct {
		const char *text;
		bool needs;
	} t[] = {
		{ "{\"kernel\":\"k\"}", false },
		{ "{\"kernel\":\"k\",\"net\":[{\"tap\":\"\"}]}", false },
		{ "{\"kernel\":\"k\",\"net\":[{\"tap\":\"\"},{\"user\":true}]}", true },
		{ "{\"kernel\":\"k\",\"net\":[{\"socket\":\"/s\"}]}", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct vm_config c;
		struct err e;

		config_init(&c);
		EXPECT_EQ(from_text(&c, t[i].text, strlen(t[i].text), &e), 0);
		EXPECT_EQ(config_validate(&c, &e), 0);
		EXPECT_EQ(config_needs_keeper(&c), t[i].needs);
		config_free(&c);
	}
}

TEST(contradictions_are_refused)
{
	static const struct {
		const char *text, *sentence;
	} t[] = {
		{ "\"irqchip\":\"gicv2\",\"cpus\":9", "--irqchip: gicv2 serves at most 8 CPUs, and "
						      "--cpus is 9; choose gicv3 or fewer" },
		{ "\"irqchip\":\"gicv2m\",\"cpus\":512",
		  "--irqchip: gicv2m serves at most 8 CPUs" },
		{ "\"cpu\":{\"sve\":\"off\",\"sve-max-bits\":128}", "contradict each other" },
		{ "\"cpu\":{\"aarch32\":true,\"sve\":\"on\"}",
		  "--cpu: sve=on needs a 64-bit guest" },
		{ "\"cpu\":{\"aarch32\":true,\"pauth\":\"on\"}", "--cpu: pauth=on needs a 64-bit" },
		{ "\"cpu\":{\"aarch32\":true,\"mte\":\"on\"}",
		  "--cpu: mte=on needs a 64-bit guest" },
		{ "\"pin\":\"0-3\"", "--pin: '0-3' has 4 host CPUs for the 1 of --cpus" },
		{ "\"pin\":\"0\",\"cpus\":2", "--pin: '0' has 1 host CPUs for the 2 of --cpus" },
		{ "\"hole\":[\"1+1\"]", "--hole: '1+1' is not a range and what becomes of it" },
		{ "\"trace\":[\"mmio\",\"psci,mmi\"]",
		  "--trace: 'psci,mmi' is not one of mmio, exits, psci" },
		{ "\"trace\":[\"mmio,\"]", "--trace: 'mmio,' is not one of" },
		{ "\"watch\":[\"1\"]", "--watch: '1' is not a range to watch" },
		{ "\"watch\":[\"1+1\"],\"hugepages\":true", "--hugepages" },
		{ "\"watch\":[\"1+1\"],\"cpu\":{\"aarch32\":true}", "64-bit" },
		{ "\"watch\":[\"1+1\"],\"cpu\":{\"mte\":\"on\"}", "mte=on" },
		{ "\"balloon\":[{\"size\":\"64M\",\"from\":\"f\"}]",
		  "--balloon: size=64M and from=f contradict each other" },
		{ "\"balloon\":[{\"size\":\"512M\"}]",
		  "--balloon: 512M is not less than --mem, which is 512M" },
		{ "\"balloon\":[{}],\"hugepages\":true", "which --hugepages keeps for the guest" },
		{ "\"vsock\":[{\"uds\":\"v\"}]", "--vsock: cid is missing; write --vsock cid=3" },
		{ "\"vsock\":[{\"cid\":3}],\"watch\":[\"1+1\"]",
		  "--watch does not see what the host's kernel writes" },
		{ "\"vsock\":[{\"cid\":3,\"uds\":\"0123456789012345678901234567890123456789"
		  "012345678901234567890123456789012345678901234567890123456\"}]",
		  "has 97 bytes; with _PORT behind it, a socket's name has room for 96" },
		{ "\"rom\":[\"flash\"]", "--rom: 'flash' is not a file and an address" },
		{ "\"vhost-user\":[{\"type\":\"disk\",\"socket\":\"s\"}]",
		  "--vhost-user: type: 'disk' is not fs, net, blk or a number from 1 to 63" },
		{ "\"vhost-user\":[{\"type\":\"64\",\"socket\":\"s\"}]", "type: '64' is not" },
		{ "\"vhost-user\":[{\"type\":\"0\",\"socket\":\"s\"}]", "type: '0' is not" },
		{ "\"vhost-user\":[{\"type\":\"fs\",\"socket\":\"s\"}]", "needs a tag=NAME" },
		{ "\"vhost-user\":[{\"type\":\"blk\",\"socket\":\"s\",\"tag\":\"t\"}]",
		  "a tag is for type=fs alone" },
		{ "\"vhost-user\":[{\"type\":\"blk\",\"socket\":\"s\",\"config\":4}]",
		  "config is for types by number" },
		{ "\"share\":[{\"dir\":\"d\",\"tag\":"
		  "\"0123456789012345678901234567890123456\"}]",
		  "is longer than 36 bytes" },
		{ "\"share\":[{\"dir\":\"d\",\"tag\":\"a\"},{\"dir\":\"e\",\"tag\":\"a\"}]",
		  "two have the tag 'a'" },
		{ "\"share\":[{\"dir\":\"d\",\"tag\":\"a\"}],"
		  "\"vhost-user\":[{\"type\":\"fs\",\"socket\":\"s\",\"tag\":\"a\"}]",
		  "two have the tag 'a'" },
		{ "\"share\":[{\"dir\":\"d\",\"tag\":\"a\"}],\"cpu\":{\"mte\":\"on\"}",
		  "--share: its memory is shared" },
		{ "\"net\":[{\"tap\":\"\",\"user\":true}]", "--net: one of user, tap" },
		{ "\"pin\":\"x\"", "--pin: 'x' is not a list of host CPUs from 0 to 1023" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct vm_config c;
		char text[300];
		struct err e;
		int n = snprintf(text, sizeof(text), "{\"kernel\":\"k\",%s}", t[i].text);

		config_init(&c);
		EXPECT_EQ(from_text(&c, text, (size_t)n, &e), 0);
		EXPECT_EQ(config_validate(&c, &e), -EINVAL);
		EXPECT_HAS(e.text, t[i].sentence);
		config_free(&c);
	}
}

TEST(lists_of_cpus_keep_their_order)
{
	struct cpu_list l;
	struct err e;

	EXPECT_EQ(cpu_list_parse(&l, "0-3,8", &e), 0);
	EXPECT_EQ(l.nr, 5);
	EXPECT_EQ(l.cpu[3], 3);
	EXPECT_EQ(l.cpu[4], 8);
	EXPECT_EQ(cpu_list_parse(&l, "1023,0,0,5-5", &e), 0);
	EXPECT_EQ(l.nr, 4);
	EXPECT_EQ(l.cpu[0], 1023);
	EXPECT_EQ(l.cpu[2], 0);
	EXPECT_EQ(l.cpu[3], 5);
	EXPECT_EQ(cpu_list_parse(&l, "512-1023", &e), 0);
	EXPECT_EQ(l.nr, CONFIG_MAX_CPUS);
}

TEST(lists_of_cpus_that_are_none_are_refused)
{
	static const char *const bad[] = { "",
					   ",",
					   "1,",
					   ",1",
					   "1,,2",
					   "-",
					   "1-",
					   "-1",
					   "3-1",
					   "1-2-3",
					   " 1",
					   "1 ",
					   "1024",
					   "0x1",
					   "a",
					   "1;2",
					   "0-511,0",
					   "0-1023",
					   "99999999999999999999",
					   "1-4294967295" };
	struct cpu_list l;
	struct err e;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (cpu_list_parse(&l, bad[i], &e) != -EINVAL)
			test_fail(__FILE__, __LINE__, "'%s' was taken", bad[i]);
}

TEST(ranges_and_policies_are_read_strictly)
{
	static const char *const bad[] = { "",		 "1",
					   "1+1",	 "1+0=zero",
					   "+1=zero",	 "1+=zero",
					   "1+1=",	 "1+1=none",
					   "1+1=zero ",	 "1-1=zero",
					   "a+1=abort",	 "0xffffffffffffffff+2=stop",
					   "1+1+1=stop", "1+1=stop=stop" };
	struct hole h;
	struct err e;

	EXPECT_EQ(hole_parse(&h, "0x10000000+64K=ones", &e), 0);
	EXPECT_EQ(h.base, 0x10000000);
	EXPECT_EQ(h.size, 64 * KiB);
	EXPECT_EQ(h.policy, UNCLAIMED_ONES);
	EXPECT_EQ(hole_parse(&h, "0xffffffffffffffff+1=abort", &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (hole_parse(&h, bad[i], &e) != -EINVAL)
			test_fail(__FILE__, __LINE__, "'%s' was taken", bad[i]);
}

TEST(files_at_addresses_are_split_at_the_last_at)
{
	static const char *const bad[] = { "", "@", "@0", "f@", "f", "f@x", "f@0x1001", "f@4095" };
	struct file_at f;
	struct err e;

	EXPECT_EQ(rom_parse(&f, "a@b@0x4000000", &e), 0);
	EXPECT_STR(f.path, "a@b");
	EXPECT_EQ(f.address, 0x4000000);
	file_at_free(&f);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (rom_parse(&f, bad[i], &e) != -EINVAL)
			test_fail(__FILE__, __LINE__, "'%s' was taken", bad[i]);
	EXPECT_EQ(symbol_file_parse(&f, "m.ko@0xffff800001230001", &e), 0);
	EXPECT_STR(f.path, "m.ko");
	EXPECT(f.has_address);
	EXPECT_EQ(f.address, 0xffff800001230001);
	file_at_free(&f);
	EXPECT_EQ(symbol_file_parse(&f, "me@home", &e), 0);
	EXPECT_STR(f.path, "me@home");
	EXPECT(!f.has_address);
	file_at_free(&f);
}

TEST(watch_items_are_read_as_written_and_nothing_else)
{
	static const struct {
		const char *text, *symbol;
		uint64_t base, size;
		bool reads, writes, stop;
	} good[] = {
		{ "0x40000000+8", NULL, 0x40000000, 8, false, true, false },
		{ "0x40000000+4K:r", NULL, 0x40000000, 4096, true, false, false },
		{ "1G+1:w", NULL, 1 << 30, 1, false, true, false },
		{ "0+1:rw,stop", NULL, 0, 1, true, true, true },
		{ "0xffffffffffffffff+1,stop", NULL, UINT64_MAX, 1, false, true, true },
		{ "sym:jiffies+8:w", "jiffies", 0, 8, false, true, false },
		{ "sym:a.b:r+c+0x10:r", "a.b:r+c", 0, 16, true, false, false },
	};
	static const char *const bad[] = {
		"",
		"+",
		"0x1000",
		"+8",
		"0x1000+",
		"0x1000+0",
		"0x1000+8:",
		"0x1000+8:x",
		"0x1000+8:wr",
		"0x1000+8,stop:w",
		"0x1000+8:w,stop,stop",
		"0xffffffffffffffff+2",
		"sym:",
		"sym:+8",
		"sym:x",
		"sym:x+",
		"sym:x+0",
		"0x1000+8 :w",
		"x+8",
	};
	struct watch_item w;
	struct err e;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_EQ(watch_parse(&w, good[i].text, &e), 0);
		EXPECT_EQ(w.symbol != NULL, good[i].symbol != NULL);
		if (w.symbol)
			EXPECT_STR(w.symbol, good[i].symbol);
		EXPECT_EQ(w.base, good[i].base);
		EXPECT_EQ(w.size, good[i].size);
		EXPECT_EQ(w.reads, good[i].reads);
		EXPECT_EQ(w.writes, good[i].writes);
		EXPECT_EQ(w.stop, good[i].stop);
		watch_item_free(&w);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (watch_parse(&w, bad[i], &e) != -EINVAL)
			test_fail(__FILE__, __LINE__, "'%s' was taken", bad[i]);
}

TEST(the_serial_console_leaves_stdio_to_hvc0_and_only_that)
{
	struct vm_config c;

	config_init(&c);
	EXPECT_EQ(config_console(&c), CHARDEV_STDIO);
	c.hvc.kind = CHARDEV_STDIO;
	EXPECT_EQ(config_console(&c), CHARDEV_NULL);
	c.con.kind = CHARDEV_FILE;
	EXPECT_EQ(config_console(&c), CHARDEV_FILE);
	config_free(&c);
}

TEST(devices_of_other_processes_share_the_memory_and_need_a_keeper)
{
	struct vm_config c;
	const struct share_config *s;
	struct err e;

	config_init(&c);
	EXPECT(!config_shares_ram(&c));
	EXPECT(!config_needs_keeper(&c));
	EXPECT_EQ(config_add_share(&c, "/", "root", true, &e), 0);
	EXPECT_EQ(config_add_share(&c, "/home", "home", false, &e), 0);
	s = c.shares.at;
	EXPECT_EQ(c.shares.nr, 2);
	EXPECT_STR(s[0].dir, "/");
	EXPECT_STR(s[1].tag, "home");
	EXPECT(s[0].ro && !s[1].ro);
	EXPECT(config_shares_ram(&c));
	EXPECT(config_needs_keeper(&c));
	while (c.shares.nr < CONFIG_MAX_DISKS)
		EXPECT_EQ(config_add_share(&c, "/", "x", true, &e), 0);
	EXPECT_EQ(config_add_share(&c, "/", "x", true, &e), -ENOSPC);
	config_free(&c);
	EXPECT_EQ(c.shares.nr, 0);
}

TEST(a_vsock_on_unix_sockets_needs_the_keeper_and_one_by_the_kernel_does_not)
{
	static const char uds[] = "{\"kernel\":\"k\",\"vsock\":[{\"cid\":3,\"uds\":\"v\"}],"
				  "\"watch\":[\"1+1\"]}";
	static const char kernel[] = "{\"kernel\":\"k\",\"vsock\":[{\"cid\":4294967294}]}";
	static const char two[] = "{\"vsock\":[{\"cid\":3},{\"cid\":4}]}";
	struct vm_config c;
	struct err e;

	config_init(&c);
	EXPECT(!config_vsock(&c));
	EXPECT(!config_needs_keeper(&c));
	EXPECT_EQ(from_text(&c, uds, sizeof(uds) - 1, &e), 0);
	EXPECT_EQ(config_validate(&c, &e), 0);
	EXPECT_STR(config_vsock(&c)->uds, "v");
	EXPECT(config_needs_keeper(&c));
	config_free(&c);
	EXPECT_EQ(from_text(&c, kernel, sizeof(kernel) - 1, &e), 0);
	EXPECT_EQ(config_validate(&c, &e), 0);
	EXPECT_EQ(config_vsock(&c)->cid, 4294967294u);
	EXPECT(!config_needs_keeper(&c));
	config_free(&c);
	EXPECT(from_text(&c, two, sizeof(two) - 1, &e) < 0);
	config_free(&c);
}

TEST_MAIN(T(a_vsock_on_unix_sockets_needs_the_keeper_and_one_by_the_kernel_does_not),
	  T(devices_of_other_processes_share_the_memory_and_need_a_keeper),
	  T(the_serial_console_leaves_stdio_to_hvc0_and_only_that),
	  T(watch_items_are_read_as_written_and_nothing_else),
	  T(ranges_and_policies_are_read_strictly), T(files_at_addresses_are_split_at_the_last_at),
	  T(defaults_are_what_the_manual_says), T(every_key_is_documented_and_named_once),
	  T(a_file_sets_what_it_mentions_and_nothing_else), T(files_that_cannot_be_read_are_told),
	  T(what_is_written_reads_back_to_the_same),
	  T(defaults_are_a_valid_file_but_for_the_kernel), T(contradictions_are_refused),
	  T(programs_and_connections_are_the_keeper_s), T(lists_of_cpus_keep_their_order),
	  T(lists_of_cpus_that_are_none_are_refused))
