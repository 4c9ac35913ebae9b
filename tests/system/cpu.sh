# shellcheck shell=sh
# CPU features: what the host has is there, and can be switched off.

has_feature() { # NAME
	section cpuinfo | grep -m1 '^Features' | grep -qw "$1"
}

check_feature() { # CHECK FEATURE...: on by default where the host has it
	ok=$(doctor "$1" ok)
	shift
	facts
	for f; do
		if [ "$ok" = true ]; then
			has_feature "$f" || fail "the host offers $f, the guest has it not"
		else
			! has_feature "$f" || fail "the guest has $f, the host does not offer it"
		fi
	done
	[ "$ok" = true ] || skip "not offered by this host's KVM, and the guest has it not"
}

switched_off() { # CHECK OPTION FEATURE...
	[ "$(doctor "$1" ok)" = true ] || skip "this host's KVM has no $1"
	facts --cpu "$2"
	shift 2
	for f; do
		! has_feature "$f" || fail "the guest still has $f"
	done
}

refused_where_absent() { # CHECK KEY
	[ "$(doctor "$1" ok)" != true ] || skip "this host's KVM has $1"
	run_vmm run --kernel "$IMAGE" --cpu "$2=on"
	is "exit status" "$status" "$FAILED"
	one_sentence "$2"
}

test_sve() { check_feature sve sve; }
test_sve_off() {
	slow
	switched_off sve sve=off sve
}
test_sve_on_where_absent() { refused_where_absent sve sve; }

test_sve_length_limit() {
	slow
	[ "$(doctor sve ok)" = true ] || skip "this host's KVM has no sve"
	facts --cpu sve-max-bits=256
	has_feature sve || fail "no SVE"
	between "SVE vector bytes" "$(section sve | head -n1)" 16 32
	section log >"$T/log.guest"
	has "$T/log.guest" 'SVE: maximum available vector length (16|32) bytes per vector'
}

test_sve_lengths_of_two_cpus_agree() {
	slow
	[ "$(doctor sve ok)" = true ] || skip "this host's KVM has no sve"
	facts --cpu sve-max-bits=256 --cpus 2
	section log >"$T/log.guest"
	lacks "$T/log.guest" 'SVE: CPU1 has inconsistent|SANITY CHECK'
}

test_pointer_authentication() { check_feature pauth-address paca pacg; }
test_pointer_authentication_off() {
	slow
	switched_off pauth-address pauth=off paca pacg
}
test_mte() { check_feature mte mte; }
test_mte_off() { switched_off mte mte=off mte; }
test_mte_on_where_absent() { refused_where_absent mte mte; }

test_pmu() {
	[ "$(doctor pmu ok)" = true ] || skip "this host's KVM has no pmu"
	facts
	section pmu | grep -q 'pmuv3' || fail "no armv8_pmuv3 in the guest"
	section log >"$T/log.guest"
	has "$T/log.guest" 'hw perfevents: enabled with armv8_pmuv3.*counters available'
}

test_pmu_off() {
	slow
	[ "$(doctor pmu ok)" = true ] || skip "this host's KVM has no pmu"
	facts --cpu pmu=off
	! section pmu | grep -q pmuv3 || fail "there is a pmuv3 in the guest"
}

test_steal_time() {
	[ "$(doctor steal-time ok)" = true ] || skip "this host's KVM has no steal-time"
	facts
	section log >"$T/log.guest"
	has "$T/log.guest" 'using stolen time PV'
}

test_steal_time_off() {
	slow
	[ "$(doctor steal-time ok)" = true ] || skip "this host's KVM has no steal-time"
	facts --cpu steal-time=off
	section log >"$T/log.guest"
	lacks "$T/log.guest" 'using stolen time PV'
}

test_features_of_all_cpus_agree() {
	facts --cpus 4
	is "different feature lines" "$(section cpuinfo | grep '^Features' | sort -u | wc -l)" 1
	section log >"$T/log.guest"
	lacks "$T/log.guest" 'SANITY CHECK|Unsupported CPU feature variation'
}

test_unknown_feature_is_a_usage_error() {
	run_vmm run --kernel "$IMAGE" --cpu warp=on
	is "exit status" "$status" "$USAGE"
	has "$T/err" 'warp'
}
