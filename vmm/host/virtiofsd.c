/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/host/virtiofsd.h"

#include "vmm/base/io.h"
#include "vmm/base/scope.h"
#include "vmm/host/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const virtiofsd_sandbox_names[] = { [VIRTIOFSD_NAMESPACE] = "namespace",
						[VIRTIOFSD_CHROOT] = "chroot",
						[VIRTIOFSD_NONE] = "none",
						NULL };

static bool is_there(struct virtiofsd *v, const char *folder, size_t len)
{
	int n = snprintf(v->path, sizeof(v->path), "%.*s/virtiofsd", (int)len, folder);

	return n > 0 && (size_t)n < sizeof(v->path) && access(v->path, X_OK) == 0;
}

static bool look_around(struct virtiofsd *v)
{
	static const char *const folders[] = { "/usr/libexec", "/usr/lib", "/usr/lib/qemu" };
	const char *path = getenv("PATH");

	for (path = path ? path : "/usr/bin:/bin"; *path; path += *path == ':') {
		size_t len = strcspn(path, ":");

		if (len && is_there(v, path, len))
			return true;
		path += len;
	}
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (is_there(v, folders[i], strlen(folders[i])))
			return true;
	return false;
}

/* The beginning of what it prints when asked for its version; "" when that fails. */
static void ask_version(const char *path, char *to, size_t len)
{
	static char word[] = "--version";
	auto_free char *copy = strdup(path);
	char *argv[] = { copy, word, NULL };
	posix_spawn_file_actions_t actions;
	auto_fd int in = -1;
	ssize_t n = 0;
	int out[2], code;
	pid_t pid = -1;

	to[0] = '\0';
	if (!copy || pipe2(out, O_CLOEXEC) < 0)
		return;
	in = out[0];
	code = posix_spawn_file_actions_init(&actions);
	if (code == 0) {
		(void)posix_spawn_file_actions_adddup2(&actions, out[1], 1);
		(void)posix_spawn_file_actions_adddup2(&actions, out[1], 2);
		code = posix_spawn(&pid, path, &actions, NULL, argv, environ);
		(void)posix_spawn_file_actions_destroy(&actions);
	}
	(void)close(out[1]);
	if (code)
		return;
	n = io_read(in, to, len - 1);
	to[n > 0 ? n : 0] = '\0';
	(void)close(keep_fd(&in)); /* whatever else it wants to say */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int virtiofsd_find(struct virtiofsd *v, struct err *e)
{
	char version[128];

	if (!look_around(v))
		return err_set(e, ENOENT,
			       "virtiofsd is not installed (Debian: apt install virtiofsd, up to "
			       "Debian 12 qemu-system-common)");
	ask_version(v->path, version, sizeof(version));
	/* The old one says "virtiofsd version 7.2", the new one "virtiofsd 1.13". */
	v->rust = strncmp(version, "virtiofsd version", strlen("virtiofsd version")) != 0;
	return 0;
}

/* -o has commas between what it says, and a backslash before one that is meant. */
static char *escaped(const char *dir)
{
	char *to = malloc(sizeof("source=") + 2 * strlen(dir)), *at = to;

	if (!to)
		return NULL;
	at = stpcpy(at, "source=");
	for (; *dir; dir++) {
		if (*dir == ',' || *dir == '\\')
			*at++ = '\\';
		*at++ = *dir;
	}
	*at = '\0';
	return to;
}

static int args_of_c(struct virtiofsd_args *a, const struct virtiofsd *v, const char *dir, bool ro,
		     enum virtiofsd_sandbox sandbox, struct err *e)
{
	const char *words[] = { v->path, "-f", "--fd=" KEEPER_FD, "-o", NULL, "-o", NULL, NULL };

	if (ro)
		return err_set(e, ENOTSUP,
			       "%s, the one in C, cannot share read-only; install the one in Rust",
			       v->path);
	if (sandbox == VIRTIOFSD_NONE)
		return err_set(e, ENOTSUP,
			       "%s, the one in C, has no sandbox=none; install the one in Rust",
			       v->path);
	a->source = escaped(dir);
	if (!a->source ||
	    asprintf(&a->sandbox, "sandbox=%s", virtiofsd_sandbox_names[sandbox]) < 0) {
		a->sandbox = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	words[4] = a->source;
	words[6] = a->sandbox;
	memcpy(a->words, words, sizeof(words));
	return 0;
}

static int args_of_rust(struct virtiofsd_args *a, const struct virtiofsd *v, const char *dir,
			bool ro, bool one_tree, enum virtiofsd_sandbox sandbox, struct err *e)
{
	const char *words[] = { v->path, "--fd=" KEEPER_FD, "--shared-dir", dir, NULL, NULL, NULL,
				NULL };
	size_t n = 4;

	if (asprintf(&a->sandbox, "--sandbox=%s", virtiofsd_sandbox_names[sandbox]) < 0) {
		a->sandbox = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	words[n++] = a->sandbox;
	if (ro)
		words[n++] = "--readonly";
	if (one_tree)
		words[n++] = "--no-announce-submounts";
	memcpy(a->words, words, sizeof(words));
	return 0;
}

int virtiofsd_args(struct virtiofsd_args *a, const struct virtiofsd *v, const char *dir, bool ro,
		   bool one_tree, enum virtiofsd_sandbox sandbox, struct err *e)
{
	*a = (struct virtiofsd_args){ .source = NULL };
	return v->rust ? args_of_rust(a, v, dir, ro, one_tree, sandbox, e)
		       : args_of_c(a, v, dir, ro, sandbox, e);
}

void virtiofsd_args_free(struct virtiofsd_args *a)
{
	free(a->source);
	free(a->sandbox);
	*a = (struct virtiofsd_args){ .source = NULL };
}
