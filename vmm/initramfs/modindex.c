/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/initramfs/modindex.h"

#include "vmm/base/io.h"
#include "vmm/base/scope.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 16 /* folders in folders */

/* The module's name in @path, of @len bytes: *@out is from malloc(); false when it has none. */
static bool module_name(const char *path, size_t len, char **out, struct err *e)
{
	static const char *const ends[] = { ".ko", ".ko.xz", ".ko.zst", ".ko.gz" };
	const char *slash = memrchr(path, '/', len), *base = slash ? slash + 1 : path;
	size_t base_len = len - (size_t)(base - path);

	*out = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		size_t end = strlen(ends[i]);

		if (base_len <= end || memcmp(base + base_len - end, ends[i], end) != 0)
			continue;
		*out = strndup(base, base_len - end);
		if (!*out) {
			(void)err_set(e, ENOMEM, "modules: out of memory");
			return true;
		}
		for (char *p = *out; *p; p++)
			if (*p == '-')
				*p = '_';
		return true;
	}
	return false;
}

static int add(struct modindex *x, const char *dir, const char *path, size_t len, struct err *e)
{
	char *name;

	if (!module_name(path, len, &name, e))
		return 0;
	if (!name)
		return -ENOMEM;
	if (x->nr == x->room) {
		size_t room = x->room ? 2 * x->room : 1024;
		struct modindex_entry *at =
			room <= MODINDEX_MAX ? reallocarray(x->at, room, sizeof(*at)) : NULL;

		if (!at) {
			free(name);
			return room <= MODINDEX_MAX
				       ? err_set(e, ENOMEM, "modules: out of memory")
				       : err_set(e, E2BIG, "%s: has more than %d modules", dir,
						 MODINDEX_MAX);
		}
		x->at = at;
		x->room = room;
	}
	x->at[x->nr] = (struct modindex_entry){ .path = strndup(path, len), .name = name };
	if (!x->at[x->nr++].path)
		return err_set(e, ENOMEM, "modules: out of memory");
	return 0;
}

static int add_lines(struct modindex *x, const char *dir, const char *text, size_t len,
		     struct err *e)
{
	int code = 0;

	while (code == 0 && len) {
		const char *nl = memchr(text, '\n', len);
		size_t line = nl ? (size_t)(nl - text) : len;
		const char *colon = memchr(text, ':', line);

		/* modules.dep goes on with what the module depends on. */
		code = add(x, dir, text, colon ? (size_t)(colon - text) : line, e);
		line += nl != NULL;
		text += line;
		len -= line;
	}
	return code;
}

int modindex_read(struct modindex *x, const char *dir, const char *file, bool *found, struct err *e)
{
	auto_bytes struct io_bytes text = { NULL, 0 };
	auto_free char *path = NULL;
	struct io_file f;
	int code;

	*x = (struct modindex){ .nr = 0 };
	*found = false;
	if (asprintf(&path, "%s/%s", dir, file) < 0) {
		path = NULL;
		return err_set(e, ENOMEM, "modules: out of memory");
	}
	if (access(path, F_OK) < 0)
		return 0;
	code = io_open(&f, path, e);
	if (code)
		return code;
	*found = true;
	if (f.size > MODINDEX_FILE_MAX)
		code = err_set(e, EFBIG, "%s: is larger than 32 MiB", path);
	else if (f.size)
		code = io_load(&f, 0, f.size, &text, e);
	io_close(&f);
	return code ? code : add_lines(x, dir, text.data, text.len, e);
}

/* Looks through the folder @fd, whose path is @path from @from on; closes @fd. */
static int walk(struct modindex *x, int fd, const char *dir, const char *path, unsigned depth,
		struct err *e)
{
	DIR *d = fdopendir(fd);
	const struct dirent *n;
	int code = 0;

	if (!d) {
		code = err_sys(e, "%s/%s", dir, path);
		close_quietly(fd);
		return code;
	}
	while (code == 0 && (n = readdir(d))) {
		auto_free char *sub = NULL;
		int sub_fd;

		if (n->d_name[0] == '.')
			continue;
		if (asprintf(&sub, "%s%s%s", path, *path ? "/" : "", n->d_name) < 0) {
			sub = NULL;
			code = err_set(e, ENOMEM, "modules: out of memory");
			break;
		}
		if (strstr(n->d_name, ".ko")) {
			code = add(x, dir, sub, strlen(sub), e);
			continue;
		}
		if (depth == DEPTH_MAX || (n->d_type != DT_DIR && n->d_type != DT_UNKNOWN))
			continue;
		/* Links are left alone: "build" and "source" lead to whole kernel sources. */
		sub_fd = openat(dirfd(d), n->d_name,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub_fd >= 0)
			code = walk(x, sub_fd, dir, sub, depth + 1, e);
		else if (errno != ENOTDIR && errno != ELOOP)
			code = err_sys(e, "%s/%s", dir, sub);
	}
	(void)closedir(d);
	return code;
}

int modindex_walk(struct modindex *x, const char *dir, struct err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*x = (struct modindex){ .nr = 0 };
	if (fd < 0)
		return err_sys(e, "%s", dir);
	return walk(x, fd, dir, "", 0, e);
}

bool modindex_same(const char *a, const char *b)
{
	while (*a && (*a == '-' ? '_' : *a) == (*b == '-' ? '_' : *b)) {
		a++;
		b++;
	}
	return *a == *b;
}

const char *modindex_find(const struct modindex *x, const char *name)
{
	const char *best = NULL;

	for (size_t i = 0; i < x->nr; i++) {
		const char *path = x->at[i].path;
		bool update = strncmp(path, "updates/", 8) == 0;

		if (!modindex_same(x->at[i].name, name))
			continue;
		/* Of two that are equal in this, always the same one. */
		if (!best || update > (strncmp(best, "updates/", 8) == 0) ||
		    (update == (strncmp(best, "updates/", 8) == 0) && strcmp(path, best) < 0))
			best = path;
	}
	return best;
}

void modindex_free(struct modindex *x)
{
	for (size_t i = 0; i < x->nr; i++) {
		free(x->at[i].path);
		free(x->at[i].name);
	}
	free(x->at);
	*x = (struct modindex){ .nr = 0 };
}
