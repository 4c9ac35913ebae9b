# shellcheck shell=sh
# What the guest feels when nothing answers.

test_unclaimed_access_is_an_external_abort() {
	run_vmm run --kernel "$LAB/kernel/bare-abort" --mem 64M
	is "exit status" "$status" "$OFF"
	has "$T/text" '^aborts 4$'
	[ ! -s "$T/err" ] || fail "vmm says something: $(cat "$T/err")"
}
