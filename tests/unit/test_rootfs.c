/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fake_disk.h"
#include "tests/lib/test.h"
#include "vmm/base/io.h"
#include "vmm/base/scope.h"
#include "vmm/initramfs/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* --- partitions ------------------------------------------------------------------------------ */

static void expect_gpt(const struct partitions *p)
{
	EXPECT_EQ(p->nr, 2);
	EXPECT_EQ(p->at[0].number, 1);
	EXPECT_EQ(p->at[0].at, FAKE_PART_A);
	EXPECT_EQ(p->at[0].size, MiB);
	EXPECT_STR(p->at[0].uuid.s, FAKE_PART_UUID);
	EXPECT_STR(p->at[0].name, "first");
	EXPECT_EQ(p->at[1].number, 15);
	EXPECT_EQ(p->at[1].at, FAKE_PART_B);
	EXPECT_STR(p->at[1].type.s, "b921b045-1df0-41c3-af44-4c6f280d3fae");
	EXPECT_STR(p->at[1].name, "größe 😀");
}

TEST(partition_gpt_is_read_with_both_sector_sizes)
{
	static struct partitions p;

	for (unsigned sector = 512; sector <= 4096; sector *= 8) {
		struct fake_disk d;

		fake_disk_create(&d);
		fake_gpt(&d, sector);
		EXPECT_EQ(partitions_read(&d.bytes, &p), 0);
		expect_gpt(&p);
		fake_disk_destroy(&d);
	}
}

TEST(partition_gpt_that_is_damaged_is_read_from_its_copy)
{
	static const unsigned damage[] = { 512, 512 + 16, 512 + 24, 512 + 90, 1024 + 32 };
	static struct partitions p;

	for (size_t i = 0; i < ARRAY_SIZE(damage); i++) {
		struct fake_disk d;

		fake_disk_create(&d);
		fake_gpt(&d, 512);
		d.data[damage[i]] ^= 1;
		EXPECT_EQ(partitions_read(&d.bytes, &p), 0);
		expect_gpt(&p);
		d.data[FAKE_DISK_SIZE - 512 + 20] ^= 1; /* and now the copy */
		EXPECT_EQ(partitions_read(&d.bytes, &p), 0);
		EXPECT_EQ(p.nr, 0);
		fake_disk_destroy(&d);
	}
}

TEST(partition_mbr_has_logical_ones_from_5_on)
{
	static struct partitions p;
	struct fake_disk d;

	fake_disk_create(&d);
	fake_mbr(&d);
	EXPECT_EQ(partitions_read(&d.bytes, &p), 0);
	EXPECT_EQ(p.nr, 3);
	EXPECT_EQ(p.at[0].number, 2);
	EXPECT_EQ(p.at[0].at, FAKE_PART_A);
	EXPECT_STR(p.at[0].uuid.s, "cafe0123-02");
	EXPECT_EQ(p.at[1].number, 5);
	EXPECT_EQ(p.at[1].at, FAKE_PART_B + 4096);
	EXPECT_EQ(p.at[2].number, 6);
	EXPECT_EQ(p.at[2].at, FAKE_PART_B + MiB + 4096);
	EXPECT_EQ(p.at[2].size, 65536);
	EXPECT_STR(p.at[2].uuid.s, "cafe0123-06");
	fake_disk_destroy(&d);
}

TEST(partition_mbr_chain_that_leads_in_a_circle_ends)
{
	static struct partitions p;
	struct fake_disk d;

	fake_disk_create(&d);
	fake_mbr(&d);
	fake_put32(d.data + FAKE_PART_B + 446 + 16 + 8, 0); /* the next is itself */
	EXPECT_EQ(partitions_read(&d.bytes, &p), 0);
	EXPECT(p.nr > 2 && p.nr <= PARTITIONS_MAX);
	fake_disk_destroy(&d);
}

TEST(partition_beyond_the_disk_does_not_count)
{
	static struct partitions p;
	struct fake_disk d;

	fake_disk_create(&d);
	fake_mbr(&d);
	fake_put32(d.data + 446 + 16 + 12, 0xffffffff);
	EXPECT_EQ(partitions_read(&d.bytes, &p), 0);
	EXPECT_EQ(p.at[0].number, 5);
	memset(d.data + 446, 0, 64);
	d.data[446] = 0x33; /* code or text: not a table */
	EXPECT_EQ(partitions_read(&d.bytes, &p), 0);
	EXPECT_EQ(p.nr, 0);
	fake_disk_destroy(&d);
}

