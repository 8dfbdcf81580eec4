#!/usr/bin/env bats
# fuse-overlay alone: mounts by ordinary users, in a user namespace and on the host

load helpers
load overlay

# in_mount OPTIONS SCRIPT: two lower layers (top, base), an upper one; mount with OPTIONS in a user
# namespace of an ordinary user; run SCRIPT in that folder, the mount at m/
in_mount() {
	cat >"$dir/script" <<-'END'
		set -eu
		cd "$1"; opts=$2; chmod 755 .
		mkdir -p top/dir base/dir base/only u w m
		echo top >top/file; echo base >base/file; echo base >base/below
		echo a >top/dir/a; echo b >base/dir/b; echo o >base/only/o
		ln base/below base/below2; ln -s file base/link; mkfifo base/fifo
		chmod 4755 base/below; touch -d 2001-02-03T04:05:06 base/below
		mount_it() { fuse-overlay -o "lowerdir=top:base,upperdir=u,workdir=w$opts" m; }
		again() { umount m; mount_it; }
		mount_it
		trap 'umount -l m' EXIT
		eval "$3"
	END
	script_in_userns "$1" "$2"
}

@test "layers are merged, the topmost wins" {
	in_mount "" 'cat m/file m/below m/link; ls m m/dir; [ ! -e m/none ]'
	[ "$(printf '%s' "$output" | tr '\n' ' ')" = "top base top below below2 dir fifo file link only  m/dir: a b" ] ||
		{ echo "$output"; [ "$(echo $output)" = "top base top m: below below2 dir fifo file link only m/dir: a b" ]; }
}

@test "writing copies up: content, mode, times, inode number; the lower file is untouched" {
	in_mount "" '
		ino=$(stat -c %i m/only/o); echo more >>m/only/o
		[ "$(cat m/only/o)" = "$(printf "o\nmore")" ]; [ "$(cat base/only/o)" = o ]
		[ "$(stat -c %i m/only/o)" = "$ino" ]
		[ "$(ls -i m/only | cut -d" " -f1)" = "$ino" ]
		again; [ "$(stat -c %i m/only/o)" = "$ino" ]; [ "$(ls -i m/only | cut -d" " -f1)" = "$ino" ]
		before=$(stat -c "%a %Y %s" m/dir/b); setfattr -n user.x -v y m/dir/b
		[ "$(stat -c "%a %Y %s" m/dir/b)" = "$before" ]; [ "$(stat -c "%a %Y %s" u/dir/b)" = "$before" ]'
}

@test "hard links stay one file across copy-up and remount" {
	in_mount "" '
		echo changed >>m/below
		cmp m/below m/below2; [ "$(stat -c %i m/below)" = "$(stat -c %i m/below2)" ]
		[ "$(stat -c %h m/below)" = 2 ]
		again; cmp m/below m/below2; [ "$(stat -c %h m/below2)" = 2 ]
		mv m/below2 m/moved; cmp m/below m/moved; rm m/below; [ "$(stat -c %h m/moved)" = 1 ]
		rm m/moved; again; ls m; [ "$(ls w/fuse-index | wc -l)" = 0 ]'
	[[ $output != *below* ]]
}

@test "deleted names stay deleted, a new directory does not show the old one" {
	in_mount "" '
		rm m/file; rm -r m/dir; rmdir m/only 2>/dev/null && exit 1; rm -r m/only
		[ ! -e m/file ]; [ ! -e m/dir ]; mkdir m/dir; touch m/dir/new; ls m/dir
		again; ls m/dir; [ ! -e m/file ]; echo new >m/file; again; cat m/file
		[ "$(cat top/dir/a)" = a ]; rm m/file; [ ! -e m/file ]'
	[ "$(echo $output)" = "new new new" ]
}

