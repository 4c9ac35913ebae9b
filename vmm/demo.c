/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demo runs as any guest does: its kernel, a piece of read-only memory and a System.map are
 * files in a folder that lives as long.
 */
#include "vmm/demo.h"

#include "vmm/arch.h"
#include "vmm/base/io.h"
#include "vmm/base/le.h"
#include "vmm/base/log.h"
#include "vmm/base/scope.h"
#include "vmm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define DEMO_MEM  (64 * MiB) /* arch/arm64/demo.S runs off its end */
#define PATH_ROOM 512
#define ROM	  "demo.rom"
#define ROM_AT	  "0x04000000" /* ... and writes here */

static const char *const files[] = { "kernel", ROM, "System.map" };

static int write_file(int dir, const char *name, const void *data, size_t len, struct err *e)
{
	auto_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int code;

	if (fd < 0)
		return err_sys(e, "%s", name);
	code = io_write(fd, data, len);
	return code ? err_code(e, -code, "%s", name) : 0;
}

/* The lines of a System.map for the names of the demo. */
static int write_map(int dir, struct err *e)
{
	auto_free char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	const unsigned char *at = arch_demo_names;

	if (!out)
		return err_set(e, ENOMEM, "out of memory");
	for (const char *name; *(name = (const char *)at + 4); at += (4 + strlen(name) + 4) & ~3UL)
		(void)fprintf(out, "%016" PRIx64 " T %s\n", arch_ram_base() + le32_at(at), name);
	if (fclose(out) != 0)
		return err_set(e, ENOMEM, "out of memory");
	return write_file(dir, "System.map", text, len, e);
}

static int write_files(int dir, struct err *e)
{
	static const char rom[] = "read-only memory of vmm's demo\n";
	int code = write_file(dir, "kernel", arch_demo_image,
			      (size_t)(arch_demo_image_end - arch_demo_image), e);

	if (code == 0)
		code = write_file(dir, ROM, rom, sizeof(rom), e);
	return code ? code : write_map(dir, e);
}

static enum exit_status run_in(const char *path)
{
	char kernel[PATH_ROOM + 32], rom[PATH_ROOM + 32], map[PATH_ROOM + 32];
	char *roms[] = { rom }, *maps[] = { map };
	struct vm_config c = vm_config_defaults;

	(void)snprintf(kernel, sizeof(kernel), "%s/kernel", path);
	(void)snprintf(rom, sizeof(rom), "%s/" ROM "@" ROM_AT, path);
	(void)snprintf(map, sizeof(map), "%s/System.map", path);
	c.kernel = kernel;
	c.mem = DEMO_MEM;
	c.roms = (struct key_list){ roms, 1 };
	c.symbols = (struct key_list){ maps, 1 };
	return vm_run(&c);
}

/* In a process of its own: behind its walls it could not remove the files any more. */
static enum exit_status run_apart(const char *path)
{
	pid_t parent = getpid(), pid = fork();
	int status;

	if (pid < 0) {
		log_error("fork: %m");
		return STATUS_FAILED;
	}
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(getppid() == parent ? (int)run_in(path) : STATUS_FAILED);
	}
	/* What the terminal sends is for the guest; it comes to both. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? (enum exit_status)WEXITSTATUS(status) : STATUS_FAILED;
}

enum exit_status demo_faults(void)
{
	const char *tmp = getenv("TMPDIR");
	char path[PATH_ROOM];
	enum exit_status status = STATUS_FAILED;
	auto_fd int dir = -1;
	struct err e;

	/* What does not fit ends without its X's, and mkdtemp() refuses it. */
	(void)snprintf(path, sizeof(path), "%s/vmm-demo-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(path)) {
		log_error("%s: %m", path);
		return STATUS_FAILED;
	}
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0 && write_files(dir, &e) == 0)
		status = run_apart(path);
	else
		log_error("%s: %s", path, dir < 0 ? strerror(errno) : e.text);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		(void)unlinkat(dir, files[i], 0);
	(void)rmdir(path);
	return status;
}
