# shellcheck shell=sh
# shellcheck disable=SC2016 # what is quoted is for the guest's shell to expand
# `vmm run ... -- COMMAND`: the guest runs just that, and vmm looks from outside as if it were it.

LEFT=8

# The tests' initramfs with names for busybox's applets: $initrd.
with_applets() {
	package "${package:-6.1}"
	initrd=$SHARED/applets.cpio
	[ ! -e "$initrd" ] || return 0
	mkdir -p applets/bin
	for _p in cat dd echo env false head id kill ls md5sum mkdir mount ps pwd sed seq sleep stty sync touch true \
		tty yes; do
		ln -s busybox "applets/bin/$_p"
	done
	{
		cat "$GUEST"
		(cd applets && find -- * | cpio -o -H newc 2>/dev/null)
	} >"$initrd"
}

# Runs a command in it: status, $T/out, $T/err. Its input is ours.
in_guest() { # [OPTION... --] WORD...
	with_applets
	status=0
	timeout -s KILL "$limit" vmm run --kernel "$kernel" --initrd "$initrd" "$@" >"$T/out" 2>"$T/err" ||
		status=$?
}

# The same in the background, until it says "ready": pid.
starts() { # OPTION... -- WORD...
	with_applets
	start vmm run --kernel "$kernel" --initrd "$initrd" "$@"
	wait_for '^ready$'
}

silent() { [ ! -s "$T/err" ] || fail "something on stderr: $(head -n3 "$T/err")"; }

test_command_and_how_it_ends() {
	in_guest -- true
	is "status of true" "$status" 0
	silent
	[ ! -s "$T/out" ] || fail "something on stdout"
	in_guest -- sh -c 'echo out; echo err >&2; exit 7'
	is "status of exit 7" "$status" 7
	is "stdout" "$(cat "$T/out")" out
	is "stderr" "$(cat "$T/err")" err
	in_guest -- sh -c 'kill -KILL $$'
	is "status of who was killed" "$status" 137
	in_guest -- no-such-program
	is "status of what is not there" "$status" 127
	has "$T/err" '^vmm-init: no-such-program: not found'
}

test_command_finds_a_usual_world() {
	in_guest -- sh -c 'pwd; ls -l /dev/fd /proc/self/exe /dev/pts/ptmx; env; echo "args: $# <$1> <$2>"
		echo x >/tmp/a && echo y >/run/a && cat /tmp/a /run/a; cat /sys/class/net/lo/operstate; id -u' \
		sh 'a  b' ''
	is "status" "$status" 0
	silent
	has "$T/out" '^/$'
	has "$T/out" '^args: 2 <a  b> <>$'
	has "$T/out" '^PATH=/usr/local/sbin:/usr/local/bin:'
	has "$T/out" '^HOME=/root$'
	[ "$(grep -c '^unknown$' "$T/out")" = 1 ] || fail "lo is not up"
	has "$T/out" '^x$'
	has "$T/out" '^y$'
	has "$T/out" '^0$'
}

test_command_s_streams_are_exact() {
	head -c 8388608 /dev/urandom >file
	in_guest -- sh -c 'cat; echo end >&2' <file
	is "status" "$status" 0
	is "stderr" "$(cat "$T/err")" end
	is "8 MiB through cat" "$(md5sum <"$T/out")" "$(md5sum <file)"
	# By a pipe, and it ends while the guest boots.
	head -c 100000 file >some
	# shellcheck disable=SC2002 # a pipe is what is wanted
	cat some | in_guest -- md5sum
	is "100000 bytes in" "$(cut -c1-32 "$T/out")" "$(md5sum <some | cut -c1-32)"
}

test_slow_100_mib_out() {
	slow
	head -c 2097152 /dev/urandom >file
	in_guest -- sh -c 'cat >/tmp/f; for i in $(seq 50); do cat /tmp/f; done' <file
	is "status" "$status" 0
	silent
	is "100 MiB" "$(md5sum <"$T/out")" "$(for i in $(seq 50); do cat file; done | md5sum)"
}

test_command_whose_reader_stops_or_leaves() {
	slow
	with_applets
	{
		code=0
		vmm run --kernel "$kernel" --initrd "$initrd" -- sh -c 'yes | head -c 1000000; exit 3' 2>"$T/err" ||
			code=$?
		echo $code >"$T/status"
	} | {
		sleep 12
		md5sum
	} >"$T/out"
	is "status" "$(cat "$T/status")" 3
	silent
	is "what a late reader gets" "$(cut -c1-32 "$T/out")" "$(yes | head -c 1000000 | md5sum | cut -c1-32)"
	{
		code=0
		vmm run --kernel "$kernel" --initrd "$initrd" -- yes 2>"$T/err" || code=$?
		echo $code >"$T/status"
	} | head -n1 >"$T/out"
	is "status of yes with a reader that left" "$(cat "$T/status")" 141
	is "stdout" "$(cat "$T/out")" y
	silent
}

