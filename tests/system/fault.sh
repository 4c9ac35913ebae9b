# shellcheck shell=sh
# What the guest feels when an access goes wrong, and what is said about it. Most is decided in the guest
# of tests/guest/faults, which says it in TAP; a test that hangs is one where the guest never goes on.

limit=${LIMIT:-100}

# Runs that guest: NAME is what it is to do.
faults() { # NAME OPTION...
	_job=$1
	shift
	run_vmm run --kernel "$LAB/kernel/faults" --mem 64M --rom "$LAB/faults-rom@0x0c000000" \
		--rom "$LAB/faults-rom@0x09008000" --cmdline "faults=$_job" "$@"
	grep -A4 -E '^(# failed: |not ok |Bail out)' "$T/text" | grep -v '^ok ' | head -n 25
	true
}

# All cases came out as they must.
all_ok() {
	is "exit status" "$status" "$OFF"
	! grep -qE '^(not ok|Bail out)' "$T/text" ||
		fail "$(grep -c '^not ok' "$T/text") of the guest's tests"
	has "$T/text" '^ok '
	is "plan" "$(sed -n 's/^1\.\.//p' "$T/text")" "$(grep -c '^ok ' "$T/text")"
}

# vmm counted this many faults.
counted() { # NUMBER
	if [ "$1" = 0 ]; then
		lacks "$T/err" '^vmm: faults: '
	else
		is "faults that vmm counted" \
			"$(sed -n 's/^vmm: faults: \([0-9,]*\) in all.*/\1/p' "$T/err" | tr -d ,)" "$1"
	fi
}

as_many_as_the_guest_saw() {
	counted "$(sed -n 's/^# faults //p' "$T/text")"
}

test_every_bad_access_is_the_abort_of_the_manual() {
	faults all
	all_ok
	as_many_as_the_guest_saw
}

test_bad_accesses_of_32_bit_programs_are_aborts_too() {
	faults aarch32
	all_ok
	as_many_as_the_guest_saw
}

# Its A32 and T32 instructions are not taken for those of A64 that their words are.
test_what_32_bit_programs_do_in_watched_memory_is_done_as_elsewhere() {
	faults aarch32-ram --watch 0x43fff800+4:rw --fault-log "$T/json"
	all_ok
	grep -q '^ok .*AArch32 EL0$' "$T/text" || skip "this host's CPU has no AArch32"
	has "$T/err" '^vmm: watch: [0-9,]* accesses, reported above$'
	has "$T/json" '"insn_text":"ldmia r1!, [{]r2, r3[}]"|"insn_text":"ldm r1!, [{]r2, r3[}]"'
	has "$T/json" '"exits":\[[^]]*"access to a page that is watched"'
}

# What each line says is told in abort32.S.
test_bad_accesses_of_a_32_bit_kernel_are_aborts_too() {
	[ "$(doctor aarch32 ok)" = true ] || skip "this host's CPU has no AArch32 at EL1"
	run_vmm run --kernel "$LAB/kernel/bare-abort32" --mem 256M --cpu aarch32=on \
		--rom "$LAB/faults-rom@0x0c000000"
	is "exit status" "$status" "$OFF"
	cat >"$T/want" <<-'END'
		A d 00000008 0a000040 00000008 00000022 00000033 0a000040
		B d 00000808 0a000040 00000008 00000022 00000033 0a000040
		C d 00000008 0a000040 00000008 00000022 00000033 0a000040
		D d 00000808 0a000038 00000008 00000022 00000033 0a000040
		E d 00000008 0a000048 00000008 00000022 00000033 0a000040
		F d 00000808 0a000038 00000008 00000022 00000033 0a000040
		G 00000011 00000010 09000fe0
		H 00000014 00000000 09000fe0
		I 00000011 00000010 09000fe8
		T 00000022 00000033 09000fe8
		U 00000011 00000010 09000fe0
		V d 00000001 09000fe4 00000008 00000022 00000033 09000fe4
		J d 00000405 09000fe0 00000008 00000022 00000033 09000fe0
		K d 00000808 0c000040 00000008 00000022 00000033 0c000040
		Q d 00000808 0c000040 00000008 00000022 00000033 0c000040
		R d 00000808 0c000040 00000008 00000022 00000033 0c000040
		S 3e673ccd 526b7071 0c000040
		L f 00000008 0a000040 00000004 00000022 00000033 0a000040
		M 00000022 00000033 80000000
		N d 00000210 0a000040 00000008 00000022 00000033 0a000040
		O d 00000235 09000fe0 00000008 00000022 00000033 09000fe0
		P d 00000a10 0a000040 00000008 00000022 00000033 0a000040
	END
	grep '^[A-Z] ' "$T/text" >"$T/got"
	diff "$T/want" "$T/got" || fail "+ is what the guest said, - what it should have"
	counted 13 # of the 14: KVM itself aborts the fetch
}

test_first_walk_far_above_ram_aborts() {
	faults first
	all_ok
}

test_address_translation_through_a_hole_aborts() {
	faults translate
	all_ok
}

