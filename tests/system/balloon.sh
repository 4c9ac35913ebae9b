# shellcheck shell=sh
# The balloon, with Linux's own driver in the guest: what the guest does not use goes back to the host.

# Of vmm, in MiB.
rss() { awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$(inner)/status"; }

# Without an area for CMA, of 64 MiB: most of the balloon would be in it, and a kernel that is out of
# memory elsewhere gains nothing; and a 7.2 kernel does not even start with the rest of 128. Without
# virtual addresses of 52 bits: an emulated CPU tells a wrong level of a stage 2 fault that a walk from
# level -1 meets, of which there are many here, and KVM has EFAULT for it ("Unsupported FSC").
words='quiet vmmtest=script cma=0 arm64.nolva'

# A guest that does as it is told, word by word: fill N MiB and say "filled", drop them, say how much
# is free, end.
balloon_guest() {
	guest_script <<-'SCRIPT'
		#!/bin/sh
		mount -t tmpfs -o size=100% none /tmp
		echo "ready"
		while read -r word n; do
			case $word in
			fill) dd if=/dev/zero of=/tmp/f bs=1M count=$n 2>/dev/null; echo "filled $(($(stat -c %s /tmp/f) >> 20))" ;;
			drop) rm /tmp/f; echo "dropped" ;;
			free) echo "$n $(awk '/^MemFree/ { print int($2 / 1024) }' /proc/meminfo) free" ;;
			bye) exit ;;
			esac
		done
	SCRIPT
}

tell() { # ANSWER WORD...
	_answer=$1
	shift
	echo "$*" >&7
	wait_for "$_answer"
}

# What the guest answered to "free NAME".
free_mib() { tr -d '\r' <"$T/out" | sed -n "s/^$1 \([0-9]*\) free\$/\1/p"; }

# Asks vmm by SIGUSR1 until it says this.
wait_for_figures() { # REGEX
	_tries=0
	until tail -n1 "$T/err" | grep -qE "$1"; do
		_tries=$((_tries + 1))
		[ $_tries -lt 100 ] || fail "no '$1', but $(tail -n1 "$T/err")"
		kill -USR1 "$pid"
		sleep 0.5
	done
}

# Waits until vmm takes at most so much.
wait_for_rss() { # MIB
	_tries=0
	until [ "$(rss)" -le "$1" ]; do
		_tries=$((_tries + 1))
		[ $_tries -lt 200 ] || fail "vmm takes $(rss) MiB, wanted $1 at most"
		sleep 0.2
	done
}

test_what_the_guest_frees_goes_back() {
	balloon_guest
	start_guest --mem 192M --balloon 0 --verbose
	wait_for '^ready'
	tell '^filled 100' fill 100
	full=$(rss)
	between "what vmm takes when 100 MiB are used" "$full" 100 230
	tell '^dropped' drop
	wait_for_rss $((full - 80))
	echo "with 100 MiB used: $full, when they are free: $(rss)"
	tell '^filled 90' fill 90
	echo bye >&7
	wait_end
	is "exit status" "$status" "$OFF"
	has "$T/err" '^vmm: balloon: 0 of 0 MiB are in it; given back so far: 0 MiB of it, [1-9][0-9]+ MiB that were free$'
}

test_inflate_and_deflate() {
	echo 0 >size
	balloon_guest
	start_guest --mem 128M --balloon "from=size,reporting=off"
	wait_for '^ready'
	tell '^first [0-9]* free' free first
	first=$(free_mib first)
	all=$((first - 8))
	tell "^filled $all" fill $all
	tell '^dropped' drop
	full=$(rss)

	echo 40M >size
	wait_for_figures 'balloon: 40 of 40 MiB are in it; .* 0 MiB that were free; the guest has [0-9]+ MiB in all, '
	tell '^second [0-9]* free' free second
	between "what is free in the guest" "$(free_mib second)" $((first - 48)) $((first - 34))
	between "what vmm takes with 40 MiB in the balloon" "$(rss)" 20 $((full - 25))
	echo "with all memory used once: $full, with 40 MiB in the balloon: $(rss)"

	echo rubbish >size
	kill -USR1 "$pid"
	wait_for "balloon: from=size: 'rubbish.' is not a size; .*; it stays as it is" "$T/err"
	echo 1T >size
	kill -USR1 "$pid"
	wait_for "1T is not less than --mem, which is 128M; it stays" "$T/err"

	echo 4M >size
	wait_for_figures 'balloon: 4 of 4 MiB are in it; '
	tell '^third [0-9]* free' free third
	# Newer kernels (6.12) keep some on lists of each CPU, which they do not count as free.
	between "what is free in the guest" "$(free_mib third)" $((first - 20)) "$first"
	tell "^filled 30" fill 30
	echo bye >&7
	wait_end
	is "exit status" "$status" "$OFF"
}

