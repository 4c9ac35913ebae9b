/* SPDX-License-Identifier: Apache-2.0 */
/* Which sectors are in a snapshot's temporary file, and where that file is. */
#include "tests/lib/disk_rig.h"
#include "tests/lib/test.h"
#include "vmm/host/overlay.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct overlay o;
static struct err e;

static uint64_t run(uint64_t sector, uint64_t sectors, bool in)
{
	bool written = !in;
	uint64_t n = overlay_run(&o, sector * 512, sectors * 512, &written);

	EXPECT_EQ(written, in);
	EXPECT_EQ(n % 512, 0);
	return n / 512;
}

TEST(runs_end_where_the_place_changes)
{
	EXPECT_EQ(overlay_open(&o, 1000 * 512, &e), 0);
	EXPECT_EQ(run(0, 1000, false), 1000);
	overlay_mark(&o, 10 * 512, 512);
	EXPECT_EQ(run(0, 1000, false), 10);
	EXPECT_EQ(run(10, 990, true), 1);
	EXPECT_EQ(run(11, 989, false), 989);
	overlay_mark(&o, 60 * 512, 200 * 512); /* over the edges of words */
	EXPECT_EQ(run(11, 989, false), 49);
	EXPECT_EQ(run(60, 940, true), 200);
	EXPECT_EQ(run(63, 1, true), 1);
	EXPECT_EQ(run(64, 64, true), 64);
	EXPECT_EQ(run(100, 50, true), 50);
	EXPECT_EQ(run(259, 741, true), 1);
	EXPECT_EQ(run(260, 740, false), 740);
	overlay_mark(&o, 999 * 512, 512);
	EXPECT_EQ(run(260, 740, false), 739);
	EXPECT_EQ(run(999, 1, true), 1);
	overlay_mark(&o, 0, 0);
	EXPECT_EQ(run(0, 1, false), 1);
	overlay_close(&o);
}

TEST(the_file_is_where_tmpdir_says_and_has_no_name)
{
	const char *folder = disk_rig_path(".");
	struct dirent *at;
	struct stat st, in;
	unsigned names = 0;
	DIR *dir;

	EXPECT_EQ(setenv("TMPDIR", folder, 1), 0);
	EXPECT_EQ(overlay_open(&o, 1ULL << 40, &e), 0); /* sparse, and so is its map */
	EXPECT_EQ(fstat(o.fd, &st), 0);
	EXPECT_EQ(stat(folder, &in), 0);
	EXPECT_EQ(st.st_dev, in.st_dev);
	EXPECT_EQ(st.st_nlink, 0);
	EXPECT_EQ(st.st_size, 1LL << 40);
	dir = opendir(folder);
	EXPECT(dir != NULL);
	while ((at = readdir(dir)))
		names += at->d_name[0] != '.';
	EXPECT_EQ(names, 0);
	(void)closedir(dir);
	overlay_close(&o);
}

TEST(a_folder_that_takes_no_file_is_a_sentence)
{
	EXPECT_EQ(setenv("TMPDIR", "/nowhere", 1), 0);
	EXPECT_EQ(overlay_open(&o, 4096, &e), -ENOENT);
	EXPECT_STR(e.text, "a temporary file for snapshot=on in /nowhere (TMPDIR chooses another "
			   "folder): No such file or directory");
}

TEST_MAIN(T(runs_end_where_the_place_changes), T(the_file_is_where_tmpdir_says_and_has_no_name),
	  T(a_folder_that_takes_no_file_is_a_sentence))