TEST(partition_disk_that_cannot_be_read_is_an_error)
{
	static const uint64_t places[] = { 0, 512, 1024, 4096 };
	static struct partitions p;
	struct fake_disk d;

	fake_disk_create(&d);
	fake_gpt(&d, 512);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		d.broken = places[i];
		EXPECT_EQ(partitions_read(&d.bytes, &p), -EIO);
	}
	d.broken = UINT64_MAX;
	d.bytes.size = 100;
	EXPECT_EQ(partitions_read(&d.bytes, &p), 0);
	EXPECT_EQ(p.nr, 0);
	fake_disk_destroy(&d);
}

/* --- superblocks ----------------------------------------------------------------------------- */

TEST(fsprobe_knows_each_kind_with_label_and_uuid)
{
	static const struct {
		const char *make, *type, *no, *label, *uuid;
	} cases[] = {
		{ "ext4", "ext4", NULL, "my root", FAKE_UUID },
		{ "xfs", "xfs", NULL, "my root", FAKE_UUID },
		{ "btrfs", "btrfs", NULL, "my root", FAKE_UUID },
		{ "f2fs", "f2fs", NULL, "my root", FAKE_UUID },
		{ "erofs", "erofs", NULL, "my root", FAKE_UUID },
		{ "squashfs", "squashfs", NULL, "", "" },
		{ "vfat", "vfat", NULL, "my root", "1234-ABCD" },
		{ "fat16", "vfat", NULL, "my root", "1234-ABCD" },
		{ "iso9660", "iso9660", NULL, "my root", "" },
		{ "swap", NULL, "swap space", "", "" },
		{ "luks", NULL, "encrypted (LUKS)", "", "" },
		{ "lvm", NULL, "an LVM volume", "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fake_disk d;
		struct fs fs;

		fake_disk_create(&d);
		fake_fs(&d, FAKE_PART_A, cases[i].make, "my root");
		EXPECT_EQ(fs_probe(&d.bytes, 0, d.bytes.size, &fs), 0);
		EXPECT(!fs.type && !fs.no);
		EXPECT_EQ(fs_probe(&d.bytes, FAKE_PART_A, MiB, &fs), 0);
		EXPECT_STR(fs.type ? fs.type : "none", cases[i].type ? cases[i].type : "none");
		EXPECT_STR(fs.no ? fs.no : "none", cases[i].no ? cases[i].no : "none");
		EXPECT_STR(fs.label, cases[i].label);
		EXPECT_STR(fs.uuid.s, cases[i].uuid);
		d.broken = FAKE_PART_A + 100;
		EXPECT_EQ(fs_probe(&d.bytes, FAKE_PART_A, MiB, &fs), -EIO);
		EXPECT_EQ(fs_probe(&d.bytes, FAKE_PART_A, FAKE_DISK_SIZE, &fs), -ERANGE);
		EXPECT_EQ(fs_probe(&d.bytes, FAKE_DISK_SIZE - 512, 512, &fs), 0);
		EXPECT(!fs.type);
		fake_disk_destroy(&d);
	}
}

TEST(fsprobe_labels_hold_nothing_for_a_terminal)
{
	struct fake_disk d;
	struct fs fs;

	fake_disk_create(&d);
	fake_fs(&d, 0, "ext4", "\x1b[2Jfull length!");
	EXPECT_EQ(fs_probe(&d.bytes, 0, MiB, &fs), 0);
	EXPECT_STR(fs.label, "?[2Jfull length!");
	fake_put32(d.data + 1024 + 0x60, 8);
	EXPECT_EQ(fs_probe(&d.bytes, 0, MiB, &fs), 0);
	EXPECT(!fs.type);
	EXPECT_HAS(fs.no, "journal");
	fake_disk_destroy(&d);
}

/* What the real mkfs makes is what the hand-made ones claim to be. */
static void expect_mkfs(const char *command, const char *type)
{
	char path[] = "/tmp/test_rootfs.XXXXXX", line[256];
	struct fake_disk d;
	struct fs fs;
	auto_fd int fd = mkstemp(path);

	EXPECT(fd >= 0);
	EXPECT_EQ(ftruncate(fd, FAKE_DISK_SIZE), 0);
	(void)snprintf(line, sizeof(line), "PATH=$PATH:/sbin:/usr/sbin; %s %s >/dev/null 2>&1",
		       command, path);
	if (system(line) != 0) {
		(void)unlink(path);
		test_skip("this machine has no such mkfs");
	}
	fake_disk_create(&d);
	EXPECT_EQ(io_pread(fd, d.data, FAKE_DISK_SIZE, 0), FAKE_DISK_SIZE);
	(void)unlink(path);
	EXPECT_EQ(fs_probe(&d.bytes, 0, FAKE_DISK_SIZE, &fs), 0);
	EXPECT_STR(fs.type ? fs.type : "none", type);
	EXPECT_STR(fs.label, "my root");
	EXPECT_STR(fs.uuid.s, FAKE_UUID);
	fake_disk_destroy(&d);
}

TEST(fsprobe_knows_what_mkfs_ext4_makes)
{
	expect_mkfs("mkfs.ext4 -q -F -L 'my root' -U " FAKE_UUID, "ext4");
}

TEST(fsprobe_knows_what_mkfs_ext2_makes)
{
	expect_mkfs("mkfs.ext2 -q -F -L 'my root' -U " FAKE_UUID, "ext4");
}

/* --- the user's words ------------------------------------------------------------------------ */

/* vda: GPT, ext4 "plain" in 1, xfs "other" in 15. vdb: btrfs "whole". vdc: MBR, ext4 in 2 and 5. */
struct rig {
	struct fake_disk fake[3];
	struct root_disk disks[3];
	struct root root;
	struct err e;
};

static void rig_create(struct rig *r)
{
	static const char *const paths[] = { "a.img", "b.img", "c.img" };

	*r = (struct rig){ .root = { .type = NULL } };
	for (size_t i = 0; i < 3; i++) {
		fake_disk_create(&r->fake[i]);
		r->disks[i] = (struct root_disk){ .path = paths[i], .bytes = r->fake[i].bytes };
		r->disks[i].bytes.ctx = &r->fake[i];
	}
	fake_gpt(&r->fake[0], 512);
	fake_fs(&r->fake[0], FAKE_PART_A, "ext4", "plain");
	fake_fs(&r->fake[0], FAKE_PART_B, "xfs", "other");
	fake_fs(&r->fake[1], 0, "btrfs", "whole");
	r->fake[1].data[0x10020] = 0xbb;
	fake_mbr(&r->fake[2]);
	fake_fs(&r->fake[2], FAKE_PART_A, "iso9660", "twice");
	fake_fs(&r->fake[2], FAKE_PART_B + 4096, "iso9660", "twice");
}

static void rig_destroy(struct rig *r)
{
	for (size_t i = 0; i < 3; i++)
		fake_disk_destroy(&r->fake[i]);
}

static int find(struct rig *r, const char *spec)
{
	for (size_t i = 0; i < 3; i++)
		r->disks[i].meant = strcmp(r->disks[i].path, spec) == 0;
	return root_find(&r->root, spec, r->disks, 3, &r->e);
}

TEST(root_is_found_by_every_kind_of_name)
{
	static const struct {
		const char *spec, *device, *type;
	} cases[] = {
		{ "vda1", "vda1", "ext4" },
		{ "/dev/vda15", "vda15", "xfs" },
		{ "vdb", "vdb", "btrfs" },
		{ "/dev/vdb", "vdb", "btrfs" },
		{ "vdc5", "vdc5", "iso9660" },
		{ "vdc6", "vdc6", "none" },
		{ "LABEL=plain", "vda1", "ext4" },
		{ "LABEL=whole", "vdb", "btrfs" },
		{ "UUID=BB112233-4455-6677-8899-AABBCCDDEEFF", "vdb", "btrfs" },
		{ "PARTUUID=" FAKE_PART_UUID, "vda1", "ext4" },
		{ "PARTUUID=cafe0123-05", "vdc5", "iso9660" },
		{ "PARTLABEL=größe 😀", "vda15", "xfs" },
		{ "a.img", "vda15", "xfs" }, /* its type says that it is the root */
		{ "b.img", "vdb", "btrfs" },
		{ "/dev/nvme0n1p2", "nvme0n1p2", "none" },
	};
	struct rig r;

	rig_create(&r);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int code = find(&r, cases[i].spec);

		if (code)
			test_fail(__FILE__, __LINE__, "%s: %s", cases[i].spec, r.e.text);
		EXPECT_STR(r.root.device, cases[i].device);
		EXPECT_STR(r.root.type ? r.root.type : "none", cases[i].type);
	}
	rig_destroy(&r);
}

