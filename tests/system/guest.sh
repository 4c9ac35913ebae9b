# shellcheck shell=sh
# What a guest says of the machine it finds itself in.

test_one_cpu_by_default() {
	facts
	is "CPUs" "$(fact cpus)" 1
}

test_default_memory_is_512_mib() {
	facts
	# What the kernel keeps for itself is not in MemTotal.
	between "MemTotal" "$(fact kb)" $((450 * 1024)) $((512 * 1024))
}

memory() { # MIB SIZE-OPTION
	guest_script <<-'G'
		echo "kb=$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)"
		grep 'System RAM' /proc/iomem
	G
	boots --mem "$2"
	kb=$(sed -n 's/^kb=//p' "$T/text")
	between "MemTotal" "$kb" $(($1 * 1024 * 80 / 100 - 30 * 1024)) $(($1 * 1024))
	# RAM starts at 1 GiB and is in one piece.
	has "$T/text" "^40000000-$(printf %x $(((1 << 30) + ($1 << 20) - 1))) : System RAM"
}

test_memory_64_mib() { memory 64 64M; }
test_memory_odd_size() {
	slow
	memory 301 301M
}
test_memory_4_gib() { memory 4096 4G; }
test_memory_8_gib_more_than_the_host_has() { memory 8192 8G; }

cpus() { # N
	facts --cpus "$1"
	is "CPUs online" "$(fact cpus)" "$1"
	is "processors in /proc/cpuinfo" "$(section cpuinfo | grep -c '^processor')" "$1"
	is "columns of /proc/interrupts" "$(section interrupts | head -n1 | wc -w)" "$1"
}

test_cpus_2() { cpus 2; }
test_cpus_4() { cpus 4; }
test_cpus_8() {
	slow
	cpus 8
}

test_every_cpu_gets_timer_interrupts() {
	facts --cpus 4
	line=$(section interrupts | grep -i arch_timer)
	# shellcheck disable=SC2086 # fields
	set -- $line
	for n in "$2" "$3" "$4" "$5"; do
		[ "$n" -gt 0 ] || fail "a CPU had no timer interrupt: $line"
	done
}

# Lines that this kernel has for any machine, and one that an emulated host earns by its slowness.
nothing_to_complain_of() {
	[ "$(section log | wc -l)" -gt 50 ] || fail "the guest has no log"
	section warnings | grep -vE -e 'cache hierarchy' -e 'hrtimer: interrupt took' >"$T/complaints" || true
	[ ! -s "$T/complaints" ] || { cat "$T/complaints"; fail "warnings in the guest's log"; }
}

test_kernel_has_nothing_to_complain_of() {
	facts
	nothing_to_complain_of
}

test_kernel_on_four_cpus_has_nothing_to_complain_of() {
	facts --cpus 4
	nothing_to_complain_of
}

test_device_tree_raises_no_complaint() {
	facts
	section log >"$T/log.guest"
	lacks "$T/log.guest" '(OF|of_|FDT|fdt|DT): .*(fail|invalid|bad|missing|error|cannot|malformed)'
	lacks "$T/log.guest" '(Invalid|Malformed|Duplicate|duplicate) .*(node|property|device tree|name)'
	lacks "$T/log.guest" 'probe of .* failed|error -?[0-9]+'
	has "$T/log.guest" 'Machine model:'
}

test_kernel_takes_its_seeds_from_the_device_tree() {
	facts
	section log >"$T/log.guest"
	lacks "$T/log.guest" 'KASLR disabled'
	# Ready at time 0 is what only a seed given at boot can do.
	has "$T/log.guest" '\[ +0\.000000\] random: crng init done'
}

test_devices_are_where_the_map_says() {
	facts
	section iomem >"$T/iomem"
	has "$T/iomem" '09000000-09000fff : .*pl011|9000000.*uart'
	has "$T/iomem" '09010000-09010fff : .*(pl031|rtc)'
	has "$T/iomem" '09030000-09030fff : .*(pl061|gpio)'
	section tree >"$T/tree"
	has "$T/tree" '^(pl011|serial|uart)@9000000$'
	has "$T/tree" '^psci$'
	has "$T/tree" '^timer$'
}

