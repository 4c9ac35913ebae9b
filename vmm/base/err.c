/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static PRINTF(3, 0) void put(struct err *e, int code, const char *fmt, va_list va)
{
	e->code = code;
	if (vsnprintf(e->text, sizeof(e->text), fmt, va) < 0)
		e->text[0] = '\0';
}

static void append(struct err *e, const char *text)
{
	size_t len = strlen(e->text);

	(void)snprintf(e->text + len, sizeof(e->text) - len, ": %s", text);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list va;

	if (e) {
		va_start(va, fmt);
		put(e, code, fmt, va);
		va_end(va);
	}
	return -code;
}

int err_sys(struct err *e, const char *fmt, ...)
{
	int code = errno;
	va_list va;

	if (e) {
		va_start(va, fmt);
		put(e, code, fmt, va);
		va_end(va);
		append(e, strerror(code));
	}
	return -code;
}

int err_code(struct err *e, int code, const char *fmt, ...)
{
	va_list va;

	if (e) {
		va_start(va, fmt);
		put(e, code, fmt, va);
		va_end(va);
		append(e, strerror(code));
	}
	return -code;
}

int err_ctx(struct err *e, const char *fmt, ...)
{
	char was[sizeof(e->text)];
	va_list va;

	if (!e)
		return -EIO;
	memcpy(was, e->text, sizeof(was));
	va_start(va, fmt);
	put(e, e->code, fmt, va);
	va_end(va);
	append(e, was);
	return -e->code;
}
