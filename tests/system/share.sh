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

test_files_go_both_ways_with_the_one_in_c() { both_ways c; }
test_files_go_both_ways_with_the_one_in_rust() { both_ways rust; }
