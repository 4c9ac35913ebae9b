/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/host/virtiofsd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* All arguments, with blanks between. */
static const char *joined(const struct virtiofsd_args *a)
{
	static char all[400];
	size_t len = 0;

	all[0] = '\0';
	for (unsigned i = 0; a->words[i]; i++)
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i ? " " : "",
					a->words[i]);
	return all;
}

TEST(each_program_is_called_in_its_own_way)
{
	static const struct {
		bool rust;
		const char *dir;
		bool ro, one_tree;
		enum virtiofsd_sandbox sandbox;
		const char *args; /* NULL: refused */
	} t[] = {
		{ true, "/a", false, false, VIRTIOFSD_NAMESPACE,
		  "/p --fd={fd} --shared-dir /a --sandbox=namespace" },
		{ true, "/a,b", true, false, VIRTIOFSD_NONE,
		  "/p --fd={fd} --shared-dir /a,b --sandbox=none --readonly" },
		{ true, "/", true, true, VIRTIOFSD_CHROOT,
		  "/p --fd={fd} --shared-dir / --sandbox=chroot --readonly "
		  "--no-announce-submounts" },
		{ false, "/a", false, true, VIRTIOFSD_CHROOT,
		  "/p -f --fd={fd} -o source=/a -o sandbox=chroot" },
		{ false, "/a,b\\c", false, false, VIRTIOFSD_NAMESPACE,
		  "/p -f --fd={fd} -o source=/a\\,b\\\\c -o sandbox=namespace" },
		{ false, "/a", true, false, VIRTIOFSD_NAMESPACE, NULL },
		{ false, "/a", false, false, VIRTIOFSD_NONE, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct virtiofsd v = { .path = "/p", .rust = t[i].rust };
		struct virtiofsd_args a;
		struct err e;
		int code =
			virtiofsd_args(&a, &v, t[i].dir, t[i].ro, t[i].one_tree, t[i].sandbox, &e);

		EXPECT_EQ(code, t[i].args ? 0 : -ENOTSUP);
		if (t[i].args)
			EXPECT_STR(joined(&a), t[i].args);
		else
			EXPECT_HAS(e.text, "/p, the one in C, ");
		virtiofsd_args_free(&a);
	}
}

/* A program of that name, which says @says, in a folder that is all of $PATH. */
static void install(const char *says)
{
	static char dir[] = "/tmp/virtiofsd.XXXXXX";
	static char path[64];
	FILE *f;

	if (!path[0]) {
		EXPECT(mkdtemp(dir) != NULL);
		(void)snprintf(path, sizeof(path), "%s/virtiofsd", dir);
		EXPECT_EQ(setenv("PATH", dir, 1), 0);
	}
	if (!says) {
		EXPECT_EQ(unlink(path), 0);
		EXPECT_EQ(rmdir(dir), 0);
		return;
	}
	f = fopen(path, "w");
	EXPECT(f != NULL);
	(void)fprintf(f, "#!/bin/sh\necho '%s'\n", says);
	EXPECT_EQ(fclose(f), 0);
	EXPECT_EQ(chmod(path, 0755), 0);
}

TEST(which_one_it_is_is_asked)
{
	struct virtiofsd v;
	struct err e;

	install("virtiofsd version 7.2.22 (Debian 1:7.2+dfsg-7)");
	EXPECT_EQ(virtiofsd_find(&v, &e), 0);
	EXPECT_HAS(v.path, "/tmp/virtiofsd.");
	EXPECT(!v.rust);
	install("virtiofsd 1.13.2");
	EXPECT_EQ(virtiofsd_find(&v, &e), 0);
	EXPECT(v.rust);
	install(NULL);
}

TEST_MAIN(T(each_program_is_called_in_its_own_way), T(which_one_it_is_is_asked))
