# shellcheck shell=sh
# The kernel's own record of each fault in stage 2 (its event kvm:kvm_guest_fault) is the referee of
# what vmm reports: referee.c compares the two, fact by fact, and the numbers.

TRACING=/sys/kernel/tracing
EVENT=events/kvm/kvm_guest_fault

# What the machine has below RAM: the GIC, UART, RTC, GPIO, stolen time, pvpanic.
devices='0x08000000+0x1000000 0x09000000+0x1000 0x09010000+0x1000 0x09030000+0x1000
	0x090a0000+0x10000 0x09100000+0x1000'

# A trace of its own, of this test and the processes it starts: $trace.
trace_begins() { # MIB of guest memory
	ram="0x40000000+$(($1 << 20))"
	[ "$(id -u)" = 0 ] || skip "reading the kernel's trace takes root"
	[ -d $TRACING/instances ] || mount -t tracefs nodev $TRACING || skip "this host has no tracefs"
	[ -d $TRACING/$EVENT ] || skip "this host's kernel has no event kvm_guest_fault"
	trace=$TRACING/instances/vmm-referee
	! [ -d "$trace" ] || rmdir "$trace"
	mkdir "$trace" || skip "no trace of our own can be made here"
	echo 8192 >"$trace"/buffer_size_kb
	echo 1 >"$trace"/options/event-fork
	echo $$ >"$trace"/set_event_pid
	# Not the guest's memory being filled with pages, which is most of it.
	echo "ipa < 0x40000000 || ipa >= $((0x40000000 + ($1 << 20)))" >"$trace"/$EVENT/filter
	echo 1 >"$trace"/$EVENT/enable
}

# Leaves the records in $T/trace.
trace_ends() {
	echo 0 >"$trace"/$EVENT/enable
	cat "$trace"/trace >"$T/trace"
	cat "$trace"/per_cpu/cpu*/stats >"$T/stats"
	rmdir "$trace"
	grep -E '^(overrun|commit overrun|dropped events): [1-9]' "$T/stats" &&
		fail "the trace lost events"
	[ "$(grep -c '^entries:' "$T/stats")" -ge 1 ] || fail "the trace tells nothing of lost events"
}

# Runs vmm with these options, and the kernel must have seen what vmm says; $judged reports in all.
judged=0
judged() { # MIB OPTION...
	mib=$1
	shift
	trace_begins "$mib"
	rm -f "$T/faults"
	run_vmm run --mem "${mib}M" --fault-log "$T/faults" "$@"
	trace_ends
	# shellcheck disable=SC2086 # a list
	referee "$T/faults" "$T/trace" $devices $ram || fail "vmm and the kernel differ"
	judged=$((judged + $(grep -c '^[{]"text"' "$T/faults" || true)))
}

# --- bare-metal guests ----------------------------------------------------------------------------

test_bare_guest_is_reported_as_the_kernel_saw_it() {
	judged 64 --kernel "$LAB/kernel/bare-abort"
	is "number of reports" "$judged" 4
}

# The guest of fault.sh, asked for NAME.
judged_faults() { # NAME OPTION...
	[ -e "$LAB/kernel/faults" ] || skip "there is no guest that tries all"
	job=$1
	shift
	echo "== $job"
	devices="$devices 0x0c000000+0x10000 0x09008000+0x8000"
	judged 64 --kernel "$LAB/kernel/faults" --rom "$LAB/faults-rom@0x0c000000" \
		--rom "$LAB/faults-rom@0x09008000" --cmdline "faults=$job" "$@"
}

test_each_kind_of_access_is_reported_as_the_kernel_saw_it() {
	judged_faults log
	[ "$judged" -ge 40 ] || fail "there were only $judged reports to judge"
}

test_hundreds_of_accesses_are_reported_as_the_kernel_saw_them() {
	slow
	judged_faults all
	[ "$judged" -ge 100 ] || fail "there were only $judged reports to judge"
}

