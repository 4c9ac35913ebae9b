# shellcheck shell=sh
# Folders of this host in the guest, by both programs that are called virtiofsd.

# A program of the payload's, with its libraries, as $T/bin/NAME, which comes first in $PATH.
back_end() { # c|rust PROGRAM
	mkdir -p "$T/bin"
	cat >"$T/bin/$2" <<-SCRIPT
		#!/bin/sh
		exec $LAB/backends/$1/ld-linux-aarch64.so.1 --library-path $LAB/backends/$1 $LAB/backends/$1/$2 "\$@"
	SCRIPT
	chmod +x "$T/bin/$2"
	PATH=$T/bin:$PATH
}

shared_huge_pages

# The lab's root is no file system that a process could get another one instead of.
sandbox=sandbox=chroot

# A folder with a bit of everything.
folder() { # DIR
	mkdir -p "$1/deep/deeper" "$1/empty"
	head -c 3000000 /dev/urandom >"$1/big"
	echo hello >"$1/deep/deeper/small"
	: >"$1/nothing"
	ln -s deep/deeper/small "$1/link"
	chmod 750 "$1/deep"
	touch -d '2001-02-03 04:05:06' "$1/nothing"
}

sums() { # DIR: what is in it, whoever looks
	(cd "$1" && find . -type f | sort | xargs md5sum && find . | sort | xargs stat -c '%n %f %s %u %g')
}

both_ways() { # c|rust
	back_end "$1" virtiofsd
	folder shared
	sums shared >before
	guest_script <<-'SCRIPT'
		#!/bin/sh
		mkdir /mnt && mount -t virtiofs stuff /mnt || exit
		cd /mnt
		{ find . -type f | sort | xargs md5sum && find . | sort | xargs stat -c '%n %f %s %u %g'; } | sed 's/^/sum /'
		readlink link
		head -c 5000000 /dev/urandom >/tmp/new
		cp /tmp/new new && mkdir made && mv big made/moved && rm nothing && ln deep/deeper/small made/hard
		echo "new $(md5sum <new)"
		cmp new /tmp/new && echo "reads what it wrote"
		truncate -s 100 made/moved && chmod 600 made/moved
		cd / && umount /mnt && echo unmounted
	SCRIPT
	boots --verbose --share "shared,tag=stuff,$sandbox"
	sed -n 's/^sum //p' "$T/text" >seen
	cmp before seen || fail "the guest sees another folder: $(diff before seen)"
	has "$T/text" '^deep/deeper/small'
	has "$T/text" '^reads what it wrote'
	has "$T/text" '^unmounted'
	is "what the guest wrote" "$(md5sum <shared/new)" "$(sed -n 's/^new //p' "$T/text")"
	is "size of what it cut" "$(stat -c '%s %a' shared/made/moved)" "100 600"
	is "links" "$(stat -c %h shared/deep/deeper/small)" 2
	[ ! -e shared/nothing ] || fail "what the guest removed is still there"
}

test_files_go_both_ways_with_the_one_in_c() {
	slow
	both_ways c
}
test_files_go_both_ways_with_the_one_in_rust() { both_ways rust; }

# What can go wrong before the guest starts.
test_what_cannot_be_shared_is_one_sentence() {
	back_end c virtiofsd
	run_vmm run --kernel "$IMAGE" --share "missing,tag=x"
	is "exit status" "$status" "$FAILED"
	one_sentence '--share missing: No such file or directory'
	: >file
	run_vmm run --kernel "$IMAGE" --share "file,tag=x"
	one_sentence '--share file: not a folder'
	run_vmm run --kernel "$IMAGE" --share "/tmp"
	is "exit status" "$status" "$USAGE"
	one_sentence 'tag'
	mkdir shared
	run_vmm run --kernel "$IMAGE" --share "shared,tag=x,ro"
	one_sentence 'cannot share read-only; install the one in Rust'
	printf '#!/bin/sh\necho it is broken >&2\nexit 3\n' >"$T/bin/virtiofsd"
	run_vmm run --kernel "$IMAGE" --share "shared,tag=x"
	one_sentence '--share shared: virtiofsd: ended with status 3: it is broken'
	if ! [ -e /usr/libexec/virtiofsd ] && ! [ -e /usr/lib/qemu/virtiofsd ]; then
		rm "$T/bin/virtiofsd"
		run_vmm run --kernel "$IMAGE" --share "shared,tag=x"
		one_sentence 'virtiofsd is not installed .*apt install virtiofsd'
	fi
	run_vmm run --kernel "$IMAGE" --vhost-user type=blk,socket=nobody
	one_sentence '--vhost-user nobody: .*(No such file|nobody)'
}

