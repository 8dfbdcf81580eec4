#!/usr/bin/env bats
# fuse-overlay by the host's root: data that goes past the server, setuid bits that writers take away

load helpers
load overlay

# script: what follows on standard input, after these
script() {
	cat - >"$dir/own"
	cat - "$dir/own" >"$dir/script" <<-'END'
		set -eu; umask 022; cd "$1"; chmod 755 .
		# overlay OPTIONS: m over layers on a file system of their own, the lower one filled by fill
		overlay() {
			mkdir disk m; mount -t ${FS:-tmpfs} none disk; mkdir disk/l disk/u disk/w
			(cd disk/l; fill)
			fuse-overlay -f --ready-fd 9 -o "lowerdir=disk/l,upperdir=disk/u,workdir=disk/w,$1" m 9>ready &
			server=$!
			trap 'kill -CONT $server 2>/dev/null || :; umount -l m 2>/dev/null || :' EXIT
			until [ -s ready ]; do kill -0 $server; sleep 0.05; done
		}
		fill() { :; }
		# past FILE: read an open file while the server is stopped, which lasts a second at most
		past() {
			python3 -c '
			import os, signal, sys, threading, time
			pid = int(sys.argv[2])
			fd = os.open(sys.argv[1], os.O_RDONLY)
			os.kill(pid, signal.SIGSTOP)
			go = threading.Timer(1, os.kill, (pid, signal.SIGCONT)); go.start()
			t = time.monotonic(); data = os.read(fd, 1 << 16); t = time.monotonic() - t
			go.cancel(); os.kill(pid, signal.SIGCONT)
			print("past" if t < 0.8 else "asked", len(data))' "$1" $server
		}
		# gone: after the mount nothing holds the file system of its layers
		gone() { umount m; wait $server || :; umount disk; echo gone; }
	END
}

need_passthrough() {
	printf '%s\n' 6.9 "$(uname -r)" | sort -VC || skip "needs Linux 6.9"
	! zgrep -qs "FUSE_PASSTHROUGH is not set" /proc/config.gz || skip "the kernel has no FUSE passthrough"
	[ "$(stat -Lc %i /proc/self/ns/user)" = 4026531837 ] || skip "needs the first user namespace"
}

as_root() { run_as root unshare -m bash "$dir/script" "$dir" "$@"; }

@test "passthrough: upper files are read while the server stands still, lower ones once they are copied up" {
	need_passthrough
	script <<-'END'
		fill() { echo lower >low; }
		overlay "$2"
		echo upper >m/up
		past m/up; past m/low
		echo more >>m/low
		past m/low; cat m/low m/up
		gone
	END
	as_root passthrough=1
	[ "$(echo $output)" = "past 6 asked 6 past 11 lower more upper gone" ]
	rm -rf "$dir/disk" "$dir/m" "$dir/ready"
	as_root passthrough=0
	[[ $output == "asked 6"* ]]
}

@test "passthrough: a mount without an upper layer reads all files past the server" {
	need_passthrough
	script <<-'END'
		mkdir a b m; echo 1 >a/f; echo 22 >b/g
		fuse-overlay -f --ready-fd 9 -o lowerdir=a:b,passthrough=1 m 9>ready & server=$!
		trap 'umount -l m' EXIT
		until [ -s ready ]; do kill -0 $server; sleep 0.05; done
		past m/f; past m/g; cat m/f m/g
	END
	as_root
	[ "$(echo $output)" = "past 2 past 3 1 22" ]
}

