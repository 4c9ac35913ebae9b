# shellcheck shell=sh
# lib: what the system tests share. A test is a function test_NAME in a *.sh file here; it runs in a
# subshell of its own with -eu, in an empty folder $T, and fails when it ends with a status but 0.
#
# $LAB has bin/ (vmm and helpers), kernel/ (Image and its other formats), guest.cpio and dtc/.
# $SHARED is a folder that lives as long as the whole run.

IMAGE=$LAB/kernel/Image
GUEST=$LAB/guest.cpio

# Exit statuses of vmm: vmm/status.h.
OFF=0 FAILED=1 USAGE=2 PANIC=3 RESET=4 KILLED=5

fail() {
	echo "failed: $*"
	exit 1
}

skip() {
	echo "$*" >"$T/skip"
	exit 0
}

# Figures, to be seen when the test passes, too.
tell() {
	echo "$*"
	echo "$*" >>"$T/told"
}

# For a test that takes long; the same is tried elsewhere in short.
slow() {
	[ -z "${QUICK:-}" ] || skip "takes long: make check-matrix has it"
}

# --- saying what must be so -----------------------------------------------------------------------

is() { # WHAT GOT WANTED
	[ "$2" = "$3" ] || fail "$1 is '$2', wanted '$3'"
}

between() { # WHAT GOT LOW HIGH
	if ! [ "$2" -ge "$3" ] || ! [ "$2" -le "$4" ]; then
		fail "$1 is $2, wanted $3 to $4"
	fi
}

has() { # FILE REGEX
	grep -qE -- "$2" "$1" || fail "no line of ${1##*/} matches '$2'"
}

lacks() { # FILE REGEX
	if grep -E -- "$2" "$1"; then
		fail "a line of ${1##*/} matches '$2'"
	fi
}

# vmm says one sentence on stderr, and nothing on stdout.
one_sentence() { # REGEX
	is "number of lines on stderr" "$(wc -l <"$T/err")" 1
	has "$T/err" '^vmm: '
	has "$T/err" "$1"
	[ ! -s "$T/out" ] || fail "something on stdout: $(head -n3 "$T/out")"
}

# --- guests that run to their end ---------------------------------------------------------------

# The initramfs whose test is the script on stdin: $T/initrd.
guest_script() {
	mkdir -p "$T/add/tests"
	{
		echo '#!/bin/sh'
		cat
	} >"$T/add/tests/script"
	chmod +x "$T/add/tests/script"
	cp "$GUEST" "$T/initrd"
	(cd "$T/add" && find -- * | cpio -o -H newc 2>/dev/null) >>"$T/initrd"
	initrd=$T/initrd
}

# The guest gets these programs of ours; before guest_script.
guest_has() { # PROGRAM...
	mkdir -p "$T/add/bin"
	for _p; do
		cp "$LAB/bin/$_p" "$T/add/bin"
	done
}

# The guest gets fio, mke2fs, e2fsck, iperf3 and ethtool in /tools (in /bin they would be the applets); after guest_script.
guest_has_tools() {
	need_tools
	cat "$LAB/tools.cpio" >>"$T/initrd"
}

need_tools() { [ -e "$LAB/tools.cpio" ] || skip "there is no fio here: make check-matrix brings it"; }

kernel=$IMAGE
initrd=$GUEST
words='quiet vmmtest=script'
limit=${LIMIT:-200}

# $kernel is that of an unpacked package, which has its modules too.
package() { # VERSION
	kernel=$(echo "$LAB/package-$1/boot"/vmlinuz-*)
	[ -e "$kernel" ] || skip "there is no kernel $1 here"
}

# Runs vmm with these arguments to its end: status, $T/out, $T/err; $T/text is out without CRs.
run_vmm() {
	status=0
	timeout -s KILL "$limit" vmm "$@" </dev/null >"$T/out" 2>"$T/err" || status=$?
	tr -d '\r' <"$T/out" >"$T/text"
}

# Boots the guest with these further options of `vmm run`.
boot() {
	run_vmm run --kernel "$kernel" --initrd "$initrd" --cmdline "console=ttyAMA0 $words" "$@"
}

# Boots, and the guest script must have come to its end and powered off.
boots() {
	boot "$@"
	is "exit status of vmm" "$status" "$OFF"
	has "$T/text" '^guest: end script 0$'
}

# --- a guest that is asked many things ------------------------------------------------------------

# Boots a guest with these options, once for all tests that ask with the same ones and the same
# $kernel; leaves in $facts the file of what it said of itself: sections that start with "== NAME".
facts() {
	facts=$SHARED/facts-$(echo "${kernel##*/} $*" | tr -c 'A-Za-z0-9\n' _)
	if [ ! -e "$facts" ]; then
		guest_script <"$LAB/system/facts.guest"
		date +%s >"$SHARED/before"
		boots "$@"
		{
			sed '/^guest: /d; /^\[/d' "$T/text" | base64 -d | gzip -dc
			echo "== host"
			echo "before=$(cat "$SHARED/before")"
			echo "after=$(date +%s)"
		} >"$facts.new"
		mv "$facts.new" "$facts"
		cp "$T/err" "$facts.err"
	fi
}

section() { # NAME: those lines of the facts
	awk -v name="$1" '/^== / { on = $2 == name; next } on' "$facts"
}