/* As most images have it that boot by EFI. */
TEST(root_of_a_disk_is_not_what_firmware_boots_from)
{
	struct rig r;

	rig_create(&r);
	fake_fs(&r.fake[2], FAKE_PART_A, "vfat", "EFI");
	EXPECT_EQ(find(&r, "c.img"), 0);
	EXPECT_STR(r.root.device, "vdc5");
	EXPECT_STR(r.root.type, "iso9660");
	EXPECT_EQ(find(&r, "vdc2"), 0); /* unless it is what was asked for */
	EXPECT_STR(r.root.type, "vfat");
	rig_destroy(&r);
}

TEST(root_that_is_not_there_is_a_sentence_with_what_there_is)
{
	static const struct {
		const char *spec, *says;
	} cases[] = {
		{ "vda", "a.img has partitions; name one of vda1 ext4 'plain', vda15 xfs 'other'" },
		{ "vda2", "a.img has no partition 2: there is vda1 ext4 'plain', vda15" },
		{ "vdb1", "b.img has no partition 1: there is vdb btrfs 'whole'" },
		{ "vdd", "there is no disk for vdd: there are 3" },
		{ "vdzzz1", "there is no disk for vdzzz1" },
		{ "LABEL=root", "nothing on the disks has 'LABEL=root': there is vda1 ext4" },
		{ "LABEL=twice", "'LABEL=twice' is on several: vdc2 iso9660 'twice', vdc5" },
		{ "LABEL=", "LABEL= wants something behind it" },
		{ "UUID=" FAKE_UUID, "is on several: vda1 ext4 'plain', vda15" },
		{ "PARTUUID=00", "nothing on the disks has" },
		{ "c.img", "c.img: which of its partitions is the root? There is vdc2 iso9660" },
		{ "d.img", "'d.img' is none of the disks: name a partition" },
		{ "vda01", "'vda01' is none of the disks" },
		{ "/dev/a-device-whose-name-is-longer-than-any", "no name of a device" },
	};
	struct rig r;

	rig_create(&r);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT(find(&r, cases[i].spec) < 0);
		EXPECT_HAS(r.e.text, cases[i].says);
		EXPECT(!strchr(r.e.text, '\n'));
	}
	fake_fs(&r.fake[2], FAKE_PART_A, "luks", "");
	EXPECT(find(&r, "vdc2") < 0);
	EXPECT_HAS(r.e.text, "vdc2 is encrypted (LUKS)");
	r.fake[1].broken = 0;
	EXPECT_EQ(find(&r, "vda1"), -EIO);
	EXPECT_HAS(r.e.text, "b.img");
	rig_destroy(&r);
}