test_command_that_leaves_something_behind() {
	in_guest -- sh -c '(sleep 1000; echo late) & echo now'
	is "status" "$status" 0
	is "stdout" "$(cat "$T/out")" now
	silent
}

test_signals_go_to_the_command() {
	starts -- sh -c 'for s in INT HUP QUIT USR1 USR2; do trap "echo got $s" $s; done
		echo ready; while true; do sleep 0.1; done'
	for s in INT HUP QUIT USR1 USR2; do
		kill -$s "$pid"
		wait_for "^got $s\$"
	done
	kill -TERM "$pid"
	wait_end
	is "status" "$status" "$KILLED" # HUP was the first that asks it to end
	has "$T/err" '^vmm: ended by a second signal$'

	starts -- sh -c 'echo ready; sleep 1000'
	kill -TERM "$pid"
	wait_end
	is "status of who follows" "$status" 143
	silent
}

test_command_that_does_not_follow() {
	slow
	starts --grace 1 -- sh -c 'trap "" TERM; echo ready; while true; do sleep 0.1; done'
	kill -TERM "$pid"
	wait_end
	is "status" "$status" "$KILLED"
	has "$T/err" '^vmm: the command did not end in time; ended its guest$'
	with_applets
	start vmm run --kernel "$kernel" --initrd "$initrd" -- true
	sleep 1
	kill -INT "$pid"
	wait_end
	is "status of one that had not come to its command" "$status" "$KILLED"
	has "$T/err" '^vmm: ended by a signal before the guest had started the command$'
}

test_guest_that_ends_before_its_command() {
	slow
	in_guest -- sh -c 'echo before; echo c >/proc/sysrq-trigger; sleep 1000'
	is "status of a panic" "$status" "$PANIC"
	has "$T/out" '^before$'
	has "$T/err" "^vmm: the guest's kernel: .*Kernel panic - not syncing: sysrq triggered crash"
	is "last line" "$(tail -n1 "$T/err")" "vmm: the guest panicked"
	in_guest -- sh -c 'echo o >/proc/sysrq-trigger; sleep 1000'
	is "status of a power-off" "$status" "$LEFT"
	is "last line" "$(tail -n1 "$T/err")" "vmm: the guest powered itself off before the command had ended"
	in_guest -- sh -c 'echo b >/proc/sysrq-trigger; sleep 1000'
	is "status of a reset" "$status" "$RESET"
}

test_guest_that_never_gets_to_its_command() {
	slow
	with_applets
	cp "$(readlink -f "$kernel")" vmlinuz # where nothing knows its modules
	kernel=vmlinuz
	status=0
	vmm run --kernel vmlinuz --initrd "$initrd" -- true >"$T/out" 2>"$T/err" || status=$?
	is "status" "$status" "$PANIC"
	has "$T/err" "^vmm: the guest's kernel: vmm-init: vmm's virtio console does not appear"
}

# --- on a disk ------------------------------------------------------------------------------------

on_disk() { # ROOT WORD...
	package 6.1
	[ -e small.img ] || cp "$LAB/root.img" small.img
	root=$1
	shift
	status=0
	timeout -s KILL "$limit" vmm run --kernel "$kernel" --disk small.img --root "$root" -- "$@" \
		</dev/null >"$T/out" 2>"$T/err" || status=$?
}

test_command_on_a_disk_writes_nothing_unless_told() {
	slow
	script='busybox cat new 2>/dev/null; echo "$*" >new && busybox cat new'
	on_disk vda1 sh -c "$script" sh one
	is "status" "$status" 0
	silent
	is "what it reads" "$(cat "$T/out")" one
	on_disk LABEL=small-root,rw sh -c "$script" sh two
	is "what another reads" "$(cat "$T/out")" two
	on_disk vda1 sh -c "$script" sh three
	is "what a third reads" "$(cat "$T/out")" "two
three"
	on_disk vda1,ro sh -c "$script" sh four
	is "status on what cannot be written" "$status" 1
}

# --- people ---------------------------------------------------------------------------------------