# The guest takes out of the balloon what it needs, rather than to end a process.
test_deflate_on_oom() {
	balloon_guest
	start_guest --mem 128M --balloon 40M
	wait_for '^ready'
	wait_for_figures 'balloon: 40 of 40 MiB are in it; '
	tell '^first [0-9]* free' free first
	need=$(($(free_mib first) + 8))
	tell "^filled $need" fill $need
	kill -USR1 "$pid"
	wait_for 'balloon: (1[0-9]|2[0-9]|3[0-6]) of 40 MiB are in it' "$T/err"
	echo bye >&7
	wait_end
	is "exit status" "$status" "$OFF"
	lacks "$T/text" 'Out of memory'
}

# The guest resets with the balloon full, and has all its memory again; then the balloon fills anew.
test_reset_while_inflated() {
	slow
	echo "boot0 " >count
	truncate -s 1M count
	guest_script <<-'SCRIPT'
		#!/bin/sh
		free() { awk '/^MemFree/ { print int($2 / 1024) }' /proc/meminfo; }
		read -r boots rest </dev/vda
		n=${boots#boot}
		until [ "$(free)" -lt 50 ]; do usleep 200000; done
		echo "boot number $n has $(free) MiB"
		[ "$n" = 1 ] && exit 0
		echo "boot$((n + 1)) " | dd of=/dev/vda bs=512 conv=sync,fsync 2>/dev/null
		reboot -f
	SCRIPT
	boots --mem 128M --balloon 40M --disk count
	has "$T/text" '^boot number 1 has'
}

# The driver comes with vmm's own initramfs, or vmm says that it cannot.
test_initramfs_brings_the_driver() {
	slow
	package 6.1
	guest_script <<-'SCRIPT'
		#!/bin/sh
		[ -e /sys/bus/virtio/drivers/virtio_balloon/virtio0 ] && echo "it has a driver"
	SCRIPT
	boots --modules "$LAB/package-6.1" --balloon 1M
	has "$T/text" '^it has a driver'
	is "what vmm says" "$(cat "$T/err")" ""
	cp -rL "$LAB/package-6.1/lib" lib
	rm lib/modules/*/kernel/drivers/virtio/virtio_balloon*
	boots --modules "$(echo "$T"/lib/modules/*)" --balloon 1M
	has "$T/err" 'the guest will have no driver for the balloon'
}

test_other_guest_kernels() {
	slow
	found=''
	for kernel in "$LAB/kernel/Image-6.12" "$LAB/kernel/Image-7.2"; do
		[ -e "$kernel" ] || continue
		found=1
		test_what_the_guest_frees_goes_back
		test_inflate_and_deflate
		test_deflate_on_oom
	done
	[ -n "$found" ] || skip "only one guest kernel is here"
}

test_wrong_options_are_one_sentence_each() {
	wrong() { # REGEX OPTION...
		regex=$1
		shift
		run_vmm run --kernel "$IMAGE" "$@"
		[ "$status" = "$USAGE" ] || [ "$status" = "$FAILED" ] || fail "status $status for $*"
		echo "$*: $(cat "$T/err")"
		one_sentence "$regex"
	}
	: >empty
	wrong 'balloon needs a value; write --balloon SIZE' --balloon
	wrong "size: 'big' is not a size" --balloon big
	wrong "size: '1000' is not a multiple of 4K" --balloon 1000
	wrong "'inflate' is not known; there are size, from, reporting, deflate-on-oom" --balloon inflate=1M
	wrong '512M is not less than --mem, which is 512M' --balloon 512M
	wrong 'size=1M and from=empty contradict each other' --balloon 1M,from=empty
	wrong 'which --hugepages keeps for the guest' --balloon 1M --hugepages
	wrong 'one too many; there can be 1' --balloon 1M --balloon 2M
	wrong "from=empty: '' is not a size; write one like 256M" --balloon from=empty
	wrong 'from: .*nope: No such file' --balloon from=nope
}
