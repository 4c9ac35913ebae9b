# shellcheck shell=sh
# Consoles, ports and entropy over virtio, with Linux's own drivers in the guest.

# For guest scripts: the node of a port, which udev would link as /dev/virtio-ports/NAME.
# shellcheck disable=SC2016 # the guest's shell expands it
PORT='port() { until p=$(grep -lx "$1" /sys/class/virtio-ports/*/name); do usleep 50000; done 2>/dev/null
	p=${p%/name}; echo /dev/${p##*/}; }'

# The pty that vmm said for NAME.
pty_of() { # REGEX
	wait_for "$1.*/dev/pts/" "$T/err"
	tty=$(sed -nE "/$1/s,.*(/dev/pts/[0-9]*).*,\1,p" "$T/err" | head -n1)
	[ -c "$tty" ] || fail "$tty is no terminal"
	stty -F "$tty" raw -echo
}

# The socket, with $T/to as what goes there and $T/screen as what comes.
connect() { # SOCKET
	_n=0
	until [ -S "$1" ]; do _n=$((_n + 1)); [ $_n -lt 100 ] || fail "no socket"; sleep 0.1; done
	rm -f "$T/to"
	mkfifo "$T/to"
	unixcat "$1" <"$T/to" >"$T/screen" &
	echo $! >>"$T/pids"
	exec 8>"$T/to"
}

# A shell of a kind on hvc0, that knows echo, the size, and off.
hvc_guest() {
	guest_script <<-'SCRIPT'
		#!/bin/sh
		exec </dev/hvc0 >/dev/hvc0 2>&1
		stty -echo
		printf 'login: '
		while read -r word rest; do
			case $word in
			echo) echo "$rest" ;;
			size) echo "size $(stty size)" ;;
			bye) exit ;;
			*) echo "hello, $word" ;;
			esac
		done
	SCRIPT
}

test_hvc_on_a_pty() {
	hvc_guest
	start_guest --hvc pty --console null
	pty_of hvc
	stty -F "$tty" rows 33 cols 111
	cat "$tty" >"$T/screen" &
	echo $! >>"$T/pids"
	wait_for '^login: ' "$T/screen"
	echo root >"$tty"
	wait_for '^(login: )?hello, root' "$T/screen"
	echo size >"$tty"
	wait_for '^size 33 111' "$T/screen"
	stty -F "$tty" rows 50 cols 200
	echo "echo a line of words" >"$tty"
	wait_for '^a line of words' "$T/screen"
	echo size >"$tty"
	wait_for '^size 50 200' "$T/screen"
	echo bye >"$tty"
	wait_end
	is "exit status" "$status" "$OFF"
	[ ! -s "$T/out" ] || fail "output on stdout as well"
}

test_hvc_on_a_socket() {
	slow
	hvc_guest
	start_guest --hvc "socket:$T/sock" --console null
	connect "$T/sock"
	wait_for '^login: ' "$T/screen"
	i=0
	while [ $i -lt 200 ]; do
		i=$((i + 1))
		echo "echo line $i of two hundred"
	done >&8
	wait_for '^line 200 of two hundred' "$T/screen"
	echo bye >&8
	wait_end
	exec 8>&-
	is "exit status" "$status" "$OFF"
	is "lines" "$(grep -c ' of two hundred' "$T/screen")" 200
}

# What it says before it has the driver, Linux itself loses: its port is not in its list yet.
test_hvc_is_the_kernel_s_console() {
	slow
	guest_script <<-'SCRIPT'
		#!/bin/sh
		exec </dev/hvc0 >/dev/hvc0
		echo "on $(cat /sys/class/tty/console/active)"
		stty opost # waits until it is out
	SCRIPT
	run_vmm run --kernel "$kernel" --initrd "$initrd" --hvc stdio \
		--cmdline "console=ttyAMA0 console=hvc0 panic=-1 vmmtest=script"
	is "exit status" "$status" "$OFF"
	has "$T/text" 'reboot: Power down'
	has "$T/text" '^on .*hvc0'
}

test_hvc_follows_the_terminal() {
	hvc_guest
	start ptyrun -p "$T/vmm.pid" vmm run --kernel "$kernel" --initrd "$initrd" --cmdline "$words" --hvc stdio
	wait_for '^login: '
	tty=$(readlink "/proc/$(cat "$T/vmm.pid")/fd/0")
	echo size >&7
	wait_for 'size 24 80'
	stty -F "$tty" rows 60 cols 132
	sleep 1
	echo size >&7
	wait_for 'size 60 132'
	echo bye >&7
	wait_end
	is "exit status" "$status" "$OFF"
	has "$T/err" '^ptyrun: terminal restored'
}