TEST(root_mode_stands_behind_the_name)
{
	size_t len;

	EXPECT_EQ(root_spec_mode("vda1", &len), ROOT_AS_USUAL);
	EXPECT_EQ(len, 4);
	EXPECT_EQ(root_spec_mode("vda1,rw", &len), ROOT_RW);
	EXPECT_EQ(len, 4);
	EXPECT_EQ(root_spec_mode("LABEL=a,b,ro", &len), ROOT_RO);
	EXPECT_EQ(len, 9);
	EXPECT_EQ(root_spec_mode("rw", &len), ROOT_AS_USUAL);
	EXPECT_EQ(len, 2);
	EXPECT_EQ(root_spec_mode("", &len), ROOT_AS_USUAL);
}

TEST(root_devices_are_named_as_linux_does)
{
	static const struct {
		size_t disk;
		unsigned part;
		const char *name;
	} cases[] = { { 0, 0, "vda" },	    { 25, 3, "vdz3" },	{ 26, 0, "vdaa" },
		      { 27, 11, "vdab11" }, { 701, 0, "vdzz" }, { 702, 0, "vdaaa" } };
	char name[32];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		root_device_name(name, sizeof(name), cases[i].disk, cases[i].part);
		EXPECT_STR(name, cases[i].name);
	}
}

TEST(root_kind_is_seen_by_its_form)
{
	EXPECT_EQ(root_spec_kind("debian.img"), ROOT_FILE);
	EXPECT_EQ(root_spec_kind("vdax.img"), ROOT_FILE);
	EXPECT_EQ(root_spec_kind("vdab11"), ROOT_ON_DISKS);
	EXPECT_EQ(root_spec_kind("/dev/vda"), ROOT_ON_DISKS);
	EXPECT_EQ(root_spec_kind("UUID=1"), ROOT_ON_DISKS);
	EXPECT_EQ(root_spec_kind("/dev/sda1"), ROOT_ELSEWHERE);
}

TEST_MAIN(T(partition_gpt_is_read_with_both_sector_sizes),
	  T(partition_gpt_that_is_damaged_is_read_from_its_copy),
	  T(partition_mbr_has_logical_ones_from_5_on),
	  T(partition_mbr_chain_that_leads_in_a_circle_ends),
	  T(partition_beyond_the_disk_does_not_count),
	  T(partition_disk_that_cannot_be_read_is_an_error),
	  T(fsprobe_knows_each_kind_with_label_and_uuid),
	  T(fsprobe_labels_hold_nothing_for_a_terminal), T(fsprobe_knows_what_mkfs_ext4_makes),
	  T(fsprobe_knows_what_mkfs_ext2_makes), T(root_is_found_by_every_kind_of_name),
	  T(root_of_a_disk_is_not_what_firmware_boots_from),
	  T(root_that_is_not_there_is_a_sentence_with_what_there_is),
	  T(root_mode_stands_behind_the_name), T(root_devices_are_named_as_linux_does),
	  T(root_kind_is_seen_by_its_form))
