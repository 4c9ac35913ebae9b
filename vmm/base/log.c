/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Relaxed: a line more or less while the level changes harms nobody. */
static atomic_int shown = LOG_WARN;
static atomic_bool raw_terminal;

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&shown, (int)level, memory_order_relaxed);
}

void log_set_raw(bool raw)
{
	atomic_store_explicit(&raw_terminal, raw, memory_order_relaxed);
}

static const char prefix[] = "vmm: ";

/* One write, so that lines of two threads do not mix. Nobody to tell when it fails. */
static void put(const char *text, size_t len)
{
	int saved = errno;

	if (write(STDERR_FILENO, text, len) < 0)
		errno = saved;
	errno = saved;
}

void log_block(enum log_level level, const char *lines)
{
	const char *eol = atomic_load_explicit(&raw_terminal, memory_order_relaxed) ? "\r\n" : "\n";
	size_t nr = 0, room;
	/* What is short is said without a system call more: those who may make few say such. */
	char small[512], *text, *to;

	if ((int)level > atomic_load_explicit(&shown, memory_order_relaxed))
		return;
	for (const char *end = lines; (end = strchr(end, '\n')); end++)
		nr++;
	room = strlen(lines) + nr * (sizeof(prefix) + 2) + 1;
	text = room <= sizeof(small) ? small : malloc(room);
	if (!text)
		return;
	to = text;
	for (const char *end; (end = strchr(lines, '\n')); lines = end + 1) {
		to = mempcpy(to, prefix, sizeof(prefix) - 1);
		to = mempcpy(to, lines, (size_t)(end - lines));
		to = mempcpy(to, eol, strlen(eol));
	}
	put(text, (size_t)(to - text));
	if (text != small)
		free(text);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char line[1024];
	size_t room = sizeof(line) - 2, at = sizeof(prefix) - 1; /* the end of line always fits */
	va_list va;
	int n;

	if ((int)level > atomic_load_explicit(&shown, memory_order_relaxed))
		return;
	memcpy(line, prefix, at);
	va_start(va, fmt);
	n = vsnprintf(line + at, room - at, fmt, va);
	va_end(va);
	if (n > 0)
		at += (size_t)n < room - at ? (size_t)n : room - at - 1;
	if (atomic_load_explicit(&raw_terminal, memory_order_relaxed))
		line[at++] = '\r';
	line[at++] = '\n';
	put(line, at);
}
