# shellcheck shell=sh
# Power off, reset, suspend, panic, CPUs that come and go.

test_poweroff_is_status_0() {
	guest_script <<-'G'
		echo hello
	G
	boots
	[ ! -s "$T/err" ] || fail "vmm said: $(cat "$T/err")"
}

test_reboot_starts_the_guest_again() {
	# The RTC goes on over a reset, memory starts afresh: nothing else tells the boots apart.
	guest_script <<-'G'
		echo "boot at $(cat /sys/class/rtc/rtc0/since_epoch)"
		reboot -f
	G
	start_guest
	_n=0
	until [ "$(grep -c '^boot at' "$T/out")" -ge 2 ]; do
		_n=$((_n + 1))
		[ $_n -lt 300 ] || fail "no second boot"
		sleep 0.2
	done
	end_by_force
	is "exit status" "$status" "$KILLED"
}

test_on_reset_exit() {
	guest_script <<-'G'
		reboot -f
	G
	boot --on-reset exit
	is "exit status" "$status" "$RESET"
}

# A guest that does as it is told on its console.
start_reset2() { # OPTION...
	start vmm run --kernel "$LAB/kernel/bare-reset2" --mem 16M "$@"
	wait_for '^(ready|absent)$'
	! grep -q absent "$T/out" || skip "this host's KVM has no SYSTEM_RESET2"
}

system_reset2() { # ORDER
	start_reset2
	printf %s "$1" >&7
	_n=0
	until [ "$(grep -c '^ready$' "$T/out")" = 2 ]; do
		_n=$((_n + 1))
		[ $_n -lt 200 ] || fail "no second start"
		sleep 0.1
	done
	printf o >&7
	wait_end 30
	is "exit status" "$status" "$OFF"
	is "output" "$(cat "$T/out")" "$(printf 'ready\nready')"
}

test_system_reset2_starts_the_guest_again() { system_reset2 w; }
test_system_reset2_of_smc64_starts_the_guest_again() { system_reset2 x; }

test_system_reset2_with_on_reset_exit() {
	start_reset2 --on-reset exit
	printf w >&7
	wait_end 30
	is "exit status" "$status" "$RESET"
	is "output" "$(cat "$T/out")" ready
}

test_hundred_resets_leave_nothing_behind() {
	kernel=$LAB/kernel/bare-reset
	start vmm run --kernel "$kernel" --mem 64M
	resets() { [ "$(grep -c bare "$T/out")" -ge "$1" ]; }
	_n=0
	until resets 10; do _n=$((_n + 1)); [ $_n -lt 200 ] || fail "no resets"; sleep 0.1; done
	fds0=$(fds) threads0=$(threads) rss0=$(rss_kb)
	until resets 120; do _n=$((_n + 1)); [ $_n -lt 900 ] || fail "resets got stuck"; sleep 0.1; done
	# A reset may be going on: what counts is what stays.
	is "file descriptors" "$(fds)" "$fds0"
	is "threads" "$(threads)" "$threads0"
	between "resident KiB" "$(rss_kb)" 1 $((rss0 + 256))
	end_by_force
	is "exit status" "$status" "$KILLED"
	# The signal may have come in the middle of the last word.
	sed '$d' "$T/out" >"$T/whole"
	lacks "$T/whole" '^(b|ba|bar|are|re|e)$'
}

test_cpus_go_and_come_back() {
	guest_script <<-'G'
		cd /sys/devices/system/cpu || exit 1
		for n in 1 2 3; do
			for c in 1 2 3; do echo 0 >cpu$c/online || exit 1; done
			echo "down=$(cat online)"
			for c in 1 2 3; do echo 1 >cpu$c/online || exit 1; done
			echo "up=$(cat online)"
		done
		taskset -p 8 $$ && echo "ran on 3"
	G
	boots --cpus 4
	is "times down" "$(grep -c '^down=0$' "$T/text")" 3
	is "times up" "$(grep -c '^up=0-3$' "$T/text")" 3
	has "$T/text" '^ran on 3$'
}

test_suspend_to_memory_and_wake_by_rtc() {
	[ "$(doctor system-suspend ok)" = true ] || skip "this host's KVM has no SYSTEM_SUSPEND"
	guest_script <<-'G'
		grep -q mem /sys/power/state || { echo "cannot suspend"; exit 0; }
		echo 0 >/sys/class/rtc/rtc0/wakealarm
		echo +3 >/sys/class/rtc/rtc0/wakealarm || { echo "no alarm"; exit 0; }
		a=$(cat /sys/class/rtc/rtc0/since_epoch)
		echo mem >/sys/power/state
		echo "suspend=$?"
		b=$(cat /sys/class/rtc/rtc0/since_epoch)
		echo "slept=$((b - a))"
		dmesg | grep -i 'suspend entry'
	G
	boots --cpus 2
	! grep -qE 'cannot suspend|no alarm' "$T/text" || skip "the guest kernel cannot: $(grep -E 'cannot|no alarm' "$T/text")"
	has "$T/text" '^suspend=0$'
	between "seconds slept" "$(sed -n 's/^slept=//p' "$T/text")" 2 20
}

