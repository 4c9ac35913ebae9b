# shellcheck shell=sh
# The host's memory fails under the guest's: the guest of tests/guest/faults says which of its pages
# are to fail, and the host's kernel takes them away from vmm as it does when the machine reports a
# memory error. The guest must feel that for its own pages alone, and vmm must live.

how= # an option for poison

# Starts that guest, lets fail what it asks for, and waits for the end of it.
failing() { # NAME OPTION...
	[ "$LAB" = /lab ] || [ -n "${POISON:-}" ] ||
		skip "it takes some pages of memory from this machine until it restarts (POISON=1 does it)"
	[ "$(id -u)" = 0 ] || skip "taking memory away takes root"
	job=$1
	shift
	start vmm run --kernel "$LAB/kernel/faults" --mem 64M --cmdline "faults=$job" "$@"
	wait_for '^poison 0x'
	offsets=
	for at in $(sed -n 's/^poison //p' "$T/out" | tr -d '\r'); do
		offsets="$offsets $((at - 0x40000000))"
	done
	code=0
	# shellcheck disable=SC2086 # a list
	poison $how "$(inner)" $((64 << 20)) $offsets || code=$?
	[ $code != 2 ] || skip "this host's kernel lets no memory fail: no CONFIG_MEMORY_FAILURE"
	is "status of poison" "$code" 0
	printf x >&7
	wait_end
	is "exit status" "$status" "$OFF"
	! grep -E '^(not ok|# failed|Bail out|#  )' "$T/text" || fail "$(grep -c '^not ok' "$T/text") of the guest's tests"
	is "plan" "$(sed -n 's/^1\.\.//p' "$T/text")" "$(grep -c '^ok ' "$T/text")"
}

test_guest_gets_aborts_for_its_own_pages_and_lives() {
	failing poison --fault-log "$T/faults"
	is "faults that vmm counted" "$(sed -n 's/^[{]"summary":[{]"faults":\([0-9]*\),.*/\1/p' "$T/faults")" \
		"$(sed -n 's/^# faults //p' "$T/text")"
	has "$T/err" "^vmm: fault: vCPU 0 read [0-9]+ bytes from 0x40[0-9a-f]*, and the host's memory behind it failed\\.\$"
	lacks "$T/err" 'but 0x' # the two ways to the virtual address agree
	grep '^[{]"text"' "$T/faults" | grep -v '"cause":"host-memory"' && fail "another cause was reported"
	# What comes later may be counted only: reports are limited.
	for fact in '"access":"read"' '"walk":true'; do
		has "$T/faults" "$fact"
	done
}

test_what_failed_aborts_also_where_holes_have_a_value() {
	slow
	failing poison --unclaimed zero
}

test_reset_finds_memory_that_failed_and_replaces_it() {
	failing poison-reset
	is "number of pages that the guest has looked at after it" "$(grep -c '^ok ' "$T/text")" 2
}

# KVM_RUN fails with EFAULT, and nothing tells vmm where: it tries again for a while.
test_memory_that_the_host_does_not_give_is_an_abort() {
	slow
	how=-p
	failing denied
	is "faults that vmm counted" "$(sed -n 's/^vmm: faults: \([0-9]*\) in all.*/\1/p' "$T/err")" \
		"$(sed -n 's/^# faults //p' "$T/text")"
	has "$T/err" "^vmm: fault: vCPU 0 read [0-9]+ bytes from virtual address 0x[0-9a-f]+, and the host's memory behind it failed"
}
