/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/config.h"

#include "vmm/base/io.h"
#include "vmm/base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

void config_init(struct vm_config *c)
{
	*c = vm_config_defaults;
}

const char *config_cmdline(const struct vm_config *c)
{
	if (c->cmdline)
		return c->cmdline;
	if (c->command.nr && c->hvc.kind == CHARDEV_NONE)
		return CONFIG_COMMAND_CMDLINE;
	return c->hvc.kind == CHARDEV_NONE ? CONFIG_DEFAULT_CMDLINE : CONFIG_HVC_CMDLINE;
}

int config_set_command(struct vm_config *c, int argc, char *const *argv, struct err *e)
{
	struct key_list *l = &c->command;

	for (size_t i = 0; i < l->nr; i++)
		free(l->at[i]);
	free(l->at);
	*l = (struct key_list){ .at = calloc((size_t)argc, sizeof(*l->at)) };
	for (; l->at && l->nr < (size_t)argc; l->nr++) {
		l->at[l->nr] = strdup(argv[l->nr]);
		if (!l->at[l->nr])
			break;
	}
	return l->nr == (size_t)argc ? 0 : err_set(e, ENOMEM, "out of memory");
}

void config_free(struct vm_config *c)
{
	keys_free(vm_config_keys, c);
	config_init(c);
}

/* --- JSON ----------------------------------------------------------------------------------- */

static int read_json(struct vm_config *c, const char *text, size_t len, struct err *e)
{
	struct json *v = json_parse(text, len, e);
	int ret;

	if (!v)
		return -e->code;
	ret = keys_from_json(vm_config_keys, c, v, e);
	json_free(v);
	return ret;
}

int config_read_file(struct vm_config *c, const char *path, struct err *e)
{
	const size_t size = JSON_MAX_BYTES + 1; /* one more, which json_parse() then refuses */
	auto_free char *text = malloc(size);
	auto_fd int fd = -1;
	ssize_t len;

	if (!text)
		return err_set(e, ENOMEM, "out of memory");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_sys(e, "open %s", path);
	len = io_read(fd, text, size);
	if (len < 0)
		return err_code(e, (int)-len, "read %s", path);
	if (read_json(c, text, (size_t)len, e))
		return err_ctx(e, "%s", path);
	return 0;
}

int config_write(const struct vm_config *c, FILE *out, struct err *e)
{
	struct json_writer w;

	json_start(&w, out);
	json_object(&w, NULL);
	keys_to_json(vm_config_keys, c, &w);
	json_end(&w);
	return json_finish(&w, e);
}
