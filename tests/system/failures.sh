# shellcheck shell=sh
# What cannot start says one sentence, has the documented status, and leaves nothing behind.

fails() { # STATUS REGEX OPTION...
	want=$1 regex=$2
	shift 2
	run_vmm run --kernel "$IMAGE" "$@"
	is "exit status" "$status" "$want"
	has "$T/err" '^vmm: '
	has "$T/err" "$regex"
	[ ! -s "$T/out" ] || fail "something on stdout"
}

test_more_cpus_than_the_host_limit() {
	max=$(doctor max-vcpus value)
	[ "$max" -lt 512 ] || skip "this host's limit, $max, is beyond vmm's own"
	fails "$FAILED" "$max" --cpus $((max + 1))
	one_sentence cpus
}

test_zero_cpus() { fails "$USAGE" 'cpus' --cpus 0; }
test_absurd_cpus() { fails "$USAGE" 'cpus.*512' --cpus 100000; }
test_memory_of_no_size() { fails "$USAGE" 'mem' --mem lots; }
test_memory_too_small() { fails "$USAGE" 'mem' --mem 1K; }
test_unknown_option() { fails "$USAGE" 'frobnicate' --frobnicate; }
test_unknown_irqchip() { fails "$USAGE" 'gicv9.*gicv3' --irqchip gicv9; }

test_memory_beyond_the_address_space() {
	bits=$(doctor ipa-bits value)
	[ "$bits" -le 43 ] || skip "$bits bits of guest address space: more than --mem can ask for"
	fails "$FAILED" "$bits|GiB" --mem $(((1 << (bits - 30)) + 1))G
	one_sentence mem
}

test_no_kernel_given() {
	run_vmm run --mem 64M
	is "exit status" "$status" "$USAGE"
	has "$T/err" 'kernel'
}

test_no_subcommand() {
	run_vmm
	is "exit status" "$status" "$USAGE"
	has "$T/err" 'vmm help|help|usage'
}

test_unknown_subcommand() {
	run_vmm fly
	is "exit status" "$status" "$USAGE"
	has "$T/err" 'fly'
}

as_root() {
	[ -e /lab-command ] || skip "it changes /dev/kvm: only in the emulated lab"
}

test_no_dev_kvm() {
	as_root
	mv /dev/kvm /dev/kvm.away
	run_vmm run --kernel "$IMAGE"
	mv /dev/kvm.away /dev/kvm
	is "exit status" "$status" "$FAILED"
	one_sentence '/dev/kvm'
}

test_no_permission_for_dev_kvm() {
	as_root
	chmod 600 /dev/kvm
	chmod 777 "$T"
	status=0
	su nobody -c "cd '$T' && PATH='$PATH' vmm run --kernel '$IMAGE'" >"$T/out" 2>"$T/err" </dev/null ||
		status=$?
	is "exit status" "$status" "$FAILED"
	one_sentence 'permission'
}

test_dev_kvm_that_is_no_kvm() {
	as_root
	mv /dev/kvm /dev/kvm.away
	mknod /dev/kvm c 1 3
	run_vmm run --kernel "$IMAGE"
	mv /dev/kvm.away /dev/kvm
	is "exit status" "$status" "$FAILED"
	one_sentence '/dev/kvm'
}

test_absent_initrd() { fails "$FAILED" 'nothing.*No such file' --initrd "$T/nothing"; }
test_absent_dtb() { fails "$FAILED" 'nothing.*No such file' --dtb "$T/nothing"; }

test_dtb_that_is_none() {
	head -c 1000 /dev/zero >"$T/zero.dtb"
	fails "$FAILED" 'zero.dtb' --dtb "$T/zero.dtb"
}

test_console_file_in_no_folder() {
	fails "$FAILED" 'nowhere/console' --console "file:$T/nowhere/console"
}

test_console_socket_in_use() {
	start vmm run --kernel "$LAB/kernel/bare-reset" --mem 16M --console "socket:$T/sock"
	_n=0
	until [ -S "$T/sock" ]; do _n=$((_n + 1)); [ $_n -lt 100 ] || fail "no socket"; sleep 0.1; done
	status=0
	timeout -s KILL 20 vmm run --kernel "$LAB/kernel/bare-off" --mem 16M --console "socket:$T/sock" \
		</dev/null >"$T/out2" 2>"$T/err2" || status=$?
	is "exit status" "$status" "$FAILED"
	has "$T/err2" 'sock'
	kill -0 "$pid" || fail "the first vmm ended"
	[ -S "$T/sock" ] || fail "the first one's socket is gone"
	kill -KILL "$pid"
}

test_failed_start_leaves_no_socket() {
	run_vmm run --kernel "$T/nothing" --console "socket:$T/sock"
	is "exit status" "$status" "$FAILED"
	[ ! -e "$T/sock" ] || fail "the socket is still there"
}

test_out_of_memory() {
	# Address space for less than the guest needs.
	status=0
	(ulimit -v 200000 && exec timeout -s KILL 20 vmm run --kernel "$IMAGE" --mem 512M) \
		</dev/null >"$T/out" 2>"$T/err" || status=$?
	is "exit status" "$status" "$FAILED"
	one_sentence 'mem|512'
}

test_too_few_file_descriptors() {
	status=0
	(ulimit -n 6 && exec vmm run --kernel "$IMAGE" --cpus 8) </dev/null >"$T/out" 2>"$T/err" || status=$?
	is "exit status" "$status" "$FAILED"
	one_sentence 'files|descriptors'
}

test_read_only_memory_that_cannot_be() {
	for rom in "nofile@0x04000000:nofile: No such file" "$LAB@0x04000000:not a regular file" \
		"$LAB/kernel/bare-off@0x09000000:pl011 at 0x9000000 .* lies over ROM" "$IMAGE@0x40000000:overlaps other memory" \
		"$IMAGE@0x10000000000000:beyond the addresses that guests have"; do
		run_vmm run --kernel "$LAB/kernel/bare-off" --rom "${rom%%:*}"
		is "exit status" "$status" "$FAILED"
		one_sentence "${rom#*:}"
	done
}
