# shellcheck shell=sh
# What vmm has given up by the time its guest runs, seen from outside.


of_every_thread() { # FIELD WANTED
	for _t in "/proc/$(inner)/task"/*; do
		is "$1 of $(cat "$_t/comm")" "$(sed -n "s/^$1:[[:space:]]*//p" "$_t/status")" "$2"
	done
}

test_every_thread_is_walled_in() {
	truncate -s 1M "$T/disk"
	guest_script <<-'G'
		echo "This is the guest"
		sleep 1000
	G
	start_guest --disk "$T/disk" --sandbox strict
	wait_for '^This is the guest'
	of_every_thread Seccomp 2
	of_every_thread NoNewPrivs 1
	of_every_thread CapEff 0000000000000000
	of_every_thread CapPrm 0000000000000000
	of_every_thread CapBnd 0000000000000000
	for ns in user pid mnt net ipc uts; do
		[ "$(readlink "/proc/$(inner)/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ] ||
			fail "vmm is in the host's $ns namespace"
	done
	is "users of its namespace" "$(cat "/proc/$(inner)/uid_map" "/proc/$(inner)/gid_map")" ""
	is "what is in its root" "$(ls -A "/proc/$(inner)/root/")" ""
	has "/proc/$(inner)/mounts" '^none / tmpfs ro,nosuid,nodev,noexec,'
	is "its core files" "$(sed -n 's/^Max core file size *\([0-9]*\) .*/\1/p' "/proc/$(inner)/limits")" 0
	end_by_force
	[ ! -s "$T/err" ] || lacks "$T/err" sandbox
}

test_killed_it_leaves_no_process_behind() {
	guest_script <<-'G'
		echo "This is the guest"
		sleep 1000
	G
	start_guest
	wait_for '^This is the guest'
	_all=$(cat /proc/[0-9]*/stat 2>/dev/null | sed -n "s/^\([0-9]*\) (vmm-[a-z]*) [A-Z] $pid .*/\1/p")
	is "processes that it made" "$(echo "$_all" | wc -l)" 2
	kill -KILL "$pid"
	for _p in $_all; do
		_n=0
		while [ -d "/proc/$_p" ]; do
			_n=$((_n + 1))
			[ $_n -lt 100 ] || fail "$(cat "/proc/$_p/comm") is still there"
			sleep 0.1
		done
	done
}

test_off_leaves_it_as_it_was_and_says_so() {
	guest_script <<-'G'
		echo "This is the guest"
		sleep 1000
	G
	start_guest --sandbox off
	wait_for '^This is the guest'
	has "$T/err" '^vmm: no sandbox: '
	of_every_thread Seccomp 0
	is "its network" "$(readlink "/proc/$(inner)/ns/net")" "$(readlink /proc/self/ns/net)"
	end_by_force
}

test_doctor_says_which_walls_hold() {
	for wall in seccomp pids no-new-privs namespaces root landlock capabilities limits; do
		is "sandbox-$wall" "$(doctor "sandbox-$wall" ok)" true
	done
}

# A host that forbids user namespaces, to somebody who is not root there.
test_what_is_missing_is_said() {
	only_in_the_lab "it switches the host's user namespaces off"
	_before=$(cat /proc/sys/user/max_user_namespaces)
	chmod 666 /dev/kvm
	echo 0 >/proc/sys/user/max_user_namespaces
	chmod 777 "$T"
	su nobody -c "PATH='$PATH' vmm run --kernel '$LAB/kernel/Image' --mem 64M --console null" 2>"$T/err" || :
	su nobody -c "PATH='$PATH' vmm run --kernel '$LAB/kernel/Image' --sandbox strict" >"$T/out" 2>"$T/strict" &&
		fail "it started"
	echo "$_before" >/proc/sys/user/max_user_namespaces
	has "$T/err" '^vmm: the sandbox is without a PID namespace: '
	has "$T/err" '^vmm: the sandbox is without own namespaces: '
	has "$T/strict" '^vmm: --sandbox strict: a PID namespace: '
}
