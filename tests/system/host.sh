# shellcheck shell=sh
# What the host does to vmm while a guest runs: little memory, a process that stands still, no more
# descriptors, another time of day, readers and back ends that go. docs/reliability.md has the table.

# What a guest's kernel says when it was kept waiting for too long.
COMPLAINTS='lockup|stall|hung_task|blocked for more|clocksource.*unstable|I/O error|Oops|BUG:'

# A guest that writes its disk, piece by piece, and reads it again; until it is told to end.
busy_guest() { # [PIECES KIB-OF-A-PIECE]
	[ $# -gt 0 ] || truncate -s 16M "$T/disk"
	guest_script <<-G
		pieces=${1:-64} kib=${2:-128}
	G
	cat >>"$T/add/tests/script" <<-'G'
		i=0
		echo "ready $(cat /sys/class/rtc/rtc0/since_epoch) $(date +%s)"
		(while :; do
			at=$((i % pieces))
			head -c $((kib << 10)) /dev/urandom >/tmp/d
			dd if=/tmp/d of=/dev/vda bs=${kib}k seek=$at conv=fsync 2>/dev/null || echo "write: error"
			echo 1 >/proc/sys/vm/drop_caches
			dd if=/dev/vda bs=${kib}k skip=$at count=1 2>/dev/null | cmp - /tmp/d || echo "read: other than written"
			echo "verified $((i += 1))"
		done) &
		while read -r line; do
			case $line in
			end) break ;;
			time) echo "time $(cat /sys/class/rtc/rtc0/since_epoch) $(date +%s) $(cut -d. -f1 /proc/uptime)" ;;
			esac
		done
		dmesg
	G
	cp "$GUEST" "$T/initrd"
	(cd "$T/add" && find -- * | cpio -o -H newc 2>/dev/null) >>"$T/initrd"
}

# Something was verified after this, too.
goes_on() {
	_v=$(grep -c '^verified' "$T/out" || true)
	wait_for "^verified $((_v + 2))\\b"
}

ends_well() {
	echo end >&7
	wait_end
	is "exit status" "$status" "$OFF"
	lacks "$T/text" 'error$|other than written'
	if grep -E "$COMPLAINTS" "$T/text"; then fail "the guest's kernel complains"; fi
}

# --- memory -----------------------------------------------------------------------------------------

# A group of this host's processes, whose memory can be limited: $group.
memory_group() {
	only_in_the_lab "it makes a cgroup"
	mkdir -p "$T/cgroup"
	mount -t cgroup2 none "$T/cgroup" || skip "this host has no cgroup2"
	grep -q memory "$T/cgroup/cgroup.controllers" || skip "this host's kernel has no memory controller"
	echo +memory >"$T/cgroup/cgroup.subtree_control"
	group=$T/cgroup/vmm
	mkdir "$group"
}

end_group() {
	rmdir "$group"
	umount "$T/cgroup"
}

# vmm starts in $group.
start_in_group() { # OPTION...
	# shellcheck disable=SC2016 # the inner shell expands it
	start sh -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' sh "$group" \
		vmm run --kernel "$kernel" --initrd "$initrd" --cmdline "console=ttyAMA0 $words" "$@"
}

# The group has what the guest's memory takes and a little more, so the host's page cache has no room: the
# guest's I/O is slow, and right.
test_memory_pressure_makes_io_slow_and_nothing_wrong() {
	slow
	memory_group
	host_ram_disk
	busy_guest 120 1024
	start_in_group --mem 128M --disk /dev/ram0
	wait_for '^verified 3'
	# Room for some of the disk, and not for all of it.
	now=$(cat "$group/memory.current")
	echo $((now + 6291456)) >"$group/memory.max"
	_n=0
	until [ "$(sed -n 's/^max //p' "$group/memory.events")" -gt 10 ]; do
		_n=$((_n + 1))
		[ $_n -lt $((limit * 5)) ] || fail "the limit is never met: $(cat "$group/memory.current")"
		sleep 0.2
	done
	goes_on
	ends_well
	is "what vmm says" "$(cat "$T/err")" ""
	end_group
}

# Less than the guest uses: the host's kernel ends vmm. What vmm keeps is ended with it, and removed.
test_without_memory_the_host_ends_vmm_and_nothing_is_left() {
	slow
	memory_group
	guest_script <<-'G'
		echo ready
		read -r line
		mount -t tmpfs -o size=100m tmp /tmp
		head -c 90000000 /dev/urandom >/tmp/much
		echo "it has it"
		sleep 1000
	G
	start_in_group --mem 160M --vsock "cid=9,uds=$T/v"
	wait_for '^ready'
	[ -S "$T/v" ] || fail "there is no socket"
	keeper=$(pidof vmm-keeper || pgrep -P "$pid")
	echo $(($(cat "$group/memory.current") + 20000000)) >"$group/memory.max"
	echo go >&7
	wait_end
	is "exit status" "$status" 137
	lacks "$T/text" '^it has it'
	_n=0
	while [ -e "$T/v" ] || [ -d "/proc/$keeper" ]; do
		_n=$((_n + 1))
		[ $_n -lt 100 ] || fail "left behind: $(ls "$T/v" 2>/dev/null) $keeper"
		sleep 0.1
	done
	end_group
}

# --- time -------------------------------------------------------------------------------------------