test_beside_a_page_that_is_read_often_all_is_still_captured() {
	faults opened
	all_ok
	as_many_as_the_guest_saw
}

# --- the report -----------------------------------------------------------------------------------

# The lines that begin with "want" in what the guest said are those of the reports, walks among them if @1.
report_agrees() { # WALKS
	grep '^want ' "$T/text" >"$T/want"
	awk -v walks="${1:-}" '
		function field(name,	at) {
			at = index($0, "\"" name "\":\"")
			if (!at)
				return "?"
			at = substr($0, at + length(name) + 4)
			return substr(at, 1, index(at, "\"") - 1)
		}
		function walk(	rest, all, step) {
			rest = $0
			while (match(rest, /"level":[0-9-]*,"at":"[0-9a-fx]*"(,"descriptor":"[0-9a-fx]*")?/)) {
				step = substr(rest, RSTART + 8, RLENGTH - 8)
				rest = substr(rest, RSTART + RLENGTH)
				sub(/,"at":"/, ":", step)
				sub(/","descriptor":"/, "=", step)
				sub(/"/, ",", step)
				all = all step
			}
			return all
		}
		/"state":/ {
			print "want pc=" field("pc") " ipa=" field("ipa") " va=" field("va") \
				" access=" field("access") " cause=" field("cause") \
				(walks ? " walk=" walk() : "")
		}' "$T/json" >"$T/got"
	diff "$T/want" "$T/got" || fail "the report differs: + is what it has, - what it should have"
}

test_report_agrees_with_the_guest() {
	faults log --fault-log "$T/json"
	is "exit status" "$status" "$OFF"
	report_agrees
	between "number of cases" "$(wc -l <"$T/want")" 40 68
	grep -q '"aarch32":true' "$T/json" || return 0
	has "$T/json" '"insn":"0xe9b1004c","insn_text":"ldmib r1!, {r2, r3, r6}"'
	has "$T/json" '"insn":"0xe9612302","insn_text":"strd r2, r3, \[r1, #-8\]!"'
}

# The store begins in a hole that takes it, so it does not "end outside" of anything.
test_report_says_read_only_where_a_store_ends_in_rom() {
	faults log-rom --hole 0x0bfff000+0x1000=zero --fault-log "$T/json"
	is "exit status" "$status" "$OFF"
	report_agrees
	is "number of cases" "$(wc -l <"$T/want")" 3
}

test_report_has_the_walk_of_every_granule() {
	faults granules --fault-log "$T/json"
	all_ok
	as_many_as_the_guest_saw
	report_agrees walks
	between "number of cases" "$(wc -l <"$T/want")" 15 60
}

test_report_has_one_sentence_for_a_person() {
	faults stop
	is "exit status" "$status" "$OFF"
	has "$T/err" '^vmm: fault: vCPU 0 read 4 bytes from 0x0a000000, where nothing is\.$'
	has "$T/err" '^vmm: faults: 1 in all, reported above$'
}

# --- policies -------------------------------------------------------------------------------------

test_stop_policy_ends_at_the_access() {
	faults stop --unclaimed stop
	is "exit status" "$status" 6
	is "number of reports" "$(grep -c '^vmm: fault: ' "$T/err")" 1
	counted 1
}

test_holes_can_read_as_zeroes() {
	faults zero --unclaimed zero
	all_ok
}

test_holes_can_read_as_ones() {
	faults ones --unclaimed ones
	all_ok
}

test_ranges_have_policies_of_their_own() {
	faults ranges --hole 0xa000000+0x800=ones --hole 0xa002000+0x1000=zero
	all_ok
	as_many_as_the_guest_saw
}

test_range_can_be_an_abort_among_zeroes() {
	faults stop --unclaimed zero --hole 0xa000000+0x1000=stop
	is "exit status" "$status" 6
}

test_what_only_memory_can_do_comes_to_an_end_in_holes_and_rom() {
	limit=20
	faults zero-odd --unclaimed zero
	all_ok
}

test_what_a_device_refuses_has_the_value_of_holes() {
	limit=20
	faults ones-device --unclaimed ones
	all_ok
}

test_ram_before_a_hole_with_a_value_is_ram() {
	limit=20
	faults ones-straddle --unclaimed ones
	all_ok
}

# --- where a CPU can never go on ------------------------------------------------------------------

locks_up() { # NAME
	limit=20
	faults "$1"
	is "exit status" "$status" 7
	has "$T/err" '^vmm: vCPU 0 can never go on: '
}

test_vector_in_a_hole_is_a_lockup() {
	locks_up lockup-abort
	has "$T/err" '^vmm: fault: vCPU 0 fetched an instruction from 0x0a000200, where nothing is\.$'
	counted 2
}

test_vector_in_a_hole_is_a_lockup_for_the_guests_own_exceptions() {
	locks_up lockup-own
	counted 1
}

test_vector_far_above_ram_is_a_lockup() {
	locks_up lockup-far
}

test_vector_far_above_ram_is_a_lockup_for_the_guests_own_exceptions() {
	locks_up lockup-far-own
}

test_vector_in_a_device_is_a_lockup() {
	locks_up lockup-device
}

test_tables_in_a_hole_are_a_lockup() {
	locks_up lockup-tables
}

test_tables_far_above_ram_are_a_lockup() {
	locks_up lockup-tables-far
}

# --- what KVM settles by itself, and vmm sees later -------------------------------------------------

test_fetch_from_a_device_is_seen_at_the_end() {
	faults fetch-device --fault-log "$T/json"
	all_ok
	counted 1
	has "$T/err" '^vmm: fault: vCPU 0 fetched an instruction from 0x09010040, where pl031 is'
	has "$T/err" '^vmm:   vmm did          nothing: KVM injected an external abort by itself; seen later$'
	has "$T/err" '^vmm:                    ESR 0x(ffffffff)?86000010: Instruction Abort from EL1, synchronous External'
	has "$T/json" '"cause":"not-for-device","action":"by-kvm".*"pc":"0xffffff0000008040".*"esr":"0x(ffffffff)?86000010"'
	lacks "$T/err" 'called from|exits before'
}

test_fetch_by_tables_in_a_device_is_seen_at_the_end() {
	faults fetch-by-device --fault-log "$T/json"
	all_ok
	counted 1
	has "$T/err" "^vmm: fault: vCPU 0 .*0x09010000, where pl031 is: this works on memory only"
	has "$T/json" '"cause":"not-for-device","action":"by-kvm","walk":true'
}

test_fetch_from_a_device_is_seen_while_the_guest_spins() {
	start vmm run --kernel "$LAB/kernel/faults" --mem 64M --cmdline faults=fetch-device-spin
	wait_for '^# spins'
	wait_for '^vmm: fault: vCPU 0 fetched an instruction from 0x09010040, where pl031 is' "$T/err"
	end_by_force
	counted 1
}

test_fetch_from_a_device_is_seen_before_what_comes_next() {
	faults fetch-device-read
	counted 2
	is "reports" "$(sed -n 's/^vmm: fault: vCPU 0 \(.*\) from 0x\([0-9a-f]*\),.*/\1 \2/p' "$T/err" | tr '\n' ' ')" \
		"fetched an instruction 09010040 read 4 bytes 0a000000 "
}

test_stop_policy_ends_where_a_bad_fetch_is_seen() {
	for _guest in fetch-device-read fetch-device; do
		faults $_guest --unclaimed stop
		is "exit status" "$status" 6
		counted 1
		has "$T/err" '^vmm: fault: vCPU 0 fetched an instruction from 0x09010040, where pl031 is'
	done
}

# It is seen when the vCPU is stopped, because another one has the machine powered off, or reset.
test_bad_fetch_that_is_seen_last_counts() {
	for _how in abort stop; do
		for _order in o r; do
			start vmm run --kernel "$LAB/kernel/bare-fetch" --mem 16M --cpus 2 --unclaimed $_how --on-reset exit
			wait_for '^ready'
			echo $_order >&7
			wait_end
			case $_how$_order in
			stop*) is "exit status at order $_order" "$status" 6 ;;
			aborto) is "exit status" "$status" "$OFF" ;;
			abortr) is "exit status" "$status" "$RESET" ;;
			esac
			counted 1
			has "$T/err" '^vmm: fault: vCPU 1 fetched an instruction from 0x09010040, where pl031 is'
			has "$T/err" '^vmm:                    FAR 0x09010040, ELR 0x09010040$'
		done
	done
	# The reset itself, not the end: the guest does not come up again.
	start vmm run --kernel "$LAB/kernel/bare-fetch" --mem 16M --cpus 2 --unclaimed stop
	wait_for '^ready'
	echo r >&7
	wait_end
	is "exit status where resets are followed" "$status" 6
	is "starts" "$(grep -c '^ready' "$T/text")" 1
}

