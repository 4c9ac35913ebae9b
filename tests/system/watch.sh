# shellcheck shell=sh
# --watch: who touches these bytes of the guest's memory, and that nobody else notices.

hits() { # FILE: how many accesses of vCPUs it reports
	grep -c '^vmm: watch: vCPU ' "$1" || true
}

# The guest compares each instruction with the same one elsewhere, and says how many hits it made.
test_every_instruction_does_what_it_does_elsewhere() {
	slow
	limit=${LIMIT:-300}
	run_vmm run --kernel "$LAB/kernel/guest-watch" --mem 64M --cpus 4 \
		--watch 0x42000108+16:rw --watch 0x42100108+16
	is "exit status" "$status" "$OFF"
	has "$T/text" '^# failed 0$'
	lacks "$T/text" '^not ok'
	# Without SVE and without atomics there are fewer.
	[ "$(grep -c '^ok' "$T/text")" -ge 280 ] || fail "the guest did not do all it should"
	has "$T/text" '^# vCPUs 4$'
	has "$T/err" "^vmm: watch: [0-9,]* accesses, reported above$"
	# What follows the guest's last word on hits is the counting together on words that are read.
	first=$(awk '/^vmm:   watched/ { n++; if ($3 ~ /0x42100108/) last = n } END { print last }' "$T/err")
	is "hits up to the last at what is watched for writes" "$first" \
		"$(sed -n 's/^# hits //p' "$T/text" | tail -n1)"
}

# Pairs of exclusives, interrupts, exceptions and what PSTATE shows, where each instruction is stepped.
code() { # CPUS
	limit=${LIMIT:-200}
	run_vmm run --kernel "$LAB/kernel/guest-watch-code" --mem 64M --cpus "$1" --watch 0x42300000+4:r
	is "exit status" "$status" "$OFF"
	has "$T/text" '^ok .*code runs as it does elsewhere in what is watched$'
	has "$T/text" '^ok .*vCPUs get on beside one that waits in what is watched$'
	has "$T/text" '^# failed 0$'
	is "fetches of the watched instruction" "$(grep -c \
		'^vmm: watch: vCPU . fetched an instruction from 0x42300000, which is watched' "$T/err")" "$1"
}

test_code_in_a_watched_page_on_one_vcpu() {
	code 1
}

test_code_in_a_watched_page_on_four_vcpus() {
	slow
	code 4
}

# The waits of those who let others go first, and who are alone, go on when vmm does.
test_vmm_that_is_stopped_and_continued_goes_on() {
	start vmm run --kernel "$LAB/kernel/guest-watch-code" --mem 64M --cpus 4 --watch 0x42300000+4:r
	_n=0 _stops=0
	until _in=$(inner) && [ "$_in" != "$pid" ] || [ $_n -gt 50 ]; do
		_n=$((_n + 1))
		sleep 0.01
	done
	while kill -STOP "$_in" 2>/dev/null; do
		sleep 0.01
		! grep -q '^State:.*T' "/proc/$_in/status" 2>/dev/null || _stops=$((_stops + 1))
		kill -CONT "$pid" 2>/dev/null || break
		sleep 0.02
	done
	wait_end
	[ $_stops -gt 3 ] || fail "it was stopped $_stops times"
	is "exit status" "$status" "$OFF"
	has "$T/text" '^# failed 0$'
}

test_report_says_who_what_and_from_where() {
	run_vmm run --kernel "$LAB/kernel/guest-watch" --mem 64M --watch 0x42100108+4:w,stop
	is "exit status" "$status" 6
	is "number of reports" "$(hits "$T/err")" 1
	has "$T/err" '^vmm: watch: vCPU 0 wrote 8 bytes, and 4 of them to 0x42100108, which is watched\.$'
	has "$T/err" '^vmm:   instruction      str x'
	has "$T/err" '^vmm:   watched          0x42100108\+4:w,stop$'
	has "$T/err" '^vmm:   value            0x00000000 -> 0xc5d6e8f8$'
	has "$T/err" '^vmm:   called from      0x4'
	has "$T/err" '^vmm: watch: 1 access, reported above$'
	has "$T/err" '^vmm: stopped at an access to what is watched$'
}

