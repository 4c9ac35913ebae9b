/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a user writes: a command line (the first byte says which), a configuration file, the value
 * of one option, JSON. What was taken is written as JSON, and what that says is the same again.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/lib/json_copy.h"
#include "vmm/base/args.h"
#include "vmm/base/io.h"
#include "vmm/base/text.h"
#include "vmm/host/net.h"
#include "vmm/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void check(const struct err *e)
{
	EXPECT(e->code > 0 && e->text[0] && !strchr(e->text, '\n'));
}

/* A file with these bytes; its path. */
static int file_of(const void *data, size_t len, char path[32])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	EXPECT(fd >= 0 && (len == 0 || io_write(fd, data, len) == 0));
	(void)snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

/* To be freed; NULL: it has text that JSON cannot hold. */
static char *written(const struct vm_config *c, size_t *size)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, size);
	struct err e;
	int code;

	EXPECT(f != NULL);
	code = config_write(c, f, &e);
	(void)fclose(f);
	if (code == 0)
		return text;
	check(&e);
	free(text);
	return NULL;
}

static void again(const struct vm_config *c)
{
	struct vm_config d;
	char path[32];
	size_t len, len2;
	char *text = written(c, &len), *text2;
	struct err e = { 0 };
	int fd;

	if (!text)
		return;
	fd = file_of(text, len, path);
	config_init(&d);
	if (config_read_file(&d, path, &e))
		test_fail(__FILE__, __LINE__, "%s\n%s", e.text, text);
	text2 = written(&d, &len2);
	EXPECT(text2 && len == len2 && memcmp(text, text2, len) == 0);
	config_free(&d);
	free(text);
	free(text2);
	(void)close(fd);
}

/* Words are lines. */
static void command_line(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1), *argv[64] = { (char *)(uintptr_t) "vmm", NULL };
	struct options o;
	struct err e = { 0 };
	int argc = 1;

	EXPECT(text);
	memcpy(text, data, len);
	text[len] = '\0';
	for (char *at = text; argc < 63 && at < text + len; argc++) {
		argv[argc] = at;
		at += strcspn(at, "\n");
		if (*at)
			*at++ = '\0';
		else
			at++;
	}
	argv[argc] = NULL;
	if (options_parse(argc, argv, &o, &e)) {
		check(&e);
	} else {
		if (o.command == COMMAND_RUN)
			again(&o.config);
		options_free(&o);
	}
	free(text);
}

static void file(const uint8_t *data, size_t len)
{
	struct vm_config c;
	struct err e = { 0 };
	char path[32];
	int fd = file_of(data, len, path);

	config_init(&c);
	if (config_read_file(&c, path, &e)) {
		check(&e);
	} else {
		if (config_validate(&c, &e))
			check(&e);
		(void)config_cmdline(&c);
		again(&c);
	}
	config_free(&c);
	(void)close(fd);
}

/* Every reader of a value. */
static void value(const char *text)
{
	struct net_config net = net_defaults;
	struct watch_item watch = { 0 };
	struct net_forward forward;
	struct file_at at = { 0 };
	struct cpu_list cpus;
	struct text_guess g = { 0 };
	struct hole hole;
	uint8_t mac[NET_MAC];
	struct err e = { 0 };
	unsigned mask = 0;
	uint64_t n, m;
	char *word = (char *)(uintptr_t)text;
	struct key_list list = { &word, 1 };

	if (cpu_list_parse(&cpus, text, &e) == 0)
		EXPECT(cpus.nr > 0 && cpus.nr <= CONFIG_MAX_CPUS);
	if (hole_parse(&hole, text, &e) == 0)
		EXPECT(hole.size > 0 && hole.base + (hole.size - 1) >= hole.base);
	if (trace_parse(&mask, &list, &e) == 0)
		EXPECT(mask < 8);
	if (rom_parse(&at, text, &e) == 0)
		EXPECT(at.has_address && at.address % 4096 == 0);
	file_at_free(&at);
	(void)!symbol_file_parse(&at, text, &e);
	file_at_free(&at);
	if (watch_parse(&watch, text, &e) == 0)
		EXPECT(watch.size > 0 && (watch.reads || watch.writes));
	watch_item_free(&watch);
	if (net_mac_parse(mac, text, &e) == 0)
		EXPECT(!(mac[0] & 1));
	if (net_forward_parse(&forward, text, &e) == 0)
		EXPECT(forward.host && forward.guest);
	if (keys_from_text(net_keys, &net, text, &e) == 0)
		(void)!net_config_check(&net, &e);
	keys_free(net_keys, &net);
	if (text_size(text, &n)) {
		EXPECT(text_size(text_of_size(n).s, &m) && m == n);
	}
	text_guess(&g, text, "kernel");
	EXPECT(text_quote(text).s[0] == '\'');
}

/* The text of @v on one line; to be freed. */
static char *json_text(const struct json *v, size_t *size)
{
	struct json_writer w;
	char *text = NULL;
	FILE *f = open_memstream(&text, size);
	struct err e = { .text = "" };

	EXPECT(f != NULL);
	json_start_line(&w, f);
	json_copy(&w, v);
	if (json_finish(&w, &e))
		test_fail(__FILE__, __LINE__, "%s", e.text);
	(void)fclose(f);
	return text;
}

static void json(const uint8_t *data, size_t len)
{
	struct err e = { 0 };
	struct json *v = json_parse((const char *)data, len, &e), *v2;
	size_t size, size2;
	char *text, *text2;

	if (!v) {
		check(&e);
		return;
	}
	text = json_text(v, &size);
	v2 = json_parse(text, size, &e);
	if (!v2)
		test_fail(__FILE__, __LINE__, "%s: %s", e.text, text);
	text2 = json_text(v2, &size2);
	EXPECT(size == size2 && memcmp(text, text2, size) == 0);
	json_free(v);
	json_free(v2);
	free(text);
	free(text2);
}

void fuzz_one(const uint8_t *data, size_t len)
{
	char *text;

	if (len == 0)
		return;
	switch (data[0] & 3) {
	case 0:
		command_line(data + 1, len - 1);
		break;
	case 1:
		file(data + 1, len - 1);
		break;
	case 2:
		text = strndup((const char *)data + 1, len - 1);
		EXPECT(text);
		value(text);
		free(text);
		break;
	default:
		json(data + 1, len - 1);
		break;
	}
}
