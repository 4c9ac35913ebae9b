# shellcheck shell=sh
# The serial console: every back end, both ways, every byte.

# A text of that many bytes in $T/paste, its sum in $sum, and a guest that takes it as it is typed and
# says what it got.
paste_to_guest() { # BYTES
	i=0
	while [ $i -lt $(($1 / 60)) ]; do
		i=$((i + 1))
		echo "line $i: at least sixty bytes of text to paste into a guest, 0123456789"
	done | head -c "$1" >"$T/paste"
	is "bytes to paste" "$(wc -c <"$T/paste")" "$1"
	sum=$(md5sum <"$T/paste" | cut -d' ' -f1)
	guest_script <<-G
		stty raw -echo
		echo ready
		head -c $1 >/tmp/got
		stty sane
		echo "sum=\$(md5sum </tmp/got | cut -d' ' -f1)"
	G
}

test_paste_of_100_kib_arrives_whole() {
	slow
	paste_to_guest 102400
	start_guest
	wait_for '^ready'
	cat "$T/paste" >&7
	wait_for '^sum=' "$T/out"
	wait_end
	has "$T/text" "^sum=$sum\$"
}

test_paste_into_a_terminal_arrives_whole() {
	slow
	paste_to_guest 102400
	start ptyrun vmm run --kernel "$IMAGE" --initrd "$initrd" --cmdline "console=ttyAMA0 $words"
	wait_for '^ready'
	cat "$T/paste" >&7
	wait_for '^sum='
	wait_end
	has "$T/text" "^sum=$sum\$"
	has "$T/err" '^ptyrun: terminal restored'
}

test_output_is_byte_exact() {
	guest_script <<-'G'
		stty raw
		echo BEGIN
		head -c 32768 /bin/busybox
		stty sane
		echo
		echo "sum=$(head -c 32768 /bin/busybox | md5sum | cut -d' ' -f1)"
	G
	boots
	line=$(head -c 8000 "$T/out" | tr '\0' ' ' | grep -n '^BEGIN' | head -n1 | cut -d: -f1)
	got=$(tail -n +$((line + 1)) "$T/out" | head -c 32768 | md5sum | cut -d' ' -f1)
	has "$T/text" "^sum=$got\$"
}

test_output_to_a_slow_reader_is_whole() {
	slow
	guest_script <<-'G'
		i=0
		while [ $i -lt 1500 ]; do echo "line $i of the flood"; i=$((i + 1)); done
	G
	mkfifo "$T/slow"
	{ head -n 20; sleep 8; cat; } <"$T/slow" >"$T/got" &
	reader=$!
	status=0
	timeout -s KILL "$limit" vmm run --kernel "$IMAGE" --initrd "$initrd" --cmdline "console=ttyAMA0 $words" \
		</dev/null >"$T/slow" 2>"$T/err" || status=$?
	wait $reader
	is "exit status" "$status" "$OFF"
	tr -d '\r' <"$T/got" >"$T/text"
	is "lines" "$(grep -c 'of the flood' "$T/text")" 1500
}

# A shell's Ctrl-Z: the process stops, whatever its console is, and goes on when it is told to.
test_sigtstp_stops_vmm_without_a_terminal_too() {
	guest_script <<-'G'
		sleep 1000
	G
	start_guest --console null
	sleep 1
	kill -TSTP "$pid"
	state() { sed -n 's/^State:[^A-Z]*\([A-Z]\).*/\1/p' "/proc/$pid/status"; }
	n=0
	until [ "$(state)" = T ]; do
		n=$((n + 1))
		[ $n -lt 100 ] || fail "it is in state $(state) after SIGTSTP"
		sleep 0.1
	done
	kill -CONT "$pid"
	sleep 1
	[ "$(state)" != T ] || fail "it did not go on"
	end_by_force
}

test_console_null() {
	guest_script <<-'G'
		echo hello
	G
	boot --console null
	is "exit status" "$status" "$OFF"
	[ ! -s "$T/out" ] || fail "output: $(head -c 100 "$T/out")"
}

test_console_file() {
	guest_script <<-'G'
		echo hello
	G
	boot --console "file:$T/console"
	is "exit status" "$status" "$OFF"
	[ ! -s "$T/out" ] || fail "output on stdout as well"
	tr -d '\r' <"$T/console" >"$T/text"
	has "$T/text" '^hello$'
	has "$T/text" '^guest: end script 0$'
}

test_console_pty() {
	paste_to_guest 10000
	start_guest --console pty
	wait_for '/dev/pts/[0-9]+' "$T/err"
	tty=$(sed -n 's,.*\(/dev/pts/[0-9]*\).*,\1,p' "$T/err" | head -n1)
	[ -c "$tty" ] || fail "$tty is no terminal"
	stty -F "$tty" raw -echo
	cat "$tty" >"$T/screen" &
	echo $! >>"$T/pids"
	wait_for '^ready' "$T/screen"
	cat "$T/paste" >"$tty"
	wait_for '^sum=[0-9a-f]{32}' "$T/screen"
	has "$T/screen" "^sum=$sum"
	wait_end
	is "exit status" "$status" "$OFF"
	[ ! -s "$T/out" ] || fail "output on stdout as well"
}

