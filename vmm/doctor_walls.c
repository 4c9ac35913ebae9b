/* SPDX-License-Identifier: Apache-2.0 */
/* What of the sandbox this host allows: a child builds the walls, and tells which of them hold. */
#include "vmm/base/io.h"
#include "vmm/base/scope.h"
#include "vmm/doctor.h"
#include "vmm/sandbox/walls.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define NAMESPACES_ADVICE                                                                          \
	"user namespaces are forbidden here; as root: sysctl kernel.unprivileged_userns_clone=1 "  \
	"user.max_user_namespaces=10000 kernel.apparmor_restrict_unprivileged_userns=0"

/* False: it could not be tried. */
static bool try_walls(struct walls *w)
{
	auto_fd int in = -1;
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return false;
	in = pipes[0];
	pid = fork();
	if (pid == 0) {
		(void)!wall_build(WALL_PIDS); /* which tells again */
		walls_build(w);
		_exit(io_write(pipes[1], w, sizeof(*w)) != 0);
	}
	(void)close(pipes[1]);
	if (pid < 0)
		return false;
	(void)waitpid(pid, NULL, 0);
	return io_read(in, w, sizeof(*w)) == sizeof(*w);
}

void doctor_walls(struct doctor *d)
{
	static const struct {
		const char *name, *what, *advice;
	} shown[NR_WALLS] = {
		[WALL_PIDS] = { "sandbox-pids", "sandbox: a PID namespace of its own",
				"who has capabilities, but not CAP_SYS_ADMIN, gets none; "
				"else " NAMESPACES_ADVICE },
		[WALL_NO_NEW_PRIVS] = { "sandbox-no-new-privs", "sandbox: no new privileges",
					"the kernel is too old" },
		[WALL_NAMESPACES] = { "sandbox-namespaces", "sandbox: namespaces of its own",
				      NAMESPACES_ADVICE },
		[WALL_ROOT] = { "sandbox-root", "sandbox: an empty root",
				"needs the namespaces, and a /proc" },
		[WALL_LANDLOCK] = { "sandbox-landlock", "sandbox: Landlock",
				    "boot the host with landlock among its lsm=" },
		[WALL_CAPABILITIES] = { "sandbox-capabilities", "sandbox: no capabilities",
					"something around vmm keeps it from giving them up" },
		[WALL_LIMITS] = { "sandbox-limits", "sandbox: limits",
				  "something around vmm keeps it from setting them" },
	};
	const uint32_t action = SECCOMP_RET_TRAP;
	const bool filters = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
	struct walls w;

	(void)doctor_add(d, "sandbox-seccomp", "sandbox: system call filters", filters,
			 "the host's kernel needs CONFIG_SECCOMP_FILTER");
	if (!try_walls(&w))
		return;
	for (unsigned i = 0; i < NR_WALLS; i++) {
		struct check *c =
			doctor_add(d, shown[i].name, shown[i].what, w.holds[i], shown[i].advice);

		(void)snprintf(c->detail, sizeof(c->detail), "%s", w.why_not[i]);
	}
}