# As many bytes through each port, both ways at once where the other end can.
through_ports() { # MIB
	bytes=$(($1 << 20))
	head -c $bytes /dev/urandom >"$T/given"
	given=$(md5sum <"$T/given" | cut -d' ' -f1)
	guest_script <<-SCRIPT
		#!/bin/sh
		$PORT
		head -c $bytes /dev/urandom >/tmp/d
		echo "sum=\$(md5sum </tmp/d | cut -d' ' -f1)"
		for p in sock term; do
			(
				cat /tmp/d >&3 &
				echo "\$p got \$(head -c $bytes <&3 | md5sum | cut -d' ' -f1)"
				wait
				echo "\$p sent"
			) 3<>\$(port \$p) &
		done
		cat /tmp/d >\$(port file)
		echo "file sent"
		wait
	SCRIPT
	start_guest --port "file,to=file:$T/file" --port "sock,to=socket:$T/sock" --port term
	pty_of term
	cat "$tty" >"$T/term" &
	echo $! >>"$T/pids"
	cat "$T/given" >"$tty" &
	echo $! >>"$T/pids"
	connect "$T/sock"
	cat "$T/given" >&8
	wait_end
	exec 8>&-
	is "exit status" "$status" "$OFF"
	has "$T/text" "^sock got $given\$"
	has "$T/text" "^term got $given\$"
	sum=$(sed -n 's/^sum=//p' "$T/text")
	sleep 1
	is "what the file has" "$(md5sum <"$T/file" | cut -d' ' -f1)" "$sum"
	is "what the socket's end has" "$(md5sum <"$T/screen" | cut -d' ' -f1)" "$sum"
	is "what the terminal has" "$(md5sum <"$T/term" | cut -d' ' -f1)" "$sum"
}

test_ports_carry_every_byte() { through_ports 1; }

test_ports_carry_10_mib() {
	slow
	limit=200
	through_ports 10
}

