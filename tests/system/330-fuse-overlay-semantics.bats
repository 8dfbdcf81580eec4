#!/usr/bin/env bats
# fuse-overlay does what the file system below it does, question by question

load helpers
load overlay

# same_answers OPTIONS [EXCEPT]: a mount and a plain folder answer the same, lines that match EXCEPT left out
same_answers() {
	helper overlay_semantics.py
	cat >"$dir/script" <<-'END'
		set -eu; umask 022
		cd "$1"; chmod 755 .; mkdir u w m
		for d in plain low; do
			mkdir -p $d/dir; chmod 755 $d; echo lower >$d/low; ln $d/low $d/low2
			yes 0123456 | head -c 3000000 >$d/big; yes | head -c 6000 >$d/dir/below
		done
		fuse-overlay -o "lowerdir=low,upperdir=u,workdir=w$2" m
		trap 'umount -l m' EXIT
		python3 overlay_semantics.py plain | grep -vE "$3" >plain.out
		python3 overlay_semantics.py m | grep -vE "$3" >m.out
		diff plain.out m.out
		wc -l <m.out; ls w/work
	END
	run_as "${WHO:-sub}" unshare ${NS:--rm --map-auto} bash "$dir/script" "$dir" "$1" "${2:-^$}"
	[ "${lines[0]}" -ge "${3:-66}" ]
	[ "${lines[1]}" = "#whiteout" ]
}

@test "O_TMPFILE, renames, holes, allocation, locks, maps, ACLs, setgid, setuid, times: as a plain folder" {
	same_answers ""
}

@test "the same with redirects" {
	same_answers ,redirect_dir=on
}

@test "the same with writeback, but for holes" {
	same_answers ,writeback=1 ^holes: 65
}

@test "the same with recorded owners, but for ACLs" {
	same_answers ,xattr_permissions=2 "ACL|^setgid folder:" 61
}

@test "the same as root, and with owners recorded in security attributes" {
	WHO=root NS=-m
	same_answers ""
	rm -rf "$dir"/[!o]*
	same_answers ,xattr_permissions=1 ACL 62
}

@test "the same as root with passthrough, and with recorded owners too" {
	WHO=root NS=-m
	same_answers ,passthrough=1
	rm -rf "$dir"/[!o]*
	same_answers ,passthrough=1,xattr_permissions=1 ACL 62
}

@test "what a FUSE mount cannot do is refused with the errno that callers know" {
	cat >"$dir/script" <<-'END'
		set -eu; cd "$1"; chmod 755 .; mkdir l u w m; echo x >l/f
		fuse-overlay -o lowerdir=l,upperdir=u,workdir=w,xattr_permissions=2 m; trap 'umount -l m' EXIT
		setfacl -m u:1:rwx m/f 2>&1 | grep -o "Operation not supported"
		fallocate -c -o 0 -l 4096 m/f 2>&1 | grep -o "Operation not supported"
		python3 -c "
		import ctypes, errno
		c = ctypes.CDLL(None, use_errno=True)
		c.renameat2(-100, b'm/f', -100, b'm/g', 4); print(errno.errorcode[ctypes.get_errno()])"
	END
	sed -i 's/^\t\timport/import/; s/^\t\tc/c/' "$dir/script"
	script_in_userns
	[ "$(echo $output)" = "Operation not supported Operation not supported EINVAL" ]
}

@test "as root: device nodes are made, linked, renamed, copied up, removed; 0:0 is refused" {
	cat >"$dir/script" <<-'END'
		set -eu; cd "$1"; mkdir l u w m; mknod l/low c 1 5; mknod l/blk b 7 0
		fuse-overlay -o lowerdir=l,upperdir=u,workdir=w m; trap 'umount -l m' EXIT
		mknod m/c c 1 3; ln m/c m/c2; mv m/c2 m/c3; ln m/low m/low2; chmod 600 m/blk; chown 3:4 m/low
		(cd m; stat -c '%n %F %t:%T %h %a %u' c c3 low low2 blk); rm m/low m/c; ls m
		mknod m/w c 0 0 2>&1 | grep -o "Operation not permitted"
	END
	run_as root unshare -m bash "$dir/script" "$dir"
	[ "$output" = "c character special file 1:3 2 644 0
c3 character special file 1:3 2 644 0
low character special file 1:5 2 644 3
low2 character special file 1:5 2 644 3
blk block special file 7:0 1 600 0
blk
c3
low2
Operation not permitted" ] || { echo "$output"; false; }
}
