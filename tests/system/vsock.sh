# shellcheck shell=sh
# vsock with Linux's driver in the guest, which vmm's own initramfs loads: on Unix sockets of the
# host, and by the host's kernel.

# Of each of many connections, each way; a megabyte wants TEST_LIMIT=3000 LIMIT=2000 as well.
BYTES=${BYTES:-131072}

vsock_guest() { # the script that the guest runs, on stdin
	package 6.1
	modules=$LAB/package-6.1
	guest_has vsockpeer
	guest_script
}

# A guest that serves port 1234 until a connection to port 1 tells it to end, or the test does.
vsock_server() { # OPTION...
	vsock_guest <<-'SCRIPT'
		#!/bin/sh
		vsockpeer serve vsock:1234
	SCRIPT
	start_guest --modules "$modules" "$@"
	wait_for '^serving'
}

# Calls from the host, and all must be well.
host_calls() { # ADDRESS COUNT AT-ONCE BYTES [HOW]
	vsockpeer call "$@" >"$T/calls" 2>&1 || fail "$(tail -n3 "$T/calls")"
	has "$T/calls" "^$2 connections well, 0 failed"
}

host_serves() { # ADDRESS
	vsockpeer serve "$1" >"$T/served" 2>&1 &
	echo $! >>"$T/pids"
	wait_for_host_to_serve
}

wait_for_host_to_serve() {
	_n=0
	until grep -q '^serving' "$T/served"; do
		_n=$((_n + 1))
		[ $_n -lt 50 ] || fail "the host does not serve: $(cat "$T/served")"
		sleep 0.1
	done
}

vhost_vsock() {
	for _m in vhost_iotlb vhost vsock vmw_vsock_virtio_transport_common vhost_vsock; do
		host_module $_m
	done
	[ -c /dev/vhost-vsock ] || skip "this host has no vhost_vsock"
}

# First, while the host has no module loaded for it.
test_vsock_that_cannot_be() {
	run_vmm run --kernel "$IMAGE" --vsock 2
	is "exit status" "$status" "$USAGE"
	one_sentence 'cid'
	run_vmm run --kernel "$IMAGE" --vsock "uds=$T/v"
	one_sentence '--vsock: cid is missing; write --vsock cid=3'
	: >"$T/file"
	run_vmm run --kernel "$IMAGE" --vsock "cid=3,uds=$T/file"
	is "exit status" "$status" "$FAILED"
	one_sentence 'exists and is not a socket'
	if [ ! -e /dev/vhost-vsock ]; then
		run_vmm run --kernel "$IMAGE" --vsock 3
		is "exit status" "$status" "$FAILED"
		one_sentence '/dev/vhost-vsock is not there.*modprobe vhost_vsock'
	fi
}

test_vsock_host_calls_the_guest() {
	vsock_server --vsock "cid=33,uds=$T/v"
	host_calls "uds:$T/v:1234" 40 8 65536
	host_calls "uds:$T/v:1234" 8 8 300000 slow
	host_calls "uds:$T/v:1234" 8 4 65536 abort
	host_calls "uds:$T/v:1234" 8 4 4096
	if vsockpeer call "uds:$T/v:99" 1 1 10 >"$T/calls" 2>&1; then
		fail "a connection to a port where nobody listens"
	fi
	end_by_force
	[ ! -e "$T/v" ] || fail "the socket is still there"
}

test_vsock_guest_calls_the_host() {
	host_serves "unix:$T/v_52"
	vsock_guest <<-'SCRIPT'
		#!/bin/sh
		vsockpeer call vsock:2:52 40 8 65536 2>&1
		vsockpeer call vsock:2:52 8 8 300000 slow 2>&1
		vsockpeer call vsock:2:52 8 4 65536 abort 2>&1
		vsockpeer call vsock:2:53 1 1 10 2>&1
		vsockpeer call vsock:2:52 5 1 10 2>&1
	SCRIPT
	boot --modules "$modules" --vsock "33,uds=$T/v"
	is "exit status" "$status" "$OFF"
	has "$T/text" '^40 connections well, 0 failed'
	is "others" "$(grep -c '^8 connections well, 0 failed' "$T/text")" 2
	has "$T/text" 'vsock:2:53: connect: Connection reset'
	has "$T/text" '^5 connections well, 0 failed'
}

