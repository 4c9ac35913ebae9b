/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/initramfs/modlocate.h"

#include "vmm/base/scope.h"
#include "vmm/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool exists(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	return (size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) < sizeof(path) &&
	       stat(path, &st) == 0;
}

/* Whether modules were installed into this folder, or built in it. */
static bool has_modules(const char *dir)
{
	return exists(dir, "modules.dep") || exists(dir, "modules.order") ||
	       exists(dir, "modules.builtin") || exists(dir, "kernel");
}

/* "6.1.0-9-arm64" of ".../vmlinuz-6.1.0-9-arm64"; NULL when the name has no more than a word. */
static const char *version_of(const char *kernel)
{
	const char *slash = kernel ? strrchr(kernel, '/') : NULL;
	const char *dash = kernel ? strchr(slash ? slash : kernel, '-') : NULL;

	return dash && dash[1] ? dash + 1 : NULL;
}

static int join(char **out, const char *dir, const char *name, struct err *e)
{
	if (asprintf(out, "%s%s%s", dir, *name ? "/" : "", name) >= 0)
		return 0;
	*out = NULL;
	return err_set(e, ENOMEM, "modules: out of memory");
}

/* --- a folder with folders of modules in it -------------------------------------------------- */

static int too_many(const char *base, const char *one, const char *other, struct err *e)
{
	return err_set(e, EINVAL,
		       "%s has modules of several kernels, as %s and %s: name the folder of one",
		       base, one, other);
}

/*
 * The folder in @base of @version, or if that is NULL or not there, the only one: *@out, NULL when
 * there is none.
 */
static int choose(const char *base, const char *version, char **out, struct err *e)
{
	auto_free char *only = NULL;
	const struct dirent *n;
	int code = 0;
	DIR *d;

	*out = NULL;
	d = opendir(base);
	if (!d)
		return 0;
	while (code == 0 && (n = readdir(d))) {
		auto_free char *sub = NULL;

		if (n->d_name[0] == '.')
			continue;
		code = join(&sub, base, n->d_name, e);
		if (code || !has_modules(sub))
			continue;
		if (version && strcmp(n->d_name, version) == 0) {
			*out = keep_ptr(&sub);
			break;
		}
		if (!only)
			only = strdup(n->d_name);
		else if (!version)
			code = too_many(base, only, n->d_name, e);
		else
			continue;
	}
	(void)closedir(d);
	if (code == 0 && !*out && only && !version)
		code = join(out, base, only, e);
	return code;
}

/* --- beside the kernel ----------------------------------------------------------------------- */

/* Cuts the last part off @path, which begins with a slash; returns that part. */
static char *cut(char *path)
{
	char *slash = strrchr(path, '/');

	*slash = '\0';
	return slash + 1;
}

static int beside_in_package(const char *root, const char *version, char **out, struct err *e)
{
	static const char *const places[] = { "lib/modules", "usr/lib/modules" };
	int code = 0;

	*out = NULL;
	/* This machine's own modules need not be for this kernel. */
	if (!*root && !version)
		return 0;
	for (size_t i = 0; code == 0 && !*out && i < ARRAY_SIZE(places); i++) {
		auto_free char *base = NULL;

		code = join(&base, root, places[i], e);
		if (code == 0)
			code = choose(base, version, out, e);
	}
	return code;
}

int modlocate_beside(const char *kernel, char **dir, struct err *e)
{
	auto_free char *path = realpath(kernel, NULL), *beside = NULL;
	const char *version, *folder;
	int code;

	*dir = NULL;
	if (!path)
		return 0; /* who opens it will say why */
	version = version_of(path);
	version = version ? strdupa(version) : NULL;
	(void)cut(path);
	code = join(&beside, path, "modules", e);
	if (code)
		return code;
	if (has_modules(beside)) {
		*dir = keep_ptr(&beside);
		return 0;
	}
	if (!*path)
		return 0;
	folder = strdupa(strrchr(path, '/') + 1);
	if (has_modules(path) && strstr(path, "/modules/")) {
		*dir = keep_ptr(&path);
		return 0;
	}
	(void)cut(path);
	return strcmp(folder, "boot") == 0 ? beside_in_package(path, version, dir, e) : 0;
}

/* --- what the user named --------------------------------------------------------------------- */

int modlocate(const char *dir, const char *kernel, char **out, struct err *e)
{
	static const char *const places[] = { "", "lib/modules", "usr/lib/modules" };
	const char *version = version_of(kernel);
	struct stat st;

	*out = NULL;
	if (stat(dir, &st) < 0)
		return err_sys(e, "%s", dir);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ENOTDIR, "%s: is not a folder", dir);
	if (has_modules(dir)) {
		*out = strdup(dir);
		return *out ? 0 : err_set(e, ENOMEM, "modules: out of memory");
	}
	for (size_t i = 0; i < 2 * ARRAY_SIZE(places); i++) {
		auto_free char *base = NULL;
		int code = join(&base, dir, places[i / 2], e);

		/* That of the kernel's version; then the only one. */
		if (code == 0 && (version || i % 2))
			code = choose(base, i % 2 ? NULL : version, out, e);
		if (code || *out)
			return code;
	}
	return err_set(e, ENOENT,
		       "%s: has no kernel modules (no modules.dep, modules.order or kernel/ in it)",
		       dir);
}
