/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen: writes what is generated from vmm's tables, on any host, to standard output.
 *
 *	gen man			the manual page
 *	gen bash		completion for bash
 *	gen markdown FILE	FILE, with what stands between its markers made new
 *
 * A marker is a line <!-- generated: PART -->; what follows up to <!-- end --> is replaced.
 */
#include "vmm/help.h"

#include <stdlib.h>
#include <string.h>

static int fail(const char *what, const char *which)
{
	(void)fprintf(stderr, "gen: %s: %s\n", which, what);
	return 1;
}

static int markdown(const char *path)
{
	static const char begin[] = "<!-- generated: ", end[] = "<!-- end -->\n";
	FILE *in = fopen(path, "r");
	bool generated = false;
	char line[1024], part[32];

	if (!in)
		return fail("cannot be opened", path);
	while (fgets(line, sizeof(line), in)) {
		if (strcmp(line, end) == 0)
			generated = false;
		if (generated)
			continue;
		(void)fputs(line, stdout);
		if (strncmp(line, begin, sizeof(begin) - 1) != 0)
			continue;
		(void)snprintf(part, sizeof(part), "%.*s",
			       (int)strcspn(line + sizeof(begin) - 1, " "),
			       line + sizeof(begin) - 1);
		if (!help_markdown(part, stdout))
			return fail("no such part", part);
		generated = true;
	}
	(void)fclose(in);
	return generated ? fail("a marker has no end", path) : 0;
}

int main(int argc, char **argv)
{
	int ret = 0;

	if (argc == 2 && strcmp(argv[1], "man") == 0)
		help_man(stdout);
	else if (argc == 2 && strcmp(argv[1], "bash") == 0)
		help_bash(stdout);
	else if (argc == 3 && strcmp(argv[1], "markdown") == 0)
		ret = markdown(argv[2]);
	else
		ret = fail("man | bash | markdown FILE", "usage");
	if (fflush(stdout) != 0 || ferror(stdout))
		ret = fail("write failed", "stdout");
	return ret;
}