test_vsock_by_the_kernel() {
	vhost_vsock
	vsock_guest <<-'SCRIPT'
		#!/bin/sh
		vsockpeer call vsock:2:52 20 4 65536 2>&1
		vsockpeer serve vsock:1234
	SCRIPT
	host_serves vsock:52
	start_guest --modules "$modules" --vsock 33
	wait_for '^serving'
	has "$T/out" '^20 connections well, 0 failed'
	host_calls vsock:33:1234 40 8 65536
	host_calls vsock:33:1234 8 8 300000 slow
	end_by_force
}

test_vsock_cid_of_another_guest() {
	slow
	vhost_vsock
	vsock_server --vsock 33
	timeout 20 vmm run --kernel "$IMAGE" --vsock 33 </dev/null >"$T/out2" 2>"$T/err2" || status=$?
	is "exit status" "$status" "$FAILED"
	has "$T/err2" "CID 33 is another guest's"
	end_by_force
}

# A thousand connections.
test_vsock_thousand_connections() {
	slow
	limit=${LIMIT:-290}
	host_serves "unix:$T/v_52"
	vsock_guest <<-SCRIPT
		#!/bin/sh
		vsockpeer call vsock:2:52 1000 100 $BYTES 2>&1 | tail -n5
		vsockpeer serve vsock:1234
	SCRIPT
	start_guest --modules "$modules" --mem 1G --vsock "cid=33,uds=$T/v"
	wait_for '^serving'
	has "$T/out" '^1000 connections well, 0 failed'
	host_calls "uds:$T/v:1234" 1000 200 "$BYTES"
	between "file descriptors" "$(fds)" 1 200
	end_by_force
}

test_vsock_thousand_connections_by_the_kernel() {
	slow
	limit=${LIMIT:-290}
	vhost_vsock
	vsock_guest <<-SCRIPT
		#!/bin/sh
		vsockpeer call vsock:2:52 1000 100 $BYTES 2>&1 | tail -n5
		vsockpeer serve vsock:1234
	SCRIPT
	host_serves vsock:52
	start_guest --modules "$modules" --mem 1G --vsock 33
	wait_for '^serving'
	has "$T/out" '^1000 connections well, 0 failed'
	host_calls vsock:33:1234 1000 200 "$BYTES"
	end_by_force
}

# Resets with connections at work: what comes after finds a device in order.
vsock_resets() { # ADDRESS OPTION...
	_address=$1
	shift
	vsock_guest <<-'SCRIPT'
		#!/bin/sh
		vsockpeer serve vsock:1234 &
		read -r _
		reboot -f
	SCRIPT
	start_guest --modules "$modules" "$@"
	for _i in 1 2 3; do
		until [ "$(grep -c '^serving' "$T/out")" -ge "$_i" ]; do
			kill -0 "$pid" 2>/dev/null || fail "vmm ended"
			sleep 0.2
		done
		host_calls "$_address" 4 2 10000
		[ "$_i" -lt 3 ] || break
		vsockpeer call "$_address" 10000 16 100000 >"$T/calls" 2>&1 &
		_caller=$!
		sleep 2
		echo >&7
		sleep 1
		kill $_caller 2>/dev/null || true
		wait $_caller 2>/dev/null || true
	done
	end_by_force
}

test_vsock_resets_with_connections() {
	slow
	vsock_resets "uds:$T/v:1234" --vsock "cid=33,uds=$T/v"
}

test_vsock_resets_with_connections_by_the_kernel() {
	slow
	vhost_vsock
	vsock_resets vsock:33:1234 --vsock 33
}