# Whoever stops it: it goes on where it was, and the guest's devices with it.
test_stopped_and_continued() {
	busy_guest
	start_guest --disk "$T/disk" --cpus 2
	wait_for '^verified 1'
	for _s in 1 8; do
		kill -STOP "$(inner)"
		sleep "$_s"
		is "state of the process that was started" "$(sed -n 's/^State:[^A-Z]*\([A-Z]\).*/\1/p' "/proc/$pid/status")" T
		kill -CONT "$pid"
		goes_on
	done
	ends_well
	is "what vmm says" "$(cat "$T/err")" ""
}

# The host's time of day is another: the guest's time goes on evenly, and its RTC has the host's.
test_the_clock_jumps() {
	slow
	only_in_the_lab "it sets the clock"
	busy_guest
	start_guest --disk "$T/disk"
	wait_for '^ready'
	day=86400
	for jump in $day -$day -$day $day; do
		date -s "@$(($(date +%s) + jump))" >/dev/null
		n=$(grep -c '^time' "$T/out" || true)
		echo time >&7
		_n=0
		until [ "$(grep -c '^time' "$T/out" || true)" -gt "$n" ]; do
			_n=$((_n + 1))
			[ $_n -lt $((limit * 5)) ] || fail "no time"
			sleep 0.2
		done
		date +%s >>"$T/host"
		goes_on
	done
	ends_well
	tr -d '\r' <"$T/out" | sed -n 's/^time //p' | paste -d' ' - "$T/host" >"$T/times"
	before=0 first=$(tr -d '\r' <"$T/out" | sed -n 's/^ready [0-9]* //p')
	while read -r rtc realtime uptime host <&9; do
		between "seconds that the RTC is behind the host" $((host - rtc)) -5 60
		[ "$uptime" -ge "$before" ] || fail "the guest's time went back"
		between "seconds that the guest's time of day moved" $((realtime - first)) 0 1000
		before=$uptime
	done 9<"$T/times"
	is "times" "$(wc -l <"$T/times")" 4
}

# --- descriptors ------------------------------------------------------------------------------------

ticks() { awk '{ print $14 + $15 }' "/proc/$(inner)/stat"; }

# More connections than descriptors: some wait, vmm does not spin, and when there are descriptors again
# they are served.
test_no_more_descriptors() {
	slow
	guest_script <<-'G'
		echo ready
		while read -r line; do [ "$line" != end ] || break; done
	G
	# shellcheck disable=SC2016 # the inner shell expands it
	start sh -c 'ulimit -n 64; exec "$@"' sh vmm run --kernel "$kernel" --initrd "$initrd" \
		--cmdline "console=ttyAMA0 $words" --vsock "cid=9,uds=$T/v" --port "name=p,to=socket:$T/port"
	wait_for '^ready'
	_n=0
	while [ $_n -lt 80 ]; do
		_n=$((_n + 1))
		sleep 1000 | unixcat "$T/v" >/dev/null 2>&1 &
		echo $! >>"$T/many"
	done
	cat "$T/many" >>"$T/pids"
	_n=0
	until [ "$(fds)" -ge 64 ]; do
		_n=$((_n + 1))
		[ $_n -lt 300 ] || fail "only $(fds) descriptors are used"
		sleep 0.1
	done
	before=$(ticks)
	sleep 3
	between "ticks in three seconds" $(($(ticks) - before)) 0 100
	# One that has to wait, and then not.
	{ echo "CONNECT 1"; sleep 1000; } | unixcat "$T/port" >"$T/waits" 2>&1 &
	echo $! >>"$T/pids"
	xargs kill <"$T/many"
	_n=0
	until [ "$(fds)" -lt 40 ]; do
		_n=$((_n + 1))
		[ $_n -lt 300 ] || fail "still $(fds) descriptors"
		sleep 0.1
	done
	echo end >&7
	wait_end
	is "exit status" "$status" "$OFF"
}

# --- who reads the console ----------------------------------------------------------------------------

# Standard output has no reader any more: nobody sees this guest, and it ends.
test_a_reader_of_standard_output_that_goes_ends_the_guest() {
	guest_script <<-'G'
		echo ready
		while :; do echo "line"; sleep 1; done
	G
	mkfifo "$T/pipe"
	head -n 3 <"$T/pipe" >"$T/read" &
	reader=$!
	status=0
	timeout -s KILL "$limit" vmm run --kernel "$kernel" --initrd "$initrd" --cmdline "console=ttyAMA0 $words" \
		</dev/null >"$T/pipe" 2>"$T/err" || status=$?
	wait $reader
	: >"$T/out"
	is "exit status" "$status" "$KILLED"
	one_sentence 'standard output'
}

# A file for the console on a disk that is full: the guest goes on, and one line says that output is lost.
test_a_console_s_disk_that_is_full_loses_output_and_nothing_else() {
	slow
	only_in_the_lab "it mounts a file system"
	mkdir "$T/small"
	mount -t tmpfs -o size=8k tmp "$T/small"
	guest_script <<-'G'
		head -c 20000 /dev/zero | tr '\0' x
		echo
		echo "all said" >/dev/hvc0
	G
	boot --console "file:$T/small/console" --hvc "file:$T/hvc"
	umount "$T/small"
	is "exit status" "$status" "$OFF"
	has "$T/hvc" '^all said'
	one_sentence 'console'
}
