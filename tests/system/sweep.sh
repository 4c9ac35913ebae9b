# shellcheck shell=sh
# Each system call of vmm fails, one at a time, by strace: from the start over the requests of a guest to
# all kinds of devices and a reset to the end. Whichever it is, vmm goes on, or the guest is told of an
# error, or vmm ends with a status of its table and a sentence that names what failed; never with a
# signal, and nothing is left: no process, no socket, no terminal in raw mode.
#
# strace has a call fail by making another one of it, with number -1, and behind its walls vmm is ended for
# that, as it should be: what fails there is tried again with --sandbox off.
#
#   SWEEP=all     each call with each error: `make fault-sweep`, which takes an hour or two. Else, some of
#                 them, others each day; with SWEEP=N so many
#   SWEEP_SEED=N  which
#   SWEEP_PART=K/N  of all, every Nth from the Kth on: the whole in pieces, each with a sum of its own
#   SWEEP_CALLS="openat mmap"  of these alone

tracer="$LAB/strace/ld-linux-aarch64.so.1 --library-path $LAB/strace $LAB/strace/strace"

# What a call can fail with. Nothing: it does not fail (exit_group), or for the C library alone, which
# then uses another or says itself what it lacks, or ends the program (munmap, of a stack); a futex that
# does not wake is none of any kernel; nor is a signal that does not come, of those that are not queued,
# or a mask of them that cannot be set; and where a socket cannot be removed there is nothing else to try.
errors_of() { # CALL
	case $1 in
	munmap | tgkill | unlinkat | rt_sigprocmask) ;;
	execve | exit | exit_group | rt_sigreturn | restart_syscall | futex) ;;
	set_tid_address | set_robust_list | rseq | brk | getpid | gettid | getppid | geteuid | getegid) ;;
	getuid | getgid | clock_gettime | sched_yield) ;;
	openat) echo EMFILE EACCES EIO ;;
	read | readv | preadv2 | pread64) echo EIO EINTR ;;
	write) echo EIO ENOSPC EPIPE EINTR ;;
	writev | pwritev2 | pwrite64) echo EIO ENOSPC EINTR ;;
	fdatasync | fallocate | ftruncate) echo EIO ENOSPC ;;
	mmap | mremap | memfd_create) echo ENOMEM ;;
	mprotect | madvise) echo ENOMEM ;;
	close) echo EIO ;;
	clone | clone3 | timer_create) echo EAGAIN ;;
	eventfd2 | epoll_create1 | pipe2 | dup | dup3 | signalfd4) echo EMFILE ;;
	socket | socketpair) echo EMFILE ENFILE ;;
	epoll_ctl) echo ENOMEM ENOSPC ;;
	epoll_pwait | ppoll | wait4 | clock_nanosleep | nanosleep) echo EINTR ;;
	sendmsg | recvmsg) echo ECONNRESET EINTR EAGAIN ;;
	accept4) echo EMFILE ECONNABORTED ;;
	io_uring_setup) echo EPERM ENOMEM ;;
	io_uring_enter) echo EINTR EBUSY ;;
	io_uring_register) echo EINVAL ENOMEM ;;
	ioctl) echo EIO ENOMEM EINTR ;;
	unshare | mount | umount2 | pivot_root | chdir | capset | seccomp | prctl) echo EPERM ;;
	landlock_*) echo EOPNOTSUPP ;;
	*) echo EIO ;;
	esac
}

# One guest with all that can be had without others: $T/w is its folder, in which nothing but the disk,
# the console's file and the report may stay.
subject() { # COMMAND...: what runs it
	rm -rf "$T/w"
	mkdir "$T/w"
	truncate -s 64K "$T/w/disk"
	status=0
	# On one CPU: each call has strace and vmm take turns, and in the lab to wake another CPU takes long.
	# shellcheck disable=SC2016 # the inner shell expands it
	timeout -s KILL "$limit" ptyrun taskset 1 sh -c 'exec 2>"$1"; shift; exec "$@"' sh "$T/w.err" "$@" \
		vmm run --kernel "$LAB/kernel/guest-io" --mem 32M --cpus 2 \
		--disk "$T/w/disk" --net "tap=$tap" --rng --balloon 0 --hvc "file:$T/w/hvc" \
		--sandbox "$sandbox" --vsock "cid=5,uds=$T/w/v" --fault-log "$T/w/faults" --symbols "$LAB/kernel/symbols.map" \
		</dev/null >"$T/w.out" 2>"$T/w.pty" || status=$?
	tr -d '\r' <"$T/w.out" >"$T/w.text"
}