@test "whiteouts in every spelling are read" {
	in_mount "" '
		umount m
		mknod top/below c 0 0; touch top/.wh.link; mkdir top/only; touch top/only/.wh..wh..opq
		setfattr -n user.fuseoverlayfs.opaque -v y top/dir; mount_it
		[ ! -e m/below ]; [ ! -e m/link ]; [ ! -e m/only/o ]; ls m/dir; ls -a m | grep -c "^\.wh" || :
		umount m; rm top/below top/.wh.link; setfattr -x user.fuseoverlayfs.opaque top/dir
		setfattr -n user.overlay.opaque -v y top/dir; mount_it; ls m/dir; cat m/below'
	[ "$(echo $output)" = "a 0 a base" ]
}

@test "rename: files over files and whiteouts, new directories, lower ones give EXDEV and mv copies" {
	in_mount "" '
		mv m/file m/below; cat m/below; [ ! -e m/file ]; rm m/link; mv m/below m/link; cat m/link
		mkdir m/new; touch m/new/x; mv m/new m/newer; ls m/newer
		python3 -c "import os; os.rename(\"m/dir\", \"m/dir2\")" 2>&1 | grep -o "cross-device link"
		mv m/dir m/dir2; ls m/dir2; [ ! -e m/dir ]; again; ls m/dir2; [ ! -e m/dir ]; [ ! -e m/file ]'
	[ "$(echo $output)" = "top top x cross-device link a b a b" ]
}

@test "rename of lower directories with redirect_dir=on, across remounts" {
	in_mount ,redirect_dir=on '
		mv m/dir m/dir2; ls m/dir2; mkdir m/deep; mv m/dir2 m/deep/dir3; again; ls m/deep/dir3
		echo changed >>m/deep/dir3/b; mv m/deep/dir3 m/dir; ls m/dir; again; cat m/dir/b; [ ! -e m/deep/dir3 ]
		rm -r m/dir; again; [ ! -e m/dir ]'
	[ "$(echo $output)" = "a b a b a b b changed" ]
}

@test "redirects of lower layers are followed by those above them" {
	in_mount ",redirect_dir=on" '
		mv m/only m/moved; mkdir -p m/moved/in; umount m; mkdir u2 w2; lower=u:top:base
		two() { fuse-overlay -o "lowerdir=$lower,upperdir=u2,workdir=w2,redirect_dir=on" m; }
		two; mkdir m/deep; mv m/moved m/deep/again; umount m; two; ls m/deep/again; cat m/deep/again/o; ls m | grep -c only || :'
	[ "$(echo $output)" = "in o o 0" ] || { echo "$output"; false; }
}

@test "redirects of lower layers that lead to each other end in an error" {
	in_mount ",redirect_dir=follow" '
		umount m
		for path in r{0,1,2,3,4,5}; do
			for i in $(seq 30); do path=$path/d; mkdir -p $path; done
			while [ $path != ${path%/d} ]; do setfattr -n user.overlay.redirect -v "$(printf "/d%.0s" $(seq 30))" $path; path=${path%/d}; done
		done
		fuse-overlay -o "lowerdir=r0:r1:r2:r3:r4:r5:base,redirect_dir=follow" m
		timeout 20 ls m/d 2>&1 | grep -o "Too many levels of symbolic links"; cat m/below'
	[ "$(echo $output)" = "Too many levels of symbolic links base" ] || { echo "$output"; false; }
}

@test "folders and files that are copied up for a change of mode alone: listing, links, modes" {
	in_mount "" '
		mkdir base/tree base/tree/sub; touch base/tree/f; chmod 444 base/tree/f; chmod 1777 base/tree/sub
		install -m 6711 /dev/null base/tree/s; install -m 777 /dev/null base/tree/all; again; umask 077
		chmod 2750 m/tree; stat -c "%a %h" m/tree; [ "$(ls m/tree)" = "$(ls base/tree)" ]
		mkdir m/tree/new; stat -c %h m/tree; rmdir m/tree/sub; ls m/tree; stat -c %h m/tree
		mkdir base/two base/two/a; again; touch -d 2001-01-01 m/two; mv m/tree/new m/two/; ls m/two; rm -r m/two/a; ls m/two
		for f in f s all; do touch -d 2002-01-01 m/tree/$f; stat -c "%n %a" u/tree/$f; done
		chmod 700 m/tree/all; chmod u+w m/tree/f; again; stat -c "%a" m/tree/all m/tree/f m/tree'
	[ "$(echo $output)" = "2750 3 4 all f new s 3 a new new u/tree/f 444 u/tree/s 6711 u/tree/all 777 700 644 2750" ]
}