test_the_document_shows_what_is_reported() {
	[ -e "$LAB/fault-capture.md" ] || skip "the document is not in this payload"
	run_vmm run --kernel "$LAB/kernel/demo" --mem 64M --watch 0x40002018+8:w
	sed -n '/^    vmm: watch: /,/^[^ ]/ { s/^    //p; }' "$LAB/fault-capture.md" | grep '^vmm:' >"$T/block"
	is "lines in the document" "$(wc -l <"$T/block")" 8
	while IFS= read -r line; do
		grep -qxF -- "$line" "$T/err" || fail "not in the output: $line"
	done <"$T/block"
}

test_range_outside_ram_is_refused() {
	run_vmm run --kernel "$LAB/kernel/guest-watch" --mem 64M --watch 0x43fffff8+16
	is "exit status" "$status" "$FAILED"
	one_sentence 'watch 0x43fffff8\+16: .* not all in RAM'
}

test_unknown_symbol_is_refused() {
	run_vmm run --kernel "$IMAGE" --watch sym:no_such_symbol+8
	is "exit status" "$status" "$FAILED"
	one_sentence 'watch sym:no_such_symbol\+8: no symbol'
}

# Not every distribution's kernel has names for its data (CONFIG_KALLSYMS_ALL).
names_data() {
	[ "$status" != "$FAILED" ] || ! grep -q 'no symbol of that name' "$T/err" ||
		skip "this kernel has no names for its data"
}

# The guest writes a variable of its kernel by a file whose writer is known.
test_variable_of_a_stock_kernel() {
	slow
	[ ! -e "$LAB/kernel/Image-6.12" ] || kernel=$LAB/kernel/Image-6.12
	guest_script <<-'G'
		echo 77 >/proc/sys/vm/swappiness
		cat /proc/sys/vm/swappiness
	G
	boot --watch sym:vm_swappiness+4:w --fault-log "$T/log"
	names_data
	is "exit status" "$status" "$OFF"
	has "$T/text" '^77$'
	is "number of reports" "$(hits "$T/err")" 1
	has "$T/err" '^vmm: watch: vCPU 0 wrote 4 bytes to 0x[0-9a-f]*, which is watched\.$'
	has "$T/err" '^vmm:   pc  .* (do_proc_dointvec|proc_dointvec|__do_proc_dointvec)'
	has "$T/err" '^vmm:   watched          sym:vm_swappiness\+4:w$'
	has "$T/err" '^vmm:   value            0x0000003c -> 0x0000004d$'
	has "$T/err" '^vmm:   virtual address  0xffff[0-9a-f]* vm_swappiness\+0x0'
	has "$T/err" ' proc_sys_call_handler\+'
	has "$T/log" '"cause":"watched".*"old_value":"0x0000003c"'
}

added_up() { # REST: the numbers in the lines that say "N access" and that
	sed -n "s/^vmm: watch: \([0-9,]*\) access$1\$/\1/p" "$T/err" | tr -d , |
		awk '{ n += $1 } END { print n + 0 }'
}

# Nobody reads what vmm writes until the guest is through: it must get there nevertheless.
test_what_cannot_be_written_in_time_is_counted_and_nobody_waits() {
	mkfifo "$T/pipe"
	: >"$T/out"
	{
		until grep -q '^# syndromes' "$T/out" || [ -e "$T/over" ]; do sleep 1; done
		cat
	} <"$T/pipe" >"$T/err" &
	status=0
	timeout -s KILL "$limit" vmm run --kernel "$LAB/kernel/faults" --mem 64M \
		--cmdline faults=aarch32-ram --watch 0x43fff800+32:rw --fault-log "$T/log" \
		</dev/null >"$T/out" 2>"$T/pipe" || status=$?
	: >"$T/over"
	wait
	is "exit status" "$status" "$OFF"
	grep -q '^ok .*AArch32 EL0' "$T/out" || skip "this host's CPU has no AArch32"
	more=$(added_up '[es]* more, not written: they came too fast')
	total=$(added_up 'es; [0-9,]* reported above')
	between "accesses" "$total" 1000 100000
	between "of them not written" "$more" 100 "$total"
	is "accesses in all" "$total" $(($(hits "$T/err") + more))
	is "reports in the log" "$(grep -c '"cause":"watched"' "$T/log")" "$(hits "$T/err")"
	has "$T/log" "^[{]\"summary\":.*\"watched\":$total,\"watched_not_written\":$more,"
}