test_a_guest_cannot_write_to_what_is_shared_read_only() {
	slow
	back_end rust virtiofsd
	folder shared
	sums shared >before
	guest_script <<-'SCRIPT'
		#!/bin/sh
		mkdir /mnt && mount -t virtiofs stuff /mnt || exit
		cat /mnt/link
		echo x 2>/dev/null >/mnt/new || echo "no new file"
		echo x 2>/dev/null >>/mnt/big || echo "no more in a file"
		rm /mnt/nothing 2>/dev/null || echo "nothing removed"
	SCRIPT
	boots --share "shared,tag=stuff,ro,$sandbox"
	has "$T/text" '^hello'
	has "$T/text" '^no new file'
	has "$T/text" '^no more in a file'
	has "$T/text" '^nothing removed'
	sums shared | cmp - before || fail "the folder changed"
}

# The process of the payload's PROGRAM.
process_of() { # PROGRAM
	for _p in /proc/[0-9]*; do
		if tr '\0' ' ' <"$_p/cmdline" 2>/dev/null | grep -q "/$1 .*--fd="; then
			echo "${_p#/proc/}"
		fi
	done
}

# What the guest had mounted is gone with the process that knew its files; vmm and the guest live on, and
# it can be mounted anew.
comes_back() { # c|rust
	back_end "$1" virtiofsd
	folder shared
	guest_script <<-'SCRIPT'
		#!/bin/sh
		mkdir /mnt && mount -t virtiofs stuff /mnt || exit
		md5sum </mnt/big >/tmp/sum
		echo "mounted once"
		until [ -e /mnt/killed ]; do sleep 1; ls /mnt >/dev/null 2>&1 || break; done
		ls -l /mnt >/dev/null 2>&1 || echo "an error"
		umount -l /mnt
		until mount -t virtiofs stuff /mnt 2>/dev/null; do sleep 1; done
		md5sum </mnt/big | cmp - /tmp/sum && echo "mounted again"
		echo 3 >/proc/sys/vm/drop_caches
		cat /mnt/link
	SCRIPT
	start_guest --share "shared,tag=stuff,$sandbox"
	wait_for '^mounted once'
	victims=$(process_of virtiofsd)
	[ -n "$victims" ] || fail "there is no virtiofsd"
	# shellcheck disable=SC2086 # a list
	kill -KILL $victims
	wait_end
	is "exit status" "$status" "$OFF"
	has "$T/err" '--share shared: .*; requests wait until it is back'
	has "$T/err" '--share shared: it is back'
	has "$T/text" '^mounted again'
	has "$T/text" '^hello'
	[ -z "$(process_of virtiofsd)" ] || fail "a virtiofsd is left"
}

test_a_virtiofsd_in_c_that_dies_is_started_again() {
	slow
	comes_back c
}
test_a_virtiofsd_in_rust_that_dies_is_started_again() {
	slow
	comes_back rust
}

# The guest's kernel forgets all, and virtiofsd must, too.
test_a_reset_with_requests_in_flight() {
	slow
	back_end rust virtiofsd
	folder shared
	guest_script <<-'SCRIPT'
		#!/bin/sh
		mkdir /mnt && mount -t virtiofs stuff /mnt || exit
		n=$(cat /mnt/count 2>/dev/null || echo 0)
		echo $((n + 1)) >/mnt/count
		[ "$n" -lt 2 ] || { md5sum </mnt/big; exit 0; }
		sync
		for i in 1 2 3 4; do dd if=/dev/zero of=/mnt/load$i bs=64k count=1000 2>/dev/null & done
		sleep 1
		echo b >/proc/sysrq-trigger
		sleep 100
	SCRIPT
	before=$(md5sum <shared/big)
	boots --share "shared,tag=stuff,$sandbox" --cpus 2
	is "boots" "$(cat shared/count)" 3
	has "$T/text" "^$before"
}

# A small file system exerciser: threads of work in the guest, and what is left is what it must be.
test_under_load_the_host_has_what_the_guest_wrote() {
	slow
	back_end rust virtiofsd
	mkdir shared
	guest_script <<-'SCRIPT'
		#!/bin/sh
		mkdir /mnt && mount -t virtiofs stuff /mnt || exit
		work() {
			d=/mnt/w$1
			mkdir $d
			for i in $(seq 1 10); do
				head -c $((i * 7919 % 200000)) /dev/urandom >$d/f$i
				mv $d/f$i $d/g$i
				ln $d/g$i $d/h$i
				cat $d/g$i >>$d/all
				truncate -s $((i * 100)) $d/h$i
				[ $((i % 3)) -ne 0 ] || rm $d/h$i
				mkdir $d/dir$i && rmdir $d/dir$i
				ln -s g$i $d/s$i
				[ "$(ls $d | wc -l)" -gt 0 ] || echo "empty?"
			done
		}
		for n in 1 2 3 4; do work $n & pids="$pids $!"; done
		wait $pids
		cd /mnt
		find . -type f | sort | xargs md5sum | sed 's/^/sum /'
		find . | sort | xargs stat -c '%n %f %s %h' | sed 's/^/sum /'
	SCRIPT
	boots --share "shared,tag=stuff,$sandbox" --cpus 2
	(cd shared && find . -type f | sort | xargs md5sum && find . | sort | xargs stat -c '%n %f %s %h') >seen
	sed -n 's/^sum //p' "$T/text" | cmp - seen || fail "the host has something else"
	is "lines about files" "$(wc -l <seen)" 189
}