test_console_socket() {
	paste_to_guest 10000
	start_guest --console "socket:$T/sock"
	_n=0
	until [ -S "$T/sock" ]; do _n=$((_n + 1)); [ $_n -lt 100 ] || fail "no socket"; sleep 0.1; done
	mkfifo "$T/keys"
	unixcat "$T/sock" <"$T/keys" >"$T/screen" &
	echo $! >>"$T/pids"
	exec 8>"$T/keys"
	wait_for '^ready' "$T/screen"
	cat "$T/paste" >&8
	wait_for '^sum=[0-9a-f]{32}' "$T/screen"
	has "$T/screen" "^sum=$sum"
	exec 8>&-
	wait_end
	is "exit status" "$status" "$OFF"
	[ ! -e "$T/sock" ] || fail "the socket is left behind"
}

test_console_socket_takes_a_second_visitor() {
	slow
	guest_script <<-'G'
		while read -r line; do echo "got $line"; [ "$line" != bye ] || break; done
	G
	start_guest --console "socket:$T/sock"
	_n=0
	until [ -S "$T/sock" ]; do _n=$((_n + 1)); [ $_n -lt 100 ] || fail "no socket"; sleep 0.1; done
	{ sleep 15; echo one; sleep 2; } | timeout 20 unixcat "$T/sock" >"$T/screen1" || true
	{ sleep 1; echo bye; sleep 5; } | timeout 10 unixcat "$T/sock" >"$T/screen2" || true
	has "$T/screen1" 'got one'
	has "$T/screen2" 'got bye'
	wait_end
	is "exit status" "$status" "$OFF"
}

# --- the terminal ---------------------------------------------------------------------------------

terminal_guest() {
	guest_script <<-'G'
		echo ready
		sleep 100
	G
	start ptyrun -p "$T/vmm.pid" vmm run --kernel "$IMAGE" --initrd "$initrd" \
		--cmdline "console=ttyAMA0 $words"
	wait_for '^ready'
}

test_terminal_is_restored_after_power_off() {
	terminal_guest
	wait_for '^guest: power key by'
	kill -TERM "$(cat "$T/vmm.pid")"
	wait_end 30
	is "exit status" "$status" "$OFF"
	has "$T/err" '^ptyrun: terminal restored'
}

test_terminal_is_restored_after_a_crash() {
	for signal in SEGV ABRT; do
		terminal_guest
		kill -$signal "$(cat "$T/vmm.pid")"
		wait_end 30
		[ "$status" -ne 0 ] || fail "status 0 after SIG$signal"
		has "$T/err" '^ptyrun: terminal restored'
	done
}

# The one that made it raw cannot put it back.
test_terminal_is_restored_after_a_kill() {
	terminal_guest
	kill -KILL "$(pid=$(cat "$T/vmm.pid") && inner)"
	wait_end 30
	has "$T/err" '^ptyrun: terminal restored'
	has "$T/text" '^vmm: killed: '
}

test_ctrl_a_x_ends_the_guest() {
	terminal_guest
	printf '\001x' >&7
	wait_end 20
	is "exit status" "$status" "$KILLED"
	has "$T/err" '^ptyrun: terminal restored'
}

test_ctrl_a_h_says_what_there_is() {
	terminal_guest
	printf '\001h' >&7
	sleep 2
	printf '\001x' >&7
	wait_end 20
	has "$T/text" 'x .*end'
}

test_ctrl_a_p_presses_the_power_key() {
	terminal_guest
	wait_for '^guest: power key by'
	printf '\001p' >&7
	wait_end 30
	is "exit status" "$status" "$OFF"
	has "$T/text" '^guest: power key pressed'
}

test_ctrl_c_reaches_the_guest() {
	guest_script <<-'G'
		setsid cttyhack sh -c 'trap "echo got ctrl-c; exit 0" INT; echo ready; while :; do sleep 1; done'
	G
	start ptyrun vmm run --kernel "$IMAGE" --initrd "$initrd" --cmdline "console=ttyAMA0 $words"
	wait_for '^ready'
	printf '\003' >&7
	wait_end 30
	is "exit status" "$status" "$OFF"
	has "$T/text" 'got ctrl-c'
}

test_ctrl_a_twice_is_one_ctrl_a() {
	guest_script <<-'G'
		stty raw -echo
		echo ready
		head -c 2 | hexdump -C | head -n1
	G
	start ptyrun vmm run --kernel "$IMAGE" --initrd "$initrd" --cmdline "console=ttyAMA0 $words"
	wait_for '^ready'
	printf '\001\001z' >&7
	wait_end 30
	has "$T/text" '01 7a'
}

test_lost_terminal_ends_the_vm() {
	terminal_guest
	vmm=$(cat "$T/vmm.pid")
	kill -KILL "$pid"
	_n=0
	while kill -0 "$vmm" 2>/dev/null; do
		_n=$((_n + 1))
		[ $_n -lt 100 ] || { kill -KILL "$vmm"; fail "vmm lives on without its terminal"; }
		sleep 0.1
	done
}

test_sighup_ends_the_vm() {
	guest_script <<-'G'
		echo ready
		sleep 100
	G
	start_guest
	wait_for '^ready'
	kill -HUP "$pid"
	wait_end 20
	is "exit status" "$status" "$KILLED"
}
