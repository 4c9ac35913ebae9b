/* SPDX-License-Identifier: Apache-2.0 */
/* The text that says what to run; see vmm/command.h. */
#include "vmm/command.h"

#include "vmm/base/scope.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define USUAL_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Whether a variable of ours is the command's, too: about the terminal and the language. */
static bool is_passed_on(const char *variable)
{
	static const char *const names[] = { "TERM=", "COLORTERM=", "LANG=",	"LANGUAGE=",
					     "LC_",   "TZ=",	    "NO_COLOR=" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* With its NUL. */
static void put(FILE *f, const char *s, const char *more)
{
	(void)fprintf(f, "%s%s", s, more);
	(void)fputc('\0', f);
}

static void put_all(FILE *f, const struct key_list *words, const char *folder, const char *path,
		    char *const *env)
{
	(void)fprintf(f, "%zu", words->nr);
	put(f, "", "");
	put(f, folder, "");
	for (size_t i = 0; i < words->nr; i++)
		put(f, words->at[i], "");
	put(f, "PATH=", path ? path : USUAL_PATH);
	put(f, "HOME=/root", "");
	put(f, "USER=root", "");
	put(f, "LOGNAME=root", "");
	put(f, "SHELL=/bin/sh", "");
	put(f, "PWD=", folder);
	for (; *env; env++)
		if (is_passed_on(*env))
			put(f, *env, "");
}

int command_block(const struct key_list *words, const char *folder, const char *path,
		  char *const *env, char **block, size_t *len, struct err *e)
{
	auto_free char *text = NULL;
	FILE *f = open_memstream(&text, len);
	bool bad;

	if (!f)
		return err_set(e, ENOMEM, "out of memory");
	put_all(f, words, folder, path, env);
	bad = ferror(f);
	if (fclose(f) != 0 || bad)
		return err_set(e, ENOMEM, "out of memory");
	if (*len > COMMAND_BLOCK_MAX || words->nr > COMMAND_WORDS_MAX)
		return err_set(e, E2BIG,
			       "the command has %zu words and, with its environment, %zu bytes; "
			       "there can be %d and %d",
			       words->nr, *len, COMMAND_WORDS_MAX, COMMAND_BLOCK_MAX);
	*block = keep_ptr(&text);
	return 0;
}