host_tap_for_sweep() {
	host_module tun
	tap=vs0
	ip link del $tap 2>/dev/null || true
	tunctl -t $tap >/dev/null
	ip link set $tap up
}

# $T/sites: "CALL NTH" of all that is called, as often as a thread or process calls it.
sites() {
	sandbox=on limit=200
	# shellcheck disable=SC2086 # words
	subject $tracer -f -qq -e signal=none -o "$T/all"
	is "exit status under strace" "$status" "$OFF"
	for _w in disk net rng balloon console; do
		is "times that the guest says $_w well" "$(grep -c "^$_w well" "$T/w.text")" 2
	done
	awk '$2 ~ /^[a-z_0-9]+\(/ {
		call = substr($2, 1, index($2, "(") - 1)
		n = ++count[$1 " " call]
		if (n > most[call]) most[call] = n
	}
	END { for (call in most) for (i = 1; i <= most[call]; i++) print call, i }' "$T/all" |
		sort -k1,1 -k2,2n >"$T/sites"
}

# "CALL NTH ERROR" lines.
faults_of_sites() {
	sandbox=on
	while read -r _call _nth; do
		case " ${SWEEP_CALLS:-$_call} " in *" $_call "*) ;; *) continue ;; esac
		for _error in $(errors_of "$_call"); do
			echo "$_call $_nth $_error"
		done
	done
}

# Of $T/faults, all or some: from day to day each call in turn, and one after the other of its faults.
choose() {
	if [ "${SWEEP:-}" = all ]; then
		awk -v part="${SWEEP_PART:-1/1}" 'BEGIN { split(part, p, "/") } (NR - p[1]) % p[2] == 0' "$T/faults"
		return
	fi
	awk -v many="${SWEEP:-20}" -v seed="$seed" '
		{ fault[$1, n[$1]++] = $0 }
		n[$1] == 1 { name[calls++] = $1 }
		END {
			for (k = 0; k < many; k++) {
				i = seed * many + k
				c = name[i % calls]
				print fault[c, int(i / calls) * 31 % n[c]]
			}
		}' "$T/faults"
}

bad() { # WHY
	echo "not as it must be: $call number $nth: $error: $1"
	echo "    status $status; $(tr '\n' '|' <"$T/w.err"); $(tr '\n' '|' <"$T/w.text" | tail -c 300)"
	grep INJECTED "$T/strace" | head -n3 | cut -c1-200 | sed 's/^/    /'
	[ -z "${SWEEP_LOG:-}" ] || echo "not as it must be: $1" >>"$SWEEP_LOG"
	wrong=$((wrong + 1))
}

# Processes that strace saw, as far as they are there: ends them.
left() {
	_left=
	# shellcheck disable=SC2013 # numbers
	for _pid in $(cut -d' ' -f1 "$T/strace" | sort -u); do
		[ ! -d "/proc/$_pid" ] || _left="$_left $_pid"
	done
	# shellcheck disable=SC2086 # a list
	[ -z "$_left" ] || kill -KILL $_left 2>/dev/null || true
	echo "$_left"
}

with_fault() { # on|off
	sandbox=$1
	: >"$T/strace"
	# shellcheck disable=SC2086 # words
	subject $tracer -f -qq --seccomp-bpf -e signal=none -e "trace=$call" -o "$T/strace" \
		-e "inject=$call:error=$error:when=$nth"
	_p=$(left)
}

