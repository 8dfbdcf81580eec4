#!/usr/bin/env bats
# fuse-overlay's recorded owners where the file system has no user attributes, and shifted ids

load helpers
load overlay

# in_ns SCRIPT: in a user namespace of an ordinary user, in an empty folder; bare: such a folder on
# ramfs, which has no extended attributes, with base, u, w, m and v
in_ns() {
	cat >"$dir/script" <<-'END'
		set -eu
		cd "$1"; chmod 755 .
		bare() {
			mkdir bare; mount -t ramfs bare bare; chmod 755 bare; cd bare; mkdir base u w m v
			! setfattr -n user.x -v y u 2>/dev/null
		}
		mount_it() { fuse-overlay -o lowerdir=base,upperdir=u,workdir=w,xattr_permissions=2 m; }
		again() { umount m; mount_it; }
		trap 'cd /; umount -l "$1"/bare/m "$1"/bare/v "$1"/m "$1"/bare 2>/dev/null || :' EXIT
		eval "$2"
	END
	script_in_userns "$1"
}

@test "owners without attributes: kept over renames, hard links, copy-up and remounts" {
	in_ns '
		bare; echo low >base/f; mkdir base/d; echo x >base/d/g; mkfifo base/p; ln -s f base/l; mount_it
		chown 33:44 m/f; chmod 4750 m/f; chown 1:2 m/d/g; chown 3:4 m/d; chown 5:6 m/p; chown -h 7:8 m/l
		mkdir m/new; chown 9:9 m/new; chmod 1777 m/new; touch m/new/n; chown 11:12 m/new/n
		ln m/new/n m/link; mv m/new m/moved; again
		cd m; stat -c "%n %u:%g %a" f d d/g p l moved moved/n link; cd ..
		[ -p m/p ]; stat -c %u:%g u/f; ls -A m | grep -c wh || :'
	[ "$output" = "f 33:44 4750
d 3:4 755
d/g 1:2 644
p 5:6 644
l 7:8 777
moved 9:9 1777
moved/n 11:12 644
link 11:12 644
0:0
0" ] || { echo "$output"; false; }
}

@test "owners without attributes: read as a lower layer, forgotten with the file" {
	in_ns '
		bare; mount_it; touch m/a m/b; chown 5:6 m/a m/b; rm m/b; mkdir m/d; chown 7:7 m/d; rmdir m/d; umount m
		fuse-overlay -o lowerdir=u:base v; stat -c "%n %u:%g" v/a; umount v
		mkdir u2 w2; fuse-overlay -o lowerdir=u,upperdir=u2,workdir=w2,xattr_permissions=2 m
		echo more >>m/a; stat -c "%n %u:%g" m/a; touch m/b; stat -c "%n %u:%g" m/b
		grep -c -- " -$" u/.wh..wh.owners'
	[ "$(echo $output)" = "v/a 5:6 m/a 5:6 m/b 0:0 2" ]
}

@test "owners without attributes: a copied layer is refused in one line" {
	in_ns '
		bare; mount_it; touch m/a; chown 5:6 m/a; umount m; cp -a u copy
		fuse-overlay -o lowerdir=copy:base v || echo "status $?"'
	[ "${lines[0]}" = "fuse-overlay: copy/.wh..wh.owners: records of another folder: is this a copy?" ]
	[ "${lines[1]}" = "status 1" ]
	[ "${#lines[@]}" = 2 ]
}

@test "owners without attributes: the server killed while it records" {
	in_ns '
		bare; fuse-overlay -f -o lowerdir=base,upperdir=u,workdir=w,xattr_permissions=2 m & s=$!
		until mountpoint -q m; do sleep 0.02; done
		for i in $(seq 300); do : >m/f$i; done
		(i=0; while chown 5:$((i % 7)) m/f$((i++ % 300 + 1)); do :; done) 2>/dev/null & w=$!
		sleep 0.5; kill -9 $s; wait $s $w 2>/dev/null || :; umount -l m; printf "99 1:1:0" >>u/.wh..wh.owners
		mount_it; find m -type f -printf "%U %G\n" | grep -cvE "^(0|5) [0-6]$" || :; chown 8:8 m/f1; again; stat -c %u:%g m/f1'
	[ "$(echo $output)" = "0 8:8" ]
}

@test "links beside attributes: owners kept over renames, copy-up, remounts, as a lower layer" {
	in_ns '
		mkdir base u w m v; ln -s f base/low; mount_it
		ln -s x m/mine; [ ! -e u/.wh..wh.owners ]; ln -s x m/l; chown -h 7:8 m/l m/low; mv m/l m/moved; again
		stat -c "%n %u:%g %a" m/moved m/low m/mine; ls -A m; chown -h 9:9 m/moved; chown -h 0:0 m/low; rm m/moved; again
		for i in 1 2 3 4; do ln -s y m/n$i; done; chown -h 5:5 m/n4; stat -c "%n %u:%g" m/low m/n? u/n4; umount m
		fuse-overlay -o lowerdir=u:base v; stat -c "%n %u:%g" v/n4; python3 -c "import os; os.listxattr(\"v/n4\", follow_symlinks=False)"'
	[ "$output" = "m/moved 7:8 777
m/low 7:8 777
m/mine 0:0 777
low
mine
moved
m/low 0:0
m/n1 0:0
m/n2 0:0
m/n3 0:0
m/n4 5:5
u/n4 0:0
v/n4 5:5" ] || { echo "$output"; false; }
}

@test "links beside attributes: a copied layer is mounted without, with a warning, and begins anew" {
	in_ns '
		mkdir base u w m v w2; mount_it; ln -s x m/l; touch m/f; chown -h 7:8 m/l m/f; umount m; cp -a u copy
		fuse-overlay -o lowerdir=copy:base v; stat -c "%n %u:%g" v/l v/f; umount v
		fuse-overlay -o lowerdir=base,upperdir=copy,workdir=w2,xattr_permissions=2 v 2>/dev/null
		ln -s x v/new; chown -h 3:3 v/new; umount v; fuse-overlay -o lowerdir=copy:base v; stat -c "%n %u:%g" v/l v/new'
	[ "$output" = "fuse-overlay: warning: copy/.wh..wh.owners: records of another folder: not read, links lose their owners
v/l 0:0
v/f 7:8
v/l 0:0
v/new 3:3" ] || { echo "$output"; false; }
}

@test "hard links without attributes or handles stay one file across copy-up and remount" {
	in_ns '
		bare; echo a >base/f; ln base/f base/g; ln base/f base/h; ln base/f base/i; mkdir base/d; ln base/f base/d/f
		fuse-overlay -o lowerdir=base,upperdir=u,workdir=w m
		stat m/g >/dev/null; echo b >>m/f; cmp m/f m/g; stat -c %h m/f; cmp m/f m/h; cmp u/f u/h
		umount m; fuse-overlay -o lowerdir=base,upperdir=u,workdir=w m
		stat -c "%n %h" m/i m/f; cmp m/i m/f; cmp m/f m/d/f; [ "$(stat -c %i m/h)" = "$(stat -c %i m/d/f)" ]
		ln -s "1 nothing" w/fuse-index/n-12345; rm m/f m/g; stat -c "%n %h" m/h; echo c >>m/i; cmp m/i m/h
		umount m; fuse-overlay -o lowerdir=base,upperdir=u,workdir=w m
		[ ! -L w/fuse-index/n-12345 ]; rm m/h m/i; stat -c "%n %h" m/d/f; rm m/d/f; ls w/fuse-index; cat base/f'
	[ "$(echo $output)" = "5 m/i 5 m/f 5 m/h 3 m/d/f 1 a" ] || { echo "$output"; false; }
}

@test "layers on FUSE that may number its files anew: hard links part, no owners by number" {
	in_ns '
		mkdir real low base u w m; echo one >real/a; echo two >real/b; ln real/a real/a2; ln real/b real/b2
		trap "umount -l m low 2>/dev/null || :" EXIT
		# the server of m lets go of its layers a moment later
		low_gone() { for _ in $(seq 100); do umount low 2>/dev/null && return; sleep 0.05; done; false; }
		for program in fuse-overlayfs fuse-overlay; do
			rm -rf u w; mkdir u w
			$program -o lowerdir=real low
			fuse-overlay -o lowerdir=low,upperdir=u,workdir=w m
			echo more >>m/a; ls w/fuse-index | wc -l; echo $(cat m/a2); umount m; low_gone
		done
		mkdir top topw up; fuse-overlayfs -o noxattrs=1,lowerdir=base,upperdir=top,workdir=topw up; mkdir up/u up/w
		fuse-overlay -o lowerdir=real,upperdir=up/u,workdir=up/w,xattr_permissions=2 m 2>&1 && exit 1
		ls -A up/u; umount up'
	[ "$(grep -v ignored <<<"$output")" = $'0\none\n1\none more\nfuse-overlay: up/u/.wh..wh.owners: owners by inode number: this FUSE file system may change the numbers' ]
}

@test "shifted ids: what is made, copied up, given away and listed, with ACLs" {
	in_ns '
		mkdir base u w m; touch base/f base/g; chown 1005:2006 base/g; chown 7:7 base/f
		map=uidmapping=1000:0:50,gidmapping=2000:0:50
		fuse-overlay -o lowerdir=base,upperdir=u,workdir=w,$map m
		stat -c "%n %u:%g" m/g m/f
		chown 0:0 m; touch m/new; mkdir m/d; chown 3:4 m/d; stat -c "%n %u:%g" m/new u/new u/d
		chmod 600 m/g; stat -c "%n %u:%g" m/g u/g
		setfacl -m u:9:rwx m/new; getfacl -nc m/new | grep user:9; getfacl -nc u/new | grep user:1009
		chown 60 m/new; stat -c "%n %u:%g" m/new u/new'
	[ "$output" = "m/g 5:6
m/f 65534:65534
m/new 0:0
u/new 1000:2000
u/d 1003:2004
m/g 5:6
u/g 1005:2006
user:9:rwx
user:1009:rwx
m/new 65534:0
u/new 65534:2000" ] || { echo "$output"; false; }
}

@test "squashed owners: one owner for all, changes do nothing" {
	in_ns '
		mkdir base u w m; touch base/f; chown 5:6 base/f
		for o in squash_to_root squash_to_uid=8,squash_to_gid=9; do
			fuse-overlay -o lowerdir=base,upperdir=u,workdir=w,$o m
			chown 33:44 m/f; touch m/n; chown 3 m/n; stat -c "%n %u:%g" m/f m/n; umount m
		done; stat -c "%n %u:%g" u/f u/n'
	[ "$(echo $output)" = "m/f 0:0 m/n 0:0 m/f 8:9 m/n 8:9 u/f 5:6 u/n 0:0" ] || { echo "$output"; false; }
}
