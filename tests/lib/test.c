/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_PASS = 0, EXIT_FAIL = 99, EXIT_SKIP = 98, LIMIT_S = 60 };

void test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list va;

	(void)printf("    %s:%d: ", file, line);
	va_start(va, fmt);
	(void)vprintf(fmt, va);
	va_end(va);
	(void)printf("\n");
	(void)fflush(stdout);
	_exit(EXIT_FAIL);
}

unsigned test_entries(const char *folder)
{
	DIR *d = opendir(folder);
	unsigned n = 0;

	EXPECT(d != NULL);
	while (readdir(d))
		n++;
	(void)closedir(d);
	return n;
}

void test_skip(const char *why)
{
	(void)printf("    skipped: %s\n", why);
	(void)fflush(stdout);
	_exit(EXIT_SKIP);
}

static bool wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc <= 1;
}

/* Leaves through exit(), so that a leak checker has its say. */
static int run_one(const struct test *t)
{
	int status;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		return EXIT_FAIL;
	}
	if (pid == 0) {
		(void)alarm(LIMIT_S);
		t->run();
		exit(EXIT_PASS);
	}
	if (waitpid(pid, &status, 0) != pid)
		return EXIT_FAIL;
	if (WIFSIGNALED(status)) {
		(void)printf("    ended by signal %d%s\n", WTERMSIG(status),
			     WTERMSIG(status) == SIGALRM ? " (took too long)" : "");
		return EXIT_FAIL;
	}
	return WEXITSTATUS(status);
}

int test_main(const struct test *t, int argc, char **argv)
{
	unsigned passed = 0, failed = 0, skipped = 0;

	for (; t->name; t++) {
		int result;

		if (!wanted(t->name, argc, argv))
			continue;
		result = run_one(t);
		(void)printf("%s %s\n",
			     result == EXIT_PASS   ? "ok"
			     : result == EXIT_SKIP ? "skip"
						   : "not ok",
			     t->name);
		passed += result == EXIT_PASS;
		skipped += result == EXIT_SKIP;
		failed += result != EXIT_PASS && result != EXIT_SKIP;
	}
	(void)printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
	return failed ? 1 : 0;
}