test_suspend_to_idle_and_wake_by_rtc() {
	slow
	guest_script <<-'G'
		grep -q freeze /sys/power/state || { echo "cannot suspend"; exit 0; }
		echo +3 >/sys/class/rtc/rtc0/wakealarm || { echo "no alarm"; exit 0; }
		echo freeze >/sys/power/state
		echo "suspend=$?"
	G
	boots
	! grep -qE 'cannot suspend|no alarm' "$T/text" || skip "the guest kernel cannot: $(grep -E 'cannot|no alarm' "$T/text")"
	has "$T/text" '^suspend=0$'
}

panicking_guest() {
	guest_script <<-'G'
		echo "about to panic"
		sleep 1
		echo c >/proc/sysrq-trigger
	G
	words='quiet panic=-1 vmmtest=script'
}

test_panic_has_its_own_status() {
	panicking_guest
	boot
	has "$T/text" 'Kernel panic - not syncing'
	is "exit status" "$status" "$PANIC"
	has "$T/err" '^vmm: .*panic'
}

test_pvpanic_register_is_a_panic() {
	guest_script <<-'G'
		dir=$(ls -d /proc/device-tree/pvpanic@*) || exit 1
		devmem 0x${dir##*@} 8 1
		sleep 5
	G
	boot
	is "exit status" "$status" "$PANIC"
	lacks "$T/text" '^guest: end'
}

test_on_panic_continue_lets_the_guest_go_on() {
	guest_script <<-'G'
		dir=$(ls -d /proc/device-tree/pvpanic@*) || exit 1
		devmem 0x${dir##*@} 8 1
		echo "went on"
	G
	boot --on-panic continue
	has "$T/text" '^went on$'
	is "exit status" "$status" "$OFF"
}

test_on_panic_reboot_starts_again() {
	slow
	panicking_guest
	start_guest --on-panic reboot
	_n=0
	until [ "$(grep -c '^about to panic' "$T/out")" -ge 2 ]; do
		_n=$((_n + 1))
		[ $_n -lt 300 ] || fail "no second boot"
		sleep 0.2
	done
	end_by_force
}

# --- signals --------------------------------------------------------------------------------------

# Waits for its power key, and says when; nothing else that it says comes in an order with that.
waiting_guest() {
	guest_script <<-'G'
		sleep 100
	G
}
waits='^guest: power key by'

test_sigterm_presses_the_power_key() {
	waiting_guest
	start_guest
	wait_for "$waits"
	kill -TERM "$pid"
	wait_end 30
	is "exit status" "$status" "$OFF"
	has "$T/text" '^guest: power key pressed'
}

test_sigint_presses_the_power_key() {
	waiting_guest
	start_guest
	wait_for "$waits"
	kill -INT "$pid"
	wait_end 30
	is "exit status" "$status" "$OFF"
	has "$T/text" '^guest: power key pressed'
}

# As nohup, or a script that starts vmm in the background, wants it.
test_ignored_signal_stays_ignored() {
	waiting_guest
	(
		trap '' INT
		vmm run --kernel "$kernel" --initrd "$initrd" --cmdline "console=ttyAMA0 $words" \
			</dev/null >"$T/out" 2>"$T/err" &
		echo $! >"$T/pids"
	)
	pid=$(cat "$T/pids")
	wait_for "$waits"
	kill -INT "$pid"
	sleep 1
	lacks "$T/out" '^guest: power key pressed'
	kill -0 "$pid" || fail "SIGINT ended it"
	kill -TERM "$pid"
	wait_for '^guest: power key pressed'
}

test_power_key_is_an_input_device() {
	[ -e "$LAB/kernel/Image-6.1-full" ] || skip "needs the kernel 6.1-full, which has gpio_keys"
	waiting_guest
	kernel=$LAB/kernel/Image-6.1-full
	start_guest
	wait_for "$waits"
	has "$T/out" '^guest: power key by input event'
	kill -TERM "$pid"
	wait_end 30
	is "exit status" "$status" "$OFF"
	has "$T/text" '^guest: power key pressed'
}

deaf_guest() {
	guest_script <<-'G'
		until killall powerkey; do sleep 0.1; done 2>/dev/null
		echo ready
		sleep 100
	G
}

test_second_sigterm_ends_a_deaf_guest() {
	deaf_guest
	start_guest --grace 100
	wait_for '^ready'
	kill -TERM "$pid"
	sleep 1
	kill -0 "$pid" || fail "the first signal ended it"
	kill -TERM "$pid"
	wait_end 10
	is "exit status" "$status" "$KILLED"
	has "$T/err" '^vmm: '
}

test_grace_ends_a_deaf_guest() {
	deaf_guest
	start_guest --grace 2
	wait_for '^ready'
	begin=$(date +%s)
	kill -TERM "$pid"
	wait_end 20
	is "exit status" "$status" "$KILLED"
	between "seconds" $(($(date +%s) - begin)) 1 8
}