@test "passthrough: who read a lower file sees what is written to it, mapped and not" {
	need_passthrough
	script <<-'END'
		fill() { head -c 10000 /dev/zero >low; cp low low2; }
		overlay passthrough=1
		python3 - <<-'PY'
			import mmap, os
			def one(name, first, second):
			    a = os.open(name, first); m = mmap.mmap(a, 10000, mmap.MAP_SHARED, mmap.PROT_READ)
			    assert m[5000] == 0 and os.pread(a, 3, 5000) == bytes(3)
			    b = os.open(name, second)
			    os.pwrite(b, b"new", 5000)
			    assert os.pread(a, 3, 5000) == b"new", os.pread(a, 3, 5000)
			    assert m[5000:5003] == b"new", m[5000:5003]
			    if second == os.O_RDWR:
			        w = mmap.mmap(b, 10000)
			        w[7000:7003] = b"map"; assert os.pread(a, 3, 7000) == b"map"
			        os.pwrite(b, b"xyz", 9000); assert w[9000:9003] == b"xyz" == m[9000:9003]
			    os.ftruncate(b, 20000); assert os.fstat(a).st_size == 20000
			    os.close(a); os.close(b)
			one("m/low", os.O_RDONLY, os.O_RDWR)
			one("m/low2", os.O_RDONLY, os.O_WRONLY)
			# this one past the server
			open("m/up", "wb").write(bytes(10000))
			one("m/up", os.O_RDONLY, os.O_RDWR)
			# writers and readers of one new file, unlinked and renamed over in between
			w = os.open("m/n", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
			r = os.open("m/n", os.O_RDONLY)
			for i in range(50):
			    os.write(w, b"%3d\n" % i)
			    assert os.pread(r, 9, 4 * i) == b"%3d\n" % i
			    assert os.stat("m/n").st_size == os.fstat(r).st_size == 4 * i + 4
			os.rename("m/up", "m/n")
			os.write(w, b"end\n"); assert os.pread(r, 9, 200) == b"end\n"
			assert os.fstat(r).st_nlink == 0
			assert open("m/n", "rb").read(5003)[5000:] == b"new"
			os.truncate("m/n", 3); assert open("m/n", "rb").read() == bytes(3)
			print("coherent")
		PY
		past m/low; cmp m/low disk/u/low; tail -c +5001 m/low | head -c 3; echo
		cmp disk/l/low disk/l/low2; cmp -n 10000 disk/l/low /dev/zero
		gone
	END
	as_root
	[ "$(echo $output)" = "coherent past 20000 new gone" ]
}

@test "passthrough: thousands of open files, and a server that is killed, leave nothing behind" {
	need_passthrough
	script <<-'END'
		overlay passthrough=1
		python3 - $server <<-'PY'
			import os, resource, signal, sys, time
			resource.setrlimit(resource.RLIMIT_NOFILE, (5000, 5000))
			fds = [os.open(f"m/{i}", os.O_CREAT | os.O_RDWR) for i in range(3000)]
			for i, fd in enumerate(fds): os.write(fd, b"%d" % i)
			for i, fd in enumerate(fds): assert os.pread(fd, 9, 0) == b"%d" % i
			assert open("m/77").read() == "77"
			for fd in fds[1:]: os.close(fd)
			# what is closed and removed takes no space any more
			free = os.statvfs("disk").f_bfree
			with open("m/big", "wb") as f: f.write(bytes(20 << 20))
			assert os.statvfs("disk").f_bfree < free - 5000
			os.unlink("m/big")
			until = time.monotonic() + 5
			while os.statvfs("disk").f_bfree < free: assert time.monotonic() < until; time.sleep(0.05)
			os.kill(int(sys.argv[1]), signal.SIGKILL)
			assert os.pread(fds[0], 9, 0) == b"0"
		PY
		{ wait $server || :; } 2>/dev/null
		ls m 2>&1 | grep -o "not connected"
		gone
	END
	as_root
	# the shell says before that the server was killed
	[ "${lines[-2]} ${lines[-1]}" = "not connected gone" ]
}

@test "passthrough: processes that open, map, write and replace the same files meet no error" {
	helper overlay_openmix.py
	script <<-'END'
		fill() { for i in 0 1 2 3 4 5 6 7; do yes l | tr -d '\n' | head -c 20000 >low$i; done; }
		overlay "$2"
		timeout 30 python3 overlay_openmix.py m 4
		gone
	END
	for o in passthrough=1 passthrough=1,threaded=1 passthrough=0; do
		as_root $o
		[ "$(echo $output)" = "no other answer gone" ]
		rm -rf "$dir/disk" "$dir/m" "$dir/ready"
	done
}

@test "passthrough: O_DIRECT on a layer without it" {
	need_passthrough
	script <<-'END'
		FS=ramfs; fill() { echo low >low; }
		overlay passthrough=1
		python3 - <<-'PY'
			import errno, os
			fd = os.open("m/n", os.O_CREAT | os.O_RDWR | os.O_DIRECT); os.close(fd)
			with open("m/n", "wb") as f: f.write(b"x" * 4096)
			# as the layer answers where the file is open without it, by requests where it is not
			f = open("m/n", "rb")
			try: os.open("m/n", os.O_RDONLY | os.O_DIRECT)
			except OSError as e: print(errno.errorcode[e.errno])
			assert f.read() == b"x" * 4096
		PY
		past m/n; gone
	END
	as_root
	[ "$(echo $output)" = "EINVAL past 4096 gone" ]
}

@test "passthrough: where the kernel does not allow it, or for such a layer, files are served by requests" {
	script <<-'END'
		mkdir l u w m l2 u2 w2 m2; echo x >l/f; echo y >l2/g
		fuse-overlay -o lowerdir=l,upperdir=u,workdir=w,passthrough=1 m
		trap 'umount -l m2 2>/dev/null || :; umount -l m' EXIT
		echo new >m/n; cat m/f m/n
		# on top of a mount that passes through itself
		mkdir m/u2 m/w2
		fuse-overlay -o lowerdir=l2,upperdir=m/u2,workdir=m/w2,passthrough=1 m2
		echo above >m2/n; cat m2/n m2/g m/u2/n
		[ $(id -u) != 0 ] || [ $# -lt 2 ] || { umount m2; mount -t overlay o -o lowerdir=m:l2 m2; cat m2/n; umount m2; }
	END
	as_root native
	[ "$(echo $output)" = "x new above y above new" ]
	rm -rf "$dir"/[luwm] "$dir"/[luwm]2
	script_in_userns
	[ "$(echo $output)" = "x new above y above" ]
	run_as root 2 fuse-overlay -o lowerdir=/,passthrough=1,writeback=1 /nowhere
	assert_output_has "passthrough: not with writeback"
}

@test "as root: a setuid file that another user writes runs without its owner's rights, root's writing takes it only past the server" {
	script <<-'END'
		fill() { for i in up write trunc falloc; do cp /usr/bin/id $i; chmod 6777 $i; done; }
		overlay "$2"
		cp m/up m/u; chmod 6777 m/u
		other() { setpriv --reuid 12345 --regid 12345 --clear-groups "$@"; }
		other m/u -u; other m/write -u
		for f in u write; do other dd if=/dev/zero of=m/$f bs=1 count=1 oflag=append conv=notrunc status=none; other m/$f -u; done
		other fallocate -l 2M m/falloc; other m/falloc -u
		other truncate -s 1 m/trunc
		stat -c %a m/u m/write m/falloc m/trunc
		(cd disk/u; stat -c %a u write falloc trunc)
		echo >>m/up; stat -c %a disk/u/up
	END
	as_root passthrough=0
	[ "$(echo $output)" = "0 0 12345 12345 12345 777 777 777 777 777 777 777 777 6777" ]
	need_passthrough
	rm -rf "$dir/disk" "$dir/m" "$dir/ready"
	as_root passthrough=1
	[ "$(echo $output)" = "0 0 12345 12345 12345 777 777 777 777 777 777 777 777 777" ]
}

@test "every way to write into another user's file takes its setuid bits, as root and in a user namespace" {
	helper overlay_setuid.py
	ways=$(sed -n 's/^    ("\([a-z]*\)", .*/\1/p' "$dir/overlay_setuid.py")
	script <<-'END'
		opts=$2 look=$3; shift 3
		fill() { for w in src "$@"; do cp /usr/bin/id low-$w; chmod 6777 low-$w; done; mv low-src src; }
		mkdir disk m; mount -t tmpfs none disk; mkdir disk/l disk/u disk/w; (cd disk/l; fill "$@"); chmod 755 disk disk/?
		fuse-overlay -o "lowerdir=disk/l,upperdir=disk/u,workdir=disk/w$opts" m
		trap 'umount -l m' EXIT
		python3 overlay_setuid.py m $look
	END
	for o in "" ,passthrough=1 ,threaded=1; do
		as_root "$o" disk/u $ways
		[ "$output" = "24 ways: no bit stayed" ] || { echo "root $o: $output"; false; }
		rm -rf "$dir/disk" "$dir/m"
	done
	for o in "" ,writeback=1 ,xattr_permissions=2; do
		# what is recorded is not in the real files
		[ "$o" = ,xattr_permissions=2 ] && look= || look=disk/u
		script_in_userns "$o" "$look" $ways
		[ "$output" = "24 ways: no bit stayed" ] || { echo "user namespace $o: $output"; false; }
		rm -rf "$dir/disk" "$dir/m"
	done
}

@test "as root: what another user opens to empty it loses setuid bits, the folder above keeps its setgid bit" {
	script <<-'END'
		fill() { mkdir -m 2777 d; chgrp 50 d; chmod 2777 d; echo low >d/f; chmod 6777 d/f; }
		overlay "$2"
		setpriv --reuid 12345 --regid 12345 --clear-groups sh -c ': >m/d/f'
		stat -c "%a %g %s" m/d disk/u/d m/d/f disk/u/d/f | sed 's/ [0-9]*$//'
	END
	for o in passthrough=1 passthrough=0; do
		as_root $o
		[ "$(echo $output)" = "2777 50 2777 50 777 50 777 50" ] || { echo "$output"; false; }
		rm -rf "$dir/disk" "$dir/m" "$dir/ready"
	done
}

@test "in a user namespace: a setuid file that another user writes runs without its owner's rights at once" {
	script <<-'END'
		mkdir l u w m; cp /usr/bin/id l/id; chmod 6777 l/id
		fuse-overlay -o lowerdir=l,upperdir=u,workdir=w m; trap 'umount -l m' EXIT
		other() { setpriv --reuid 7 --regid 7 --clear-groups "$@"; }
		other m/id -u
		other dd if=/dev/zero of=m/id bs=1 count=1 oflag=append conv=notrunc status=none
		other m/id -u
	END
	script_in_userns
	[ "$(echo $output)" = "0 7" ]
}
