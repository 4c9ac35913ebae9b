/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/base/scope.h"
#include "vmm/host/virtiofsd.h"
#include "vmm/root_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* In a fresh folder that has "tree/in/side". */
struct bench {
	char top[64];
	struct vm_config c;
	struct root_folder f;
	struct err e;
};

static void begin(struct bench *b, const char *root)
{
	*b = (struct bench){ .top = "/tmp/vmm-test-folder-XXXXXX" };
	EXPECT(mkdtemp(b->top) != NULL);
	EXPECT_EQ(chdir(b->top), 0);
	EXPECT(mkdir("tree", 0700) == 0 && mkdir("tree/in", 0700) == 0 &&
	       mkdir("tree/in/side", 0700) == 0 && mkdir("treeless", 0700) == 0);
	config_init(&b->c);
	b->c.kernel = strdup("k");
	b->c.root = strdup(root);
	EXPECT(b->c.kernel && b->c.root);
}

static void end(struct bench *b)
{
	config_free(&b->c);
	EXPECT_EQ(chdir(b->top), 0);
	EXPECT(rmdir("tree/in/side") == 0 && rmdir("tree/in") == 0 && rmdir("tree") == 0 &&
	       rmdir("treeless") == 0 && rmdir(b->top) == 0);
}

static const struct share_config *share(const struct bench *b, size_t n)
{
	const struct share_config *s = b->c.shares.at;

	EXPECT_EQ(b->c.shares.nr, n);
	return &s[n - 1];
}

TEST(folder_is_shared_read_only_unless_told)
{
	struct bench b;

	begin(&b, "tree");
	EXPECT_EQ(root_folder_share(&b.c, &b.e), 0);
	EXPECT_STR(share(&b, 1)->dir, "tree");
	EXPECT(share(&b, 1)->ro);
	end(&b);
	begin(&b, "tree,rw");
	EXPECT_EQ(root_folder_share(&b.c, &b.e), 0);
	EXPECT_STR(share(&b, 1)->dir, "tree");
	EXPECT(!share(&b, 1)->ro);
	end(&b);
}

/* virtiofsd fails to make the host's own root the root of a namespace. */
TEST(all_of_the_host_is_shared_without_namespaces)
{
	struct bench b;

	begin(&b, "tree");
	EXPECT_EQ(root_folder_share(&b.c, &b.e), 0);
	EXPECT_EQ(share(&b, 1)->sandbox, VIRTIOFSD_NAMESPACE);
	end(&b);
	begin(&b, "/../");
	EXPECT_EQ(root_folder_share(&b.c, &b.e), 0);
	EXPECT_EQ(share(&b, 1)->sandbox, geteuid() == 0 ? VIRTIOFSD_CHROOT : VIRTIOFSD_NONE);
	end(&b);
	begin(&b, "/");
	EXPECT_EQ(config_add_share(&b.c, "/", "mine", true, &b.e), 0);
	EXPECT_EQ(root_folder_share(&b.c, &b.e), 0);
	EXPECT_EQ(share(&b, 1)->sandbox, VIRTIOFSD_NAMESPACE);
	end(&b);
}

/* An overlay takes no mounts from what is below it. */
TEST(mount_points_are_told_but_to_an_overlay)
{
	static const struct {
		const char *root, *cmdline;
		bool one_tree;
	} cases[] = {
		{ "tree", NULL, true },	       { "tree,ro", NULL, false },
		{ "tree,rw", NULL, false },    { "tree", "quiet", true },
		{ "tree", "quiet rw", false },
	};
	struct bench b;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		begin(&b, cases[i].root);
		b.c.cmdline = cases[i].cmdline ? strdup(cases[i].cmdline) : NULL;
		EXPECT_EQ(root_folder_share(&b.c, &b.e), 0);
		EXPECT_EQ(share(&b, 1)->one_tree, cases[i].one_tree);
		end(&b);
	}
	begin(&b, "tree");
	EXPECT_EQ(config_add_share(&b.c, "treeless", "other", true, &b.e), 0);
	EXPECT_EQ(config_add_share(&b.c, "tree", "mine", true, &b.e), 0);
	EXPECT_EQ(root_folder_share(&b.c, &b.e), 0);
	EXPECT(share(&b, 2)->one_tree);
	EXPECT(!(share(&b, 2) - 1)->one_tree);
	end(&b);
}

TEST(a_share_of_the_same_folder_is_used_as_it_is)
{
	struct bench b;

	begin(&b, "tree");
	EXPECT_EQ(config_add_share(&b.c, "treeless", "other", true, &b.e), 0);
	EXPECT_EQ(config_add_share(&b.c, "./tree/", "mine", false, &b.e), 0);
	EXPECT_EQ(root_folder_share(&b.c, &b.e), 0);
	EXPECT_STR(share(&b, 2)->tag, "mine");
	EXPECT_EQ(root_folder_look(&b.f, &b.c, &b.e), 0);
	EXPECT_STR(b.f.tag, "mine");
	end(&b);
}

TEST(what_is_no_folder_is_left_alone)
{
	static const char *const roots[] = { "vda1", "LABEL=tree", "/dev/pts", "nothing" };
	struct bench b;

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		begin(&b, roots[i]);
		EXPECT_EQ(root_folder_share(&b.c, &b.e), 0);
		EXPECT_EQ(b.c.shares.nr, 0);
		EXPECT_EQ(root_folder_look(&b.f, &b.c, &b.e), 0);
		EXPECT(b.f.tag == NULL && !b.f.is_all);
		EXPECT_STR(b.f.place, "/");
		end(&b);
	}
}

TEST(folder_and_initrd_exclude_each_other)
{
	struct bench b;

	begin(&b, "tree");
	b.c.initrd = strdup("i");
	EXPECT_EQ(root_folder_share(&b.c, &b.e), -EINVAL);
	EXPECT_HAS(b.e.text, "--root: 'tree' is a folder, which an --initrd cannot be told of");
	end(&b);
}

TEST(guest_sees_the_place_where_we_are)
{
	static const struct {
		const char *at, *place;
	} cases[] = {
		{ "tree", "/" },     { "tree/in", "/in" }, { "tree/in/side", "/in/side" },
		{ "treeless", "/" }, { ".", "/" },
	};
	char path[128];
	struct bench b;

	begin(&b, "");
	free(b.c.root);
	EXPECT(asprintf(&b.c.root, "%s/tree", b.top) > 0);
	EXPECT_EQ(root_folder_share(&b.c, &b.e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", b.top, cases[i].at);
		EXPECT_EQ(chdir(path), 0);
		EXPECT_EQ(root_folder_look(&b.f, &b.c, &b.e), 0);
		EXPECT_STR(b.f.tag, "vmm-root");
		EXPECT_STR(b.f.place, cases[i].place);
		EXPECT(!b.f.is_all);
	}
	free(b.c.root);
	b.c.root = strdup("/");
	EXPECT_EQ(root_folder_look(&b.f, &b.c, &b.e), 0);
	EXPECT(b.f.is_all);
	EXPECT_STR(b.f.place, b.top);
	end(&b);
}

TEST_MAIN(T(folder_is_shared_read_only_unless_told),
	  T(all_of_the_host_is_shared_without_namespaces),
	  T(mount_points_are_told_but_to_an_overlay),
	  T(a_share_of_the_same_folder_is_used_as_it_is), T(what_is_no_folder_is_left_alone),
	  T(folder_and_initrd_exclude_each_other), T(guest_sees_the_place_where_we_are))