test_what_gets_no_abort_is_reported_as_the_kernel_saw_it() {
	for policy in zero ones stop; do
		echo "== --unclaimed $policy"
		judged 64 --kernel "$LAB/kernel/bare-abort" --unclaimed $policy
	done
	[ "$judged" -ge 9 ] || fail "there were only $judged reports to judge"
}

# A fetch, a walk, a store to read-only memory and an access that begins in RAM are among these.
test_demo_is_reported_as_the_kernel_saw_it() {
	echo "read-only memory" >"$T/rom"
	devices="$devices 0x04000000+0x1000"
	judged 64 --kernel "$LAB/kernel/demo" --rom "$T/rom@0x04000000"
	is "number of reports" "$judged" 7
	for fact in '"access":"fetch"' '"walk":true' '"cause":"read-only"' '"cause":"ends-outside"'; do
		has "$T/faults" "$fact"
	done
}

# The same run, with the log changed: the referee is worth something only if it finds that.
lie() { # SED-SCRIPT
	echo "== $1"
	sed "$1" "$T/faults" >"$T/lies"
	! cmp -s "$T/faults" "$T/lies" || fail "nothing was changed"
	code=0
	# shellcheck disable=SC2086 # a list
	referee "$T/lies" "$T/trace" $devices $ram || code=$?
	is "status of the referee" "$code" 1
}

test_referee_finds_each_lie() {
	judged 64 --kernel "$LAB/kernel/bare-abort"
	lie '2 s/"access":"write"/"access":"read"/'
	lie '1 s/"access":"read"/"access":"fetch"/'
	lie '1 s/"walk":false/"walk":true/'
	lie '1 s/"el":1/"el":0/'
	lie '4 s/"size":8/"size":4/'
	lie '1 s/"pc":"0x\([0-9a-f]*\)0"/"pc":"0x\14"/'
	lie '1 s/"ipa":"0xa000000"/"ipa":"0xa001000"/'
	lie '1 s/"va":"0xa000000"/"va":"0xa000004"/'
	lie '1 s/"far":"0xa000000"/"far":"0xa000004"/'
	lie '1 s/"elr":"0x\([0-9a-f]*\)0"/"elr":"0x\14"/'
	lie '2 s/"esr":"0x96000050"/"esr":"0x96000010"/'
	lie '1 s/"va_source":"both"/"va_source":"disagree"/'
	lie '1 d'
	lie '1 d; s/"faults":4,"kinds":4,/"faults":3,"kinds":3,/; s/"json":4/"json":3/'
	lie 's/"faults":4,/"faults":5,/'
}

# --- Linux ----------------------------------------------------------------------------------------

judged_linux() { # OPTION...
	judged 512 --kernel "$kernel" --initrd "$initrd" --cmdline "console=ttyAMA0 $words" "$@"
}

test_process_is_reported_as_the_kernel_saw_it() {
	slow
	guest_script <<-'G'
		# Words and a byte, read and written, on several pages.
		for at in 0x10000000 0x10000ffc 0x20001234 0x3fffeff8; do
			busybox devmem $at 32
			busybox devmem $at 8 1
			busybox devmem $at 64
		done
		echo "done"
	G
	judged_linux
	has "$T/text" '^done'
	has "$T/faults" '^[{]"summary":[{]"faults":12,'
	[ "$judged" -ge 4 ] || fail "there were only $judged reports to judge"
}

test_kernel_is_reported_as_the_kernel_saw_it() {
	slow
	# shellcheck source=/dev/null
	. "$LAB/system/reaction.sh"
	tree_with_a_ghost "$T/ghost.dtb"
	words=panic=-1
	judged_linux --dtb "$T/ghost.dtb"
	is "exit status of vmm" "$status" "$PANIC"
	is "number of reports" "$judged" 1
}

test_storm_has_as_many_faults_as_the_kernel_saw() {
	slow
	mkdir -p "$T/add/tests"
	cp "$LAB/bin/holestorm" "$T/add/tests"
	guest_script <<-'G'
		/tests/holestorm 0x10000000 3000 2
	G
	judged_linux --cpus 2
	has "$T/text" '^caught 6000$'
	has "$T/faults" '^[{]"summary":[{]"faults":6000,'
}