# The guest resets while a port is busy in both directions; then the port works.
test_reset_with_ports_in_flight() {
	slow
	echo boot0 | dd of=count bs=1M conv=sync 2>/dev/null # a shell reads a line byte by byte
	guest_script <<-SCRIPT
		#!/bin/sh
		$PORT
		read -r boots rest </dev/vda
		n=\${boots#boot}
		echo "boot number \$n"
		exec 3<>\$(port p)
		if [ "\$n" = 1 ]; then
			cat <&3 >/dev/null &
			printf '\\nhello from boot 1\\n' >&3
			read -r go
			exit 0
		fi
		echo "boot\$((n + 1)) " | dd of=/dev/vda bs=512 conv=sync,fsync 2>/dev/null
		cat /dev/zero >&3 &
		head -c 20000 <&3 | wc -c
		reboot -f
	SCRIPT
	start_guest --disk count --port "p,to=socket:$T/sock"
	connect "$T/sock"
	(while cat "$IMAGE"; do :; done >&8 2>/dev/null) &
	echo $! >>"$T/pids"
	wait_for '^boot number 1'
	wait_for '^hello from boot 1' "$T/screen"
	echo go >&7
	wait_end
	is "exit status" "$status" "$OFF"
	is "resets that came while bytes were on their way" "$(grep -c '^20000$' "$T/text")" 1
}

test_entropy() {
	guest_script <<-'SCRIPT'
		#!/bin/sh
		echo "from $(cat /sys/class/misc/hw_random/rng_current)"
		head -c 4096 /dev/hwrng >/tmp/a
		head -c 4096 /dev/hwrng >/tmp/b
		cmp -s /tmp/a /tmp/b || echo "$(cat /tmp/a /tmp/b | wc -c) bytes, $(gzip -c /tmp/a | wc -c) packed"
	SCRIPT
	boots --rng
	has "$T/text" '^from virtio_rng'
	has "$T/text" '^8192 bytes, 4[0-9]{3} packed'
}

# Of vmm's threads but the vCPUs' (those run the guest's own ticks, inside KVM): how often they ran. A
# thread that the kernel made for io_uring looks for work every five seconds, in newer ones for ever.
turns() {
	for _t in "/proc/$(inner)"/task/*; do
		case $(cat "$_t/comm") in vcpu* | iou-*) continue ;; esac
		grep ctxt_switches "$_t/status"
	done | awk '{ n += $2 } END { print n + 0 }'
}

# How often the watch for vCPUs that spin has looked: each 2 s of a vCPU's own CPU time.
looks() {
	for _t in "/proc/$(inner)"/task/*; do
		case $(cat "$_t/comm") in vcpu*) cat "$_t/schedstat" ;; esac
	done | awk '{ n += int($1 / 2e9) } END { print n + 0 }'
}

test_an_idle_guest_wakes_nobody() {
	# The kernel fetches entropy now and then, as long as there is a driver to fetch it from.
	guest_script <<-'SCRIPT'
		#!/bin/sh
		dd if=/dev/vda of=/dev/null bs=64k count=4
		dd if=/dev/hwrng of=/dev/null bs=64 count=1
		echo hello >/dev/hvc0
		cd /sys/bus/virtio/drivers/virtio_rng
		echo virtio* >unbind
		echo idle
		sleep 100
	SCRIPT
	truncate -s 1M img
	start_guest --disk img --hvc null --rng
	wait_for '^idle'
	sleep 1
	before=$(turns) looked=$(looks)
	sleep 5
	is "turns of vmm's threads" "$(($(turns) - before))" "$(($(looks) - looked))"
}

# The same with the other guest kernels that are here.
test_other_guest_kernels() {
	slow
	found=''
	for kernel in "$LAB/kernel/Image-6.12" "$LAB/kernel/Image-7.2"; do
		[ -e "$kernel" ] || continue
		found=1
		test_hvc_on_a_pty
		test_entropy
		through_ports 2
	done
	[ -n "$found" ] || skip "only one guest kernel is here"
}

# --- what a user may type wrong -------------------------------------------------------------------

wrong() { # REGEX OPTION...
	regex=$1
	shift
	run_vmm run --kernel "$IMAGE" "$@"
	[ "$status" = "$USAGE" ] || [ "$status" = "$FAILED" ] || fail "status $status for $*"
	echo "$*: $(cat "$T/err")"
	one_sentence "$regex"
}

test_wrong_options_are_one_sentence_each() {
	truncate -s 1M img
	: >empty
	mkdir dir
	wrong 'disk needs a value; write --disk FILE' --disk
	wrong 'disk nope: No such file' --disk nope
	wrong 'disk dir: it is a folder' --disk dir
	wrong 'disk empty: it is empty; give it a size.*truncate' --disk empty
	wrong 'path is missing; add path=FILE' --disk ro
	wrong 'path is there twice' --disk img,path=img
	wrong "serial: '123456789012345678901' is longer than 20 bytes" --disk img,serial=123456789012345678901
	wrong "queues: '0' is not a number from 1 to 16" --disk img,queues=0
	wrong "cache: 'fast' is not one of writeback, writethrough, none" --disk img,cache=fast
	wrong "aio: 'native' is not one of auto, io_uring, threads" --disk img,aio=native
	wrong "packed: 'perhaps' is neither on nor off" --disk img,packed=perhaps
	wrong "'readonly' is not known; there are path, ro" --disk img,readonly
	ln -s img link
	wrong 'disk img: it is there twice; one that writes' --disk img --disk img
	wrong 'disk link: it is there twice, also as img; one that writes' --disk img,ro --disk link
	wrong "'frob' is not known; there are path, ro" --disk img,frob=1
	wrong 'on-enospc: .wait. is not one of pause, error' --on-enospc wait
	wrong "hvc: 'tty' is not one of stdio, pty, file:PATH, socket:PATH" --hvc tty
	wrong "hvc: 'file' needs a path; write file:PATH" --hvc file
	wrong 'hvc: socket /nope/x: No such file' --hvc socket:/nope/x
	wrong 'port a: /nope/x: No such file' --port a,to=file:/nope/x
	wrong 'port needs a value; write --port NAME' --port
	wrong 'name is missing; add name=NAME' --port to=pty
	wrong "to: 'where' is not one of stdio, pty, file:PATH, socket:PATH" --port a,to=where
	wrong "'file:x' is not known; there are name, to" --port a,file:x
	wrong "two are called 'a'" --port a --port a
	wrong "'a' cannot have stdio" --port a,to=stdio --hvc stdio
	wrong "rng: 'maybe' is neither on nor off" --rng=maybe
}