one_fault() { # CALL NTH ERROR
	call=$1 nth=$2 error=$3 limit=200
	case "$call $error" in
	"write EINTR") ;;
	"write "*) limit=25 ;; # many wake somebody up, and are let pass below
	esac
	with_fault on
	# A thread that ends has all signals blocked by then: it is ended without a word.
	if [ "$status" = 159 ] || grep -q '^vmm: the sandbox denies .* system call 65535 ' "$T/w.err"; then
		behind=$((behind + 1))
		with_fault off
		sed -i '/^vmm: no sandbox: /d' "$T/w.err"
	fi
	if ! grep -q INJECTED "$T/strace"; then
		missed=$((missed + 1))
		return 0
	fi
	# A count that is added to can be too high, or the caller interrupted; no more.
	if [ "$call" = write ] && [ "$error" != EINTR ] &&
		grep -qE 'write\([0-9]+, "\\1\\0\\0\\0\\0\\0\\0\\0", 8.*INJ' "$T/strace"; then
		missed=$((missed + 1))
		return 0
	fi
	# The C library puts the program together first, and says itself what it lacks.
	if [ "$status" = 127 ] && grep -q 'error while loading' "$T/w.err"; then
		missed=$((missed + 1))
		return 0
	fi
	tried=$((tried + 1))
	_lines=$(wc -l <"$T/w.err")
	_faults=$(grep -c INJECTED "$T/strace") # one in each thread that came so far
	if [ "$status" -gt 8 ]; then
		bad "the status is none of vmm's$([ "$status" != 137 ] || echo ": it hung")"
	elif [ -n "$_p" ]; then
		bad "processes are left"
	elif grep -qv '^vmm: ' "$T/w.err"; then
		bad "there is more on stderr than vmm's words"
	elif grep -qE '(lies|silent)$' "$T/w.text"; then
		bad "the guest was lied to"
	elif [ "$status" != "$OFF" ] && { [ "$_lines" = 0 ] || [ "$_lines" -gt "$_faults" ]; } &&
		! grep -qE '^[0-9]+ +write\(2, .*INJ' "$T/strace"; then
		bad "the end has $_lines sentences"
	elif [ "$status" = "$OFF" ] && ! grep -q '^off' "$T/w.text" &&
		! grep -qE "^vmm: stdio: .* output (is dropped until|are lost)" "$T/w.err" &&
		! grep -qE '^[0-9]+ +write\(1?[0-9], .*INJ' "$T/strace"; then
		bad "it says that all is well, and the guest did not come to its end"
	elif ! grep -q '^ptyrun: terminal restored' "$T/w.pty"; then
		bad "the terminal is not what it was"
	elif [ -n "$(find "$T/w" ! -type f -mindepth 1)" ] || ls -d /tmp/vmm-* >/dev/null 2>&1; then
		bad "left: $(find "$T/w" ! -type f -mindepth 1) $(ls -d /tmp/vmm-* 2>/dev/null)"
		rm -rf /tmp/vmm-*
	fi
	case $status in
	"$OFF")
		if grep -qE '(error|broken)$' "$T/w.text"; then
			told=$((told + 1))
		else
			well=$((well + 1))
		fi
		;;
	*) ended=$((ended + 1)) ;;
	esac
	[ -z "${SWEEP_LOG:-}" ] ||
		echo "$call $nth $error: $status $(head -n1 "$T/w.err")$(grep -E '(error|broken)$' "$T/w.text" | tr '\n' ' ')" >>"$SWEEP_LOG"
}

test_every_system_call_that_fails() {
	slow
	only_in_the_lab "it makes a network device"
	host_tap_for_sweep
	sites
	faults_of_sites <"$T/sites" >"$T/faults"
	all=$(wc -l <"$T/faults")
	seed=${SWEEP_SEED:-$(($(date +%s) / 86400))}
	choose >"$T/chosen"
	tried=0 behind=0 missed=0 wrong=0 well=0 told=0 ended=0
	while read -r c n x <&9; do
		one_fault "$c" "$n" "$x"
	done 9<"$T/chosen"
	ip link del $tap
	tell "$(wc -l <"$T/sites") calls, $all faults; seed $seed: $tried tried, $behind of them without walls; $well" \
		"changed nothing, $told were told to the guest, $ended ended vmm; $missed were not met, $wrong wrong"
	is "faults that end in something else than documented" "$wrong" 0
	[ "$tried" -gt 0 ] || fail "no fault was met"
}