fact() { # NAME: value of the line NAME=VALUE
	sed -n "s/^$1=//p" "$facts" | head -n1
}

# --- guests in the background ---------------------------------------------------------------------

# Starts a command with input from the fifo $T/in (held open on descriptor 7) and output to $T/out.
start() {
	rm -f "$T/in"
	mkfifo "$T/in"
	: >"$T/out"
	: >"$T/err"
	sigdefault "$@" <"$T/in" >"$T/out" 2>"$T/err" &
	pid=$!
	echo $pid >>"$T/pids"
	exec 7>"$T/in"
}

start_guest() {
	start vmm run --kernel "$kernel" --initrd "$initrd" --cmdline "console=ttyAMA0 $words" "$@"
}

# Waits until FILE has a line that matches.
wait_for() { # REGEX [FILE]
	_n=0
	until grep -qE -- "$1" "${2:-$T/out}" 2>/dev/null; do
		_n=$((_n + 1))
		[ $_n -lt $((limit * 5)) ] || fail "no line '$1' in ${2:-the output} within $limit s"
		if [ -n "${pid:-}" ] && ! kill -0 "$pid" 2>/dev/null; then
			sleep 1
			grep -qE -- "$1" "${2:-$T/out}" || fail "vmm ended before it put out '$1'"
		fi
		sleep 0.2
	done
}

# Waits until process $pid has ended: status.
wait_end() { # [SECONDS]
	_n=0
	while kill -0 "$pid" 2>/dev/null; do
		_n=$((_n + 1))
		[ $_n -lt $((${1:-$limit} * 5)) ] || fail "vmm is still there after ${1:-$limit} s"
		sleep 0.2
	done
	status=0
	wait "$pid" || status=$?
	tr -d '\r' <"$T/out" >"$T/text"
}

# Ends vmm $pid by signals. Two that come at the same time are one: hence the loop.
end_by_force() {
	_n=0
	while kill -TERM "$pid" 2>/dev/null; do
		_n=$((_n + 1))
		[ $_n -lt 20 ] || fail "vmm is still there after $_n signals"
		sleep 1
	done
	wait_end
}

# The process that has the guest: a child of $pid, where that could make itself a PID namespace.
inner() {
	_inner=$(cat /proc/[0-9]*/stat 2>/dev/null | sed -n "s/^\([0-9]*\) (vmm-inner) [A-Z] $pid .*/\1/p")
	echo "${_inner:-$pid}"
}

fds() { find "/proc/$(inner)/fd" -mindepth 1 | wc -l; }
# The kernel makes and ends threads for what io_uring cannot do at once: those are not vmm's.
threads() { cat "/proc/$(inner)"/task/*/comm | grep -vc '^iou-'; }
rss_kb() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(inner)/status"; }

# --- this host ------------------------------------------------------------------------------------

# What `vmm doctor --json` says of a check: "true" or "false" of ok, or the number of value.
doctor() { # CHECK ok|value
	{ vmm doctor --json || true; } 2>/dev/null | tr -d '\n' | tr '}' '\n' | grep "\"name\": *\"$1\"" |
		sed -n "s/.*\"$2\": *\([a-z0-9]*\).*/\1/p"
}

# Memory that is shared with another process gets huge pages, too, which hosts do not come with.
shared_huge_pages() {
	_p=/sys/kernel/mm/transparent_hugepage/shmem_enabled
	if [ -e /lab-command ] && [ -e $_p ]; then echo advise >$_p; fi
}

only_in_the_lab() { # WHY
	[ -e /lab-command ] || skip "$1: only in the emulated lab"
}

# One of the tools that guests have, here.
tool() { # PROGRAM ARG...
	need_tools
	if [ ! -d "$SHARED/tools" ]; then
		mkdir "$SHARED/tools"
		(cd "$SHARED/tools" && cpio -id <"$LAB/tools.cpio" 2>/dev/null)
	fi
	_p=$1
	shift
	_lib=$SHARED/tools/lib
	"$_lib/ld-linux-aarch64.so.1" --library-path "$_lib" "$SHARED/tools/tools/$_p" "$@"
}

host_module() { # NAME WORD...
	_p=$1
	shift
	[ ! -e "/modules/$_p.ko" ] || [ -d "/sys/module/$(echo "$_p" | tr - _)" ] || insmod "/modules/$_p.ko" "$@"
}

# A disk in the host's memory, of 160 MiB: /dev/ram0, and nothing of an earlier test holds it.
host_ram_disk() {
	host_module brd rd_nr=1 rd_size=163840
	umount /dev/ram0 2>/dev/null || true
}

# An ext4 file system on it. Unlike a tmpfs it knows direct I/O and what a flush is.
host_ext4() { # FOLDER
	host_ram_disk
	tool mke2fs -q -F -t ext4 -m 0 /dev/ram0
	mkdir -p "$1"
	mount -t ext4 /dev/ram0 "$1"
}

# dtc, the machine's own or the one in the lab.
device_tree_compiler() {
	if command -v dtc >/dev/null; then
		dtc "$@"
	else
		_lib=$LAB/dtc/usr/lib/aarch64-linux-gnu:$LAB/dtc/lib/aarch64-linux-gnu
		"$LAB"/dtc/lib/ld-linux-aarch64.so.1 --library-path "$_lib" "$LAB/dtc/usr/bin/dtc" "$@"
	fi
}