test_command_of_an_unprivileged_user() {
	with_applets
	chmod 666 /dev/kvm
	chmod 755 "$T" "$SHARED"
	status=0 strict=
	[ ! -e /lab-command ] || strict="--sandbox strict" # other hosts may forbid what it takes
	echo in | su nobody -c "cd / && PATH='$PATH' vmm run $strict --kernel '$kernel' --initrd '$initrd' \
		-- sh -c 'cat; id -u; exit 9'" >"$T/out" 2>"$T/err" || status=$?
	is "status" "$status" 9
	is "stdout" "$(cat "$T/out")" "in
0"
	silent
}

test_command_on_a_terminal() {
	with_applets
	start ptyrun vmm run --kernel "$kernel" --initrd "$initrd" -- sh -i
	wait_for '# '
	echo 'tty; stty size; echo $((40 + 2))' >&7
	wait_for '^/dev/pts/0'
	wait_for '^24 80'
	wait_for '^42'
	echo 'sleep 1000' >&7
	sleep 1
	printf '\003' >&7
	echo 'echo status=$?; exit 5' >&7
	wait_for '^status=130'
	wait_end
	is "status" "$status" 5
	has "$T/err" '^ptyrun: terminal restored'
}

# --- in a folder of the host ----------------------------------------------------------------------

# In $T/bin, which comes first in $PATH.
with_virtiofsd() {
	[ -e "$LAB/backends/rust/virtiofsd" ] || skip "there is no virtiofsd here"
	package 6.1
	mkdir -p "$T/bin"
	cat >"$T/bin/virtiofsd" <<-SCRIPT
		#!/bin/sh
		exec $LAB/backends/rust/ld-linux-aarch64.so.1 --library-path $LAB/backends/rust $LAB/backends/rust/virtiofsd "\$@"
	SCRIPT
	chmod +x "$T/bin/virtiofsd"
	PATH=$T/bin:$PATH
}

in_folder() { # RO-OR-NOT ROOT WORD...
	with_virtiofsd
	share=/,tag=all,sandbox=chroot$1
	root=$2
	shift 2
	status=0
	timeout -s KILL "$limit" vmm run --kernel "$kernel" --share "$share" --root "$root" -- "$@" \
		</dev/null >"$T/out" 2>"$T/err" || status=$?
}

test_command_on_the_host_s_own_files() {
	mkdir work
	cd work || exit
	echo content >file
	in_folder ,ro / sh -c 'pwd; cat file; echo new >made; cat made; uname -r; exit 4'
	is "status" "$status" 4
	silent
	is "stdout" "$(cat "$T/out")" "$T/work
content
new
${kernel##*/vmlinuz-}"
	[ ! -e made ] || fail "what the command wrote is on the host"
	in_folder '' /,rw sh -c 'echo kept >made'
	is "status with rw" "$status" 0
	silent
	is "what is kept" "$(cat made)" kept
}

# With nothing said of the share; the kernel's own file systems are there, and what the host mounts.
# Of a CPU that can, the guest's kernel checked its modules with instructions for it.
test_command_in_all_of_the_host() {
	with_virtiofsd
	hasher=
	if grep -q '^Features.* sha2' /proc/cpuinfo; then hasher='
sha2_ce'; fi
	mkdir mounted
	mount -t tmpfs mounted mounted || skip "nothing can be mounted here"
	echo content >mounted/file
	status=0
	timeout -s KILL "$limit" vmm run --kernel "$kernel" --root / -- sh -c 'cat mounted/file; echo new >mounted/file
		cat mounted/file; ls -d /proc/self/fd/0 /sys/class/net/lo /dev/null /dev/pts/ptmx
		grep -o "^sha2_ce" /proc/modules || :' \
		</dev/null >"$T/out" 2>"$T/err" || status=$?
	kept=$(cat mounted/file)
	umount mounted
	is "status" "$status" 0
	silent
	is "stdout" "$(cat "$T/out")" "content
new
/dev/null
/dev/pts/ptmx
/proc/self/fd/0
/sys/class/net/lo$hasher"
	is "what is on the host" "$kept" content
}

test_slow_unprivileged_command_on_host_files() {
	slow
	chmod 666 /dev/kvm
	chmod 755 "$T"
	mkdir -m 777 work
	status=0
	with_virtiofsd
	su nobody -c "cd '$T/work' && PATH='$PATH' vmm run --kernel '$kernel' --root / \
		-- sh -c 'pwd; echo x >made; cat made; exit 6'" >"$T/out" 2>"$T/err" </dev/null || status=$?
	is "status" "$status" 6
	silent
	is "stdout" "$(cat "$T/out")" "$T/work
x"
	[ ! -e work/made ] || fail "what the command wrote is on the host"
}