@test "file capabilities: none, set, cleared by writing and by a new owner, copied up" {
	in_mount "" '
		caps() { getcap m/only/o $(ls -d m/x 2>/dev/null); }
		set_it() { setcap cap_net_raw=p "$1"; }
		set_it base/only/o; again; caps; chmod 700 m/only/o; caps; echo more >>m/only/o; caps
		echo 1 >m/x; caps; set_it m/x; caps; echo 2 >>m/x; caps; set_it m/x; chown 7 m/x; caps
		set_it m/x; again; caps; setcap -r m/x; caps'
	[ "$(echo $output)" = "m/only/o cap_net_raw=p m/only/o cap_net_raw=p m/x cap_net_raw=p m/x cap_net_raw=p" ]
}

@test "requests: files are neither opened nor released, and synced but once when that does nothing" {
	cat >"$dir/count" <<-'END'
		set -eu
		cd "$1"; mkdir l u w m
		fuse-overlay -d --ready-fd 8 8>ready -o "lowerdir=l,upperdir=u,workdir=w,$2" m 2>log & server=$!
		until [ -s ready ]; do sleep 0.02; done
		for i in $(seq 50); do echo $i >m/$i; done; cat m/7; sync m/[1-9] m/[1-9]; [ -z "$(ls -A m | tr -d 0-9)" ]
		umount m; wait $server
		for what in OPEN RELEASE FLUSH FSYNC; do echo $what $(grep -c "opcode: $what " log); done
		# the name that the server opens is there for nobody else
		! grep -a "first-open" log | grep -v LOOKUP
	END
	in_userns bash "$dir/count" "$dir" volatile
	[ "$(echo $output)" = "7 OPEN 1 RELEASE 0 FLUSH 1 FSYNC 1" ]
	rm -rf "$dir"/[luwm] "$dir"/ready
	in_userns bash "$dir/count" "$dir" fsync=1
	[ "$(echo $output)" = "7 OPEN 1 RELEASE 0 FLUSH 1 FSYNC 18" ]
}

@test "an unlinked open file keeps working, lower or upper" {
	in_mount "" '
		exec 5<>m/file 6<m/below; rm m/file m/below; echo more >&5
		[ "$(cat <&6)" = base ]; [ "$(stat -L -c %h /proc/self/fd/5)" = 0 ]; wc -c </proc/self/fd/5'
	[ "$(echo $output)" = 5 ]
}

@test "a reader sees what a later writer writes" {
	in_mount "" 'exec 5<m/below; echo after >m/below; cat <&5'
	[ "$output" = after ]
}

@test "owners, modes, special files, umask, setgid folders, default ACLs" {
	in_mount "" '
		chown 33:44 m/file; chmod 2750 m/dir; chown 0:44 m/dir; touch m/dir/n; mkdir m/dir/s
		stat -c "%u:%g %a" m/file m/dir/n m/dir/s; mknod m/p p; [ -p m/p ]; [ -p m/fifo ]
		(umask 027; touch m/um); stat -c %a m/um
		rm -r m/only; mkdir m/acl; setfacl -d -m u:55:rwx m/acl; touch m/acl/f; getfacl -c m/acl/f 2>/dev/null | grep -o "user:55:rwx"; chmod 600 m/file
		setpriv --reuid 66 --regid 66 --clear-groups sh -c "cat m/file" 2>/dev/null && exit 1; chmod 777 m
		setpriv --reuid 66 --regid 66 --clear-groups touch m/mine; stat -c %u:%g m/mine u/mine'
	assert_output_has "33:44 644
0:44 644
0:44 2755
640
user:55:rwx"
	assert_output_has "66:66
66:66"
}