test_first_fetch_far_above_ram_is_seen() {
	faults fetch-far
	all_ok
	counted 1
	has "$T/err" '^vmm: fault: vCPU 0 fetched an instruction from 0x300000040, where nothing is'
}

test_fetch_where_nothing_is_to_be_told_is_not() {
	faults fetch-far --hole 0x300000000+64K=zero
	all_ok
	counted 0
	[ ! -s "$T/err" ] || fail "vmm says: $(cat "$T/err")"
}

# --- storms ---------------------------------------------------------------------------------------

# Bare metal: a Linux guest takes ten times as long for each (see reaction.sh).
test_million_faults_of_four_vcpus_are_counted_and_told_in_few_words() {
	slow
	limit=${LIMIT:-280}
	run_vmm run --kernel "$LAB/kernel/guest-storm" --mem 64M --cpus 4 --fault-log "$T/log"
	is "exit status" "$status" "$OFF"
	has "$T/text" '^aborts 1000000$'
	counted 1000000
	has "$T/err" '^vmm: .*vCPU 0: 250,000, vCPU 1: 250,000, vCPU 2: 250,000, vCPU 3: 250,000$'
	between "lines on stderr" "$(wc -l <"$T/err")" 8 300
	between "bytes of the log" "$(wc -c <"$T/log")" 1000 65536
}
