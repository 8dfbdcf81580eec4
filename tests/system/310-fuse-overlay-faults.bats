#!/usr/bin/env bats
# fuse-overlay when things fail: no space, no descriptors, killed in the middle

load helpers
load overlay

# in_ns SCRIPT: run SCRIPT in $dir in a user namespace of an ordinary user, with a helper
# space_back: wait until what was deleted is free: close(2) on FUSE does not wait for the server's release
# mount_small LIMIT: upper layer on a file system of 2 MB, at most LIMIT descriptors, mount at m/
in_ns() {
	cat >"$dir/script" <<-'END'
		set -u
		cd "$1"; mkdir l m t
		mount_small() {
			mount -t tmpfs -o size=2M t t; mkdir t/u t/w
			(ulimit -n "$1"; exec fuse-overlay -o lowerdir=l,upperdir=t/u,workdir=t/w m)
		}
		space_back() {
			for _ in $(seq 100); do [ "$(stat -f -c %f t)" -gt 300 ] && return; sleep 0.05; done
			echo "space did not come back: $(stat -f -c %f t) blocks"
		}
		trap 'umount -l m t 2>/dev/null' EXIT
		eval "$2"
	END
	script_in_userns "$1"
}

@test "no space in the middle of a copy-up: an error, the lower file is whole, the mount lives" {
	in_ns '
		head -c 3000000 /dev/urandom >l/big; echo small >l/small; mount_small 1000
		chmod 600 m/big 2>&1 | grep -o "No space left"; cmp m/big l/big; [ ! -e t/u/big ]
		ls t/w/work | grep -v whiteout; echo more >>m/small; cat m/small
		head -c 4000000 /dev/zero 2>&1 >m/new | grep -o "No space left"; rm m/new; space_back; echo after >m/after; cat m/after'
	[ "$(echo $output)" = "No space left small more No space left after" ]
}

@test "few descriptors: many directories are walked, many files are open, too many lost names are an error of their own" {
	in_ns '
		for i in $(seq 300); do mkdir -p l/dirs/d$i/e; echo $i >l/dirs/d$i/e/f; done; mount_small 100
		find m -type f | wc -l; cat m/dirs/*/e/f | wc -l
		python3 -c "
import errno, os
fds = [os.open(f\"m/dirs/d{i}/e/f\", os.O_RDWR) for i in range(1, 301)]
for i, fd in enumerate(fds): os.pwrite(fd, b\"x%d\" % (i + 1), 0)
print(sum(os.pread(fd, 9, 0) == b\"x%d\" % (i + 1) for i, fd in enumerate(fds)))
gone = 0
try:
    for i in range(1, 301): os.unlink(f\"m/dirs/d{i}/e/f\"); gone += 1
except OSError as e: print(errno.errorcode[e.errno], gone > 20)
print(sum(os.pread(fd, 9, 0) == b\"x%d\" % (i + 1) for i, fd in enumerate(fds)))
for f in fds: os.close(f)"
		cat m/dirs/d299/e/f'
	[ "$(echo $output)" = "300 300 300 EMFILE True 300 x299" ]
}

@test "killed at any moment of its start: no process stays, nobody waits, the mount can be taken away" {
	helper overlay_start.py
	in_userns python3 "$dir/overlay_start.py" "$BIN/fuse-overlay" "$dir/k" 40 9
	echo "# ${lines[0]}" >&3
	assert_output_has "nothing stays"
}

@test "killed while it copies up: every file is the old one or the new one" {
	helper overlay_kill.py
	in_userns python3 "$dir/overlay_kill.py" "$BIN/fuse-overlay" "$dir/k" 8
	echo "# $output" >&3
	assert_output_has "none torn"
}

@test "the copy of a hard link that cannot get its name or its place in the index: nothing of it stays" {
	in_ns '
		echo a >l/f; ln l/f l/g
		for kind in tmpfs ramfs; do for nth in 1 2; do
			mount -t $kind t t; mkdir t/u t/w
			strace -f -o trace -e trace=linkat -e inject=linkat:error=ENOSPC:when=$nth \
				fuse-overlay -f -o lowerdir=l,upperdir=t/u,workdir=t/w m & server=$!
			until mountpoint -q m; do sleep 0.05; done
			echo b 2>/dev/null >>m/f; echo $? $( (ls t/w/fuse-index; ls t/u) | wc -l)
			echo c >>m/f; stat -c %h m/f m/g; cmp m/f m/g; cmp t/u/f t/u/g; umount m; wait $server
			grep -c INJECTED trace; umount t
		done; done'
	[ "$(echo $output)" = "$(echo {,,,}"1 0 2 2 1")" ] || { echo "$output"; false; }
}

@test "system calls that fail: each operation is done or not done, and works when tried again" {
	# emulated it takes minutes
	[ "${SUITE_IN_VM:-0}" = 0 ] || SUITE_TIMEOUT_CMD=900
	helper overlay_faults.py
	in_userns python3 "$dir/overlay_faults.py" "$BIN/fuse-overlay" "$dir/f" 2 EIO
	echo "# $output" >&3
	assert_output_has "every operation whole or not done, every mount lives"
	[[ $output =~ ([0-9]+)\ faults ]] && [ "${BASH_REMATCH[1]}" -ge 35 ]
}

@test "four clients with a model of their file each: writes, maps, holes, copies, renames" {
	helper overlay_fsx.py
	in_ns '
		for n in 0 1 2 3; do head -c 300000 /dev/urandom >l/low-$n; done; mkdir u w; chmod 755 l u
		fuse-overlay -o lowerdir=l,upperdir=u,workdir=w m; python3 overlay_fsx.py m 5 4'
	echo "# ${lines[0]}" >&3
	[ "$(grep -c "steps the same" <<<"$output")" = 4 ]
}