test_clock_is_the_architected_counter() {
	facts
	is "clock source" "$(fact clocksource)" arch_sys_counter
}

test_rtc_is_the_host_clock() {
	facts
	between "RTC of the guest" "$(fact rtc)" "$(fact before)" "$(fact after)"
	case $(fact rtc_name) in *pl031*) ;; *) fail "the RTC is '$(fact rtc_name)'" ;; esac
}

test_psci_is_1_x_by_hvc() {
	facts
	section log >"$T/log.guest"
	has "$T/log.guest" 'psci: PSCIv1\.[0-9]+ detected in firmware'
	lacks "$T/log.guest" 'psci: .*(fail|not supported)'
}

test_nothing_from_vmm_but_the_guest() {
	facts
	[ ! -s "$facts.err" ] || fail "vmm said: $(cat "$facts.err")"
}

test_user_command_line_reaches_the_guest_as_it_is() {
	facts
	is "command line" "$(fact cmdline)" "console=ttyAMA0 quiet vmmtest=script"
}

test_hugepages_where_the_host_has_some() {
	[ "$(id -u)" = 0 ] || skip "reserving huge pages takes root"
	[ -d /sys/kernel/mm/hugepages/hugepages-2048kB ] || skip "this host has no 2 MiB huge pages"
	echo 70 >/proc/sys/vm/nr_hugepages
	got=$(cat /proc/sys/vm/nr_hugepages)
	[ "$got" -ge 64 ] || { echo 0 >/proc/sys/vm/nr_hugepages; skip "the host could only reserve $got"; }
	guest_script <<-'G'
		echo hello
	G
	boot --mem 128M --hugepages
	echo 0 >/proc/sys/vm/nr_hugepages
	is "exit status" "$status" "$OFF"
	has "$T/text" '^hello$'
}

test_hugepages_where_the_host_has_none() {
	[ "$(cat /proc/sys/vm/nr_hugepages 2>/dev/null)" = 0 ] || skip "this host has huge pages reserved"
	run_vmm run --kernel "$IMAGE" --hugepages
	is "exit status" "$status" "$FAILED"
	one_sentence 'huge'
}

test_pinned_vcpu_stays_on_its_host_cpu() {
	[ "$(nproc)" -ge 2 ] || skip "this host has one CPU"
	guest_script <<-'G'
		echo ready
		sleep 30
	G
	start_guest --pin 1
	wait_for '^ready'
	on=$(cat "/proc/$(inner)"/task/*/status | grep -c '^Cpus_allowed_list:[^0-9]*1$')
	is "threads bound to host CPU 1" "$on" 1
	kill -KILL "$pid"
}

# --- guests with other kernels --------------------------------------------------------------------

other_kernel() { # NAME
	kernel=$LAB/kernel/Image-$1
	[ -e "$kernel" ] || skip "the kernel $1 is not in this payload"
}

# It boots on two CPUs, likes what it finds, and powers off.
likes_the_machine() { # RELEASE OPTION...
	release=$1
	shift
	facts --cpus 2 "$@"
	case $(fact release) in "$release"*) ;; *) fail "the guest is Linux $(fact release)" ;; esac
	is "processors in /proc/cpuinfo" "$(section cpuinfo | grep -c '^processor')" 2
	is "clock source" "$(fact clocksource)" arch_sys_counter
	section log >"$T/log.guest"
	has "$T/log.guest" 'psci: PSCIv1\.[0-9]+ detected in firmware'
	nothing_to_complain_of
	[ ! -s "$facts.err" ] || fail "vmm said: $(cat "$facts.err")"
}

test_linux_6_12() {
	other_kernel 6.12
	likes_the_machine 6.12.
}

test_linux_7_2() {
	other_kernel 7.2
	likes_the_machine 7.2.
}

test_linux_of_32_bits() {
	slow
	[ "$(doctor aarch32 ok)" = true ] || skip "this host's CPU has no AArch32 at EL1"
	other_kernel 6.1-armmp
	GUEST=$LAB/guest-armhf.cpio
	likes_the_machine 6.1. --cpu aarch32=on
	section cpuinfo >"$T/cpuinfo"
	has "$T/cpuinfo" '^model name.*ARMv7 Processor .*\(v7l\)'
}