@test "extended attributes: kept, listed, removed; internal ones hidden" {
	in_mount "" '
		setfattr -n user.a -v 1 m/only/o; getfattr -d m/only/o; setfattr -x user.a m/only/o; getfattr -d m/only/o
		rm -r m/only; mkdir m/only; getfattr -d m/only; getfattr -d u/only
		setfattr -n user.overlay.opaque -v n m/only; getfattr --only-values -n user.overlay.opaque m/only'
	[ "$(grep -c opaque <<<"$output")" = 1 ]
	assert_output_has 'user.a="1"'
}

@test "data: holes, fallocate, copy_file_range, mmap, truncate, large files" {
	in_mount "" '
		head -c 3000000 /dev/urandom >base/data; truncate -s 100M base/sparse; again
		printf x | dd of=m/sparse bs=1 seek=50000000 conv=notrunc status=none
		[ "$(du -k u/sparse | cut -f1)" -lt 2000 ]; [ "$(stat -c %s m/sparse)" = 104857600 ]
		cp m/data m/copy; cmp m/copy base/data; fallocate -l 1M m/fa; stat -c %s m/fa
		truncate -s 1000 m/data; cmp -n 1000 m/data base/data; stat -c %s m/data
		python3 -c "
import mmap,os
f=os.open(\"m/copy\",os.O_RDWR); m=mmap.mmap(f,0); m[5:10]=b\"hello\"; m.flush(); os.close(f)
print(open(\"m/copy\",\"rb\").read()[5:10].decode())"; again; dd if=m/copy bs=1 skip=5 count=5 status=none'
	[ "$(echo $output)" = "1048576 1000 hello hello" ]
}

@test "listing: every name once, also while files are removed" {
	in_mount "" '
		for i in $(seq 3000); do : >base/only/n$i; done; again
		[ "$(ls m/only | sort -u | wc -l)" = 3001 ]; for i in $(seq 1000); do : >m/only/u$i; done
		[ "$(ls m/only | sort -u | wc -l)" = 4001 ]; [ "$(ls m/only | wc -l)" = 4001 ]
		rm -r m/only; [ ! -e m/only ]; ls base/only | wc -l'
	[ "$output" = 3001 ]
}

@test "read-only without an upper layer" {
	in_mount "" '
		umount m; fuse-overlay -o lowerdir=top:base m; cat m/below; ls m/dir
		(echo x >m/file) 2>&1 | grep -o "Read-only file system"'
	[ "$(echo $output)" = "base a b Read-only file system" ]
}

@test "one mapped id, no subordinate ids" {
	ACCOUNT=nosub MAP=
	chown -R "$(account nosub)": "$dir"
	in_mount "" 'echo x >>m/file; rm m/below; mkdir m/n; again; cat m/file; ls m'
	assert_output_has "top"
}

@test "uidmapping and squash shift owners" {
	in_mount ",uidmapping=0:100:10,gidmapping=0:200:10" 'stat -c %u:%g m/file; : >u/x; chown 5:5 u/x; stat -c %u:%g m/x
		again; chown 103:203 m/x; stat -c %u:%g u/x; umount m; opts=,squash_to_root; mount_it; stat -c %u:%g m/x'
	[ "$(echo $output)" = "100:200 105:205 3:3 0:0" ]
}

@test "xattr_permissions=2 records owners and modes" {
	in_mount ,xattr_permissions=2 '
		chown 33:44 m/file; chmod 600 m/file; mkdir m/d; chown 7:8 m/d
		stat -c "%u:%g %a %F" m/file m/d; stat -c %u:%g u/file
		getfattr --only-values -n user.containers.override_stat u/file; echo; opts=; again; stat -c "%u:%g %a" m/file'
	assert_output_has "33:44 600 regular file"
	assert_output_has "7:8 755 directory"
	assert_output_has "33:44:0600"
}

@test "xattr_permissions=2 records pipes and sockets too, setgid folders, cleared setuid bits" {
	in_mount ,xattr_permissions=2 '
		mkfifo m/p; python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\"m/s\")"
		chown 7:8 m/p m/s m/fifo; mkdir m/g; chown 0:55 m/g; chmod 2775 m/g; touch m/g/f; mkdir m/g/d; ln -s f m/g/l
		chown -h 1:1 m/g/l; again; stat -c "%n %u:%g %a %F" m/p m/s m/fifo m/g/f m/g/d
		stat -c %F u/p; getfattr --only-values -n user.containers.override_stat u/p; echo
		find m -maxdepth 1 -type p | sort | tr "\n" " "; readlink m/g/l
		(echo through >m/p &); cat m/p; cp /bin/true m/true; chown 5:5 m/true; chmod 6755 m/true
		echo x >>m/true; stat -c %a m/true'
	[ "$output" = "m/p 7:8 644 fifo
m/s 7:8 755 socket
m/fifo 7:8 644 fifo
m/g/f 0:55 644 regular empty file
m/g/d 0:55 2755 directory
regular empty file
7:8:0644:pipe
m/fifo m/p f
through
755" ] || { echo "$output"; false; }
}

@test "on the host through fusermount3, foreground, --ready-fd and --exit-fd" {
	cat >"$dir/host" <<-'END'
		set -eu
		cd "$1"; mkdir l u w m; echo low >l/f; mkfifo ready exit
		exec 8<>exit
		fuse-overlay -f --ready-fd 7 --exit-fd 9 -o lowerdir=l,upperdir=u,workdir=w m 7>ready 9<exit 8>&- & s=$!
		read -rn1 byte <ready; [ "$byte" = 1 ]
		echo more >>m/f; cat m/f; mkdir m/d; exec 8>&-
		wait $s; ls m; ls u
	END
	run_as sub bash "$dir/host" "$dir"
	[ "$(echo $output)" = "low more d f" ]
}

@test "a server in the background holds nothing that its caller waits for" {
	in_mount "" '
		umount m; export -f mount_it; export opts
		timeout 10 bash -c "said=\$(mount_it 2>&1); [ -z \"\$said\" ]"
		server=$(pgrep -n -U 0 -x fuse-overlay)
		for i in $(seq 100); do
			held=$(find /proc/$server/task/*/fd -name "[012]" -printf "%f %l\n" | sort -u)
			[ "$(wc -l <<<"$held")" != 3 ] || break
			sleep 0.05
		done
		echo "$held"; [ "$(ls /proc/$server/task | wc -l)" -ge 2 ]'
	[ "$(echo $output)" = "0 /dev/null 1 /dev/null 2 /dev/null" ] || { echo "$output"; false; }
}

@test "threads that do not serve hold no descriptor of the mount, those that keep processors awake none at all" {
	in_mount "" '
		server=$(pgrep -n -U 0 -x fuse-overlay)
		holders() { find /proc/$server/task/*/fd -lname /dev/fuse | wc -l; }
		# 5 is SCHED_IDLE
		keepers() { for t in /proc/$server/task/*; do sed "s/.*) //" $t/stat | awk -v t=$t "\$39 == 5 { print t \"/fd\" }"; done; }
		settle() { for i in $(seq 100); do if "$@"; then break; fi; sleep 0.05; done; }
		parted() { [ "$(holders)" -lt "$(ls /proc/$server/task | wc -l)" ]; }
		settle parted
		# the serving one, and what a sanitizer started
		first=$(holders)
		for i in $(seq 40); do
			for f in $(seq 100); do echo >m/only/n$f; done
			[ -z "$(keepers)" ] || break
		done
		k=$(keepers); [ -z "$k" ] || [ -z "$(find $k -type l)" ]
		as_before() { [ "$(holders)" = "$first" ]; }
		settle as_before; as_before; parted; echo "ok, keepers: $(wc -w <<<"$k")"'
	echo "# $output" >&3
	[[ $output == ok* ]]
}

@test "the exit descriptor may be standard input; a number without a descriptor is a mistake" {
	in_mount "" '
		umount m; mkfifo exit; exec 7<>exit; exec 8>exit 9<exit 7>&-
		fuse-overlay --exit-fd 0 -o lowerdir=top,upperdir=u,workdir=w m <&9 8>&-
		exec 9<&-; sleep 0.3; cat m/file; exec 8>&-
		for i in $(seq 100); do mountpoint -q m || break; sleep 0.02; done
		mountpoint -q m || echo gone
		for which in exit ready; do
			for f in -f ""; do fuse-overlay $f --$which-fd 77 -o lowerdir=top m 2>&1 || echo $?; done
		done
		mountpoint -q m || mount_it'
	[ "$(echo $output)" = "top gone fuse-overlay: --exit-fd 77: Bad file descriptor 1 fuse-overlay: --exit-fd 77: Bad file descriptor 1 fuse-overlay: --ready-fd 77: Bad file descriptor 1 fuse-overlay: --ready-fd 77: Bad file descriptor 1" ] ||
		{ echo "$output"; false; }
}

@test "a signal before a server in the background is ready ends both processes, and nothing stays mounted" {
	in_mount "" '
		umount m
		for sig in TERM HUP; do
			rc=0
			# a second passes before the server begins, or before it reads the second request, its own child'\''s
			call=setsid when=1; [ $sig = TERM ] || call="read -P /dev/fuse" when=2
			strace -f -o log -e trace=$call -e inject=${call%% *}:delay_enter=1000000:when=$when \
				fuse-overlay -o lowerdir=top,upperdir=u,workdir=w m & s=$!
			until grep -q " $PWD/m fuse" /proc/self/mounts; do sleep 0.02; done
			sleep 0.2; kill -$sig $(pgrep -P $s)
			{ wait $s; } 2>/dev/null || rc=$?
			echo $((rc - 128)); ! mountpoint -q m; grep -q "${call%% *}.*DELAYED" log
		done
		mount_it'
	[ "$(echo $output)" = "15 1" ] || { echo "$output"; false; }
}

@test "SIGTERM ends a server that is just about to wait for a request" {
	cat >"$dir/host" <<-'END'
		set -eu
		cd "$1"; mkdir l u w m
		for i in $(seq 100); do
			fuse-overlay -f -o lowerdir=l,upperdir=u,workdir=w m & s=$!
			until mountpoint -q m; do sleep 0.01; done
			echo x >m/x; kill $s; wait $s
		done
	END
	run_as sub bash "$dir/host" "$dir"
}

# stuck: writes $dir/stuck FOLDER SCRIPT: a server $s whose lower layer does not answer, a client $c that waits, then SCRIPT
stuck() {
	cat >"$dir/stuck" <<-'END'
		set -eu
		cd "$1"; mkdir -p b l u w m; echo low >b/f
		fuse-overlay -f -o lowerdir=b l & below=$!; disown
		until mountpoint -q l; do sleep 0.02; done
		fuse-overlay -f -o lowerdir=l,upperdir=u,workdir=w m 2>said & s=$!
		until mountpoint -q m; do sleep 0.02; done
		cat m/f; kill -STOP $below
		(cat m/f.none m/f 2>/dev/null || echo "client: error") & c=$!
		sleep 0.3
		here() { grep -qs "^State:.[^Z]" /proc/$s/status; }
		eval "$2"
		kill -KILL $below
		umount -l l 2>/dev/null || fusermount3 -uz l
	END
}

@test "a second SIGTERM ends a server whose layer does not answer, and nothing stays mounted" {
	stuck
	local script='kill $s; sleep 0.5; here && mountpoint -q m && echo waits; kill $s
		for _ in $(seq 100); do here || break; sleep 0.05; done
		here && { echo stays; kill -9 $s; }; wait $c; wait $s || echo $?; mountpoint -q m || echo gone; cat said'
	for how in run_as in_userns; do
		rm -rf "$dir"/[blumw]
		[ $how = run_as ] && set -- run_as sub || set -- in_userns
		"$@" bash "$dir/stuck" "$dir" "$script"
		[ "$(echo $output)" = "low waits client: error 1 gone fuse-overlay: warning: $dir/m: ended by a further signal, without its last answers" ] ||
			{ echo "$how: $output"; false; }
	done
}

@test "two signals at once end a server in order; one that it was started to ignore does not" {
	cat >"$dir/host" <<-'END'
		set -eu
		cd "$1"; mkdir l u w m
		for i in $(seq 20); do
			fuse-overlay -f -o lowerdir=l,upperdir=u,workdir=w m & s=$!
			until mountpoint -q m; do sleep 0.01; done
			echo x >m/x; kill -TERM $s; kill -HUP $s; wait $s
		done
		(trap "" HUP; exec fuse-overlay -f -o lowerdir=l,upperdir=u,workdir=w m) & s=$!
		until mountpoint -q m; do sleep 0.01; done
		kill -HUP $s; kill -HUP $s; sleep 0.3; cat m/x; mountpoint -q m; kill $s; wait $s; echo left
	END
	run_as sub bash "$dir/host" "$dir"
	[ "$(echo $output)" = "x left" ]
}

@test "SIGTERM unmounts; a killed server leaves layers that mount again" {
	cat >"$dir/host" <<-'END'
		set -eu
		cd "$1"; mkdir l u w m; echo low >l/f
		fuse-overlay -f -o lowerdir=l,upperdir=u,workdir=w m & s=$!
		until mountpoint -q m; do sleep 0.02; done
		echo x >m/x; kill $s; wait $s; ! mountpoint -q m
		fuse-overlay -f -o lowerdir=l,upperdir=u,workdir=w m & s=$!
		until mountpoint -q m; do sleep 0.02; done
		echo y >>m/f; disown; kill -9 $s; wait $s 2>/dev/null || :; fusermount3 -u m
		fuse-overlay -o lowerdir=l,upperdir=u,workdir=w m; cat m/x m/f; fusermount3 -u m
	END
	run_as sub bash "$dir/host" "$dir"
	[ "$(echo $output)" = "x low y" ]
}

@test "mistakes get one line and nothing is left mounted" {
	cd "$dir"
	run_as sub 1 fuse-overlay -o "lowerdir=$dir/none" "$dir"
	assert_one_line
	assert_output_has "lowerdir: $dir/none: No such file"
	run_as sub 2 fuse-overlay -o "upperdir=$dir" "$dir"
	assert_one_line
	run_as sub 2 fuse-overlay -o "lowerdir=$dir,upperdir=$dir" "$dir"
	assert_one_line
	run_as sub 1 fuse-overlay -o "lowerdir=$dir,upperdir=$dir,workdir=$dir" "$dir"
	assert_one_line
	run_as sub 2 fuse-overlay --frobnicate
	assert_one_line
	run_as sub 1 fuse-overlay -o "lowerdir=$dir" "$dir/none"
	assert_one_line
}

@test "words that engines pass: empty elements, native options, unknown ones with a warning" {
	in_mount ",,volatile,userxattr,index=off,metacopy=off," 'cat m/file'
	assert_output_has "ignoring unknown option 'metacopy=off'"
	assert_output_has top
}

@test "names that start with .wh. are refused" {
	in_mount "" 'touch m/.wh.x 2>&1 | grep -o "Invalid argument"; mkdir m/.wh.x 2>/dev/null && exit 1; mv m/file m/.wh.y 2>/dev/null && exit 1; ls -A u'
	[ "$output" = "Invalid argument" ]
}

@test "random operations give what a plain folder gives, and other overlays read the same" {
	helper overlay_soak.py
	for options in "" ,redirect_dir=on; do
		rm -rf "$dir/s"; mkdir "$dir/s"; chmod 777 "$dir/s"
		in_userns python3 "$dir/overlay_soak.py" "$BIN/fuse-overlay" "$dir/s" 6000 \
			"${SOAK_SEED:-$RANDOM}" "$options"
		echo "# ${lines[0]}" >&3
		assert_output_has "6000 operations the same"
	done
}
