#!/usr/bin/env bats
# fuse-overlay and the other overlay programs read each other's layers

load helpers
load overlay

# in_layers SCRIPT: as uid 0 of a user namespace, in a folder with top, base and m
# show: what the mount at m shows; both SHOW: it by ours and by native overlay, once if they agree
in_layers() {
	cat >"$dir/script" <<-'END'
		set -eu
		cd "$1"; chmod 755 .; mkdir -p top base m
		trap 'umount -l m 2>/dev/null || :' EXIT
		show() { (cd m; find . -mindepth 1 -printf '%P %y %m %U:%G %s\n' | sort); }
		both() {
			fuse-overlay -o "lowerdir=$1" m; ours=$(show); umount m
			mount -t overlay o -o "ro,userxattr,lowerdir=$1" m; native=$(show); umount m
			# native overlay knows whiteouts that are attributes from 6.8 on
			[ -z "${2:-}" ] || sort -VC <<<$'6.8\n'"$(uname -r)" || native=$ours
			[ "$ours" = "$native" ] || { echo "ours: $ours"; echo "native: $native"; exit 1; }
			cut -d' ' -f1 <<<"$ours" | tr '\n' ' '
		}
		eval "$2"
	END
	script_in_userns "$1"
}

@test "whiteouts of both kinds and opaque folders are what they are to native overlay" {
	in_layers '
		mkdir -p base/d base/o base/x; touch base/gone base/kept base/d/a base/o/hidden base/x/gone base/x/kept
		mkdir -p top/d top/o top/x base/x/sub top/x/sub; touch base/x/sub/f; mknod top/gone c 0 0; mknod top/d/a c 0 0
		setfattr -n user.overlay.opaque -v y top/o; touch top/o/new
		both top:base; echo
		# an empty file with the attribute, where the folder says that there are such
		setfattr -n user.overlay.opaque -v x top/x; touch top/x/gone top/x/mine
		setfattr -n user.overlay.whiteout -v y top/x/gone; both top:base attributes; echo
		# and where the folder only says so in the last layer
		both base:top'
	[ "${lines[0]}" = "d kept o o/new x x/gone x/kept x/sub x/sub/f " ]
	[ "${lines[1]}" = "d kept o o/new x x/kept x/mine x/sub x/sub/f " ]
	[ "${lines[2]}" = "d d/a gone kept o o/hidden o/new x x/gone x/kept x/mine x/sub x/sub/f " ] || { echo "$output"; false; }
}

@test "whiteout files under a writable mount: made again, removed, the folder emptied" {
	in_layers '
		mkdir base/x top/x u w; touch base/x/gone base/x/kept top/x/gone
		setfattr -n user.overlay.opaque -v x top/x; setfattr -n user.overlay.whiteout -v y top/x/gone
		fuse-overlay -o lowerdir=top:base,upperdir=u,workdir=w m; [ ! -e m/x/gone ]
		echo new >m/x/gone; cat m/x/gone; rm m/x/gone; [ ! -e m/x/gone ]; rm m/x/kept; ls m/x; rmdir m/x
		umount m; both u:top:base attributes; ls top/x'
	[ "$(echo $output)" = "new gone" ]
}

@test "escaped attributes of a nested overlay are handed through" {
	in_layers '
		mkdir top/d base/d; touch base/d/f; setfattr -n user.overlay.overlay.opaque -v y top/d
		fuse-overlay -o lowerdir=top:base m; getfattr --only-values -n user.overlay.opaque m/d; ls m/d; umount m
		# native overlay knows them since Linux 6.7
		if [ "$(printf "6.7\n%s\n" "$(uname -r)" | sort -V | head -n 1)" = 6.7 ]; then
			mount -t overlay o -o ro,userxattr,lowerdir=top:base m; getfattr --only-values -n user.overlay.opaque m/d; ls m/d
		else echo yf; fi'
	[ "$(echo $output)" = "yf yf" ]
}

@test "fuse-overlayfs's own marks: opaque folders, owners in each of its attributes" {
	in_layers '
		mkdir -p top/o base/o; touch base/o/hidden top/o/new top/f top/p top/b
		setfattr -n user.fuseoverlayfs.opaque -v y top/o
		for a in user.fuseoverlayfs.override_stat user.containers.override_stat; do
			setfattr -n $a -v 0:0:755 top top/o top/o/new; setfattr -n $a -v 33:44:4750 top/f
			# Debian 12 has a fuse-overlayfs that does not know the types yet
			for p in fuse-overlay fuse-overlayfs; do
				$p -o lowerdir=top:base m 2>/dev/null
				stat -c "%n %u:%g %a" m/f m/o/new; ls m/o; umount m
			done
			setfattr -n $a -v 1:2:640:pipe top/p; setfattr -n $a -v 0:6:660:block-8-3 top/b
			fuse-overlay -o lowerdir=top:base m; stat -c "%n %u:%g %a %F %t:%T" m/p m/b
			find m -type p; umount m
			setfattr -x $a top top/f top/o top/o/new top/p top/b
		done'
	plain=$'m/f 33:44 4750\nm/o/new 0:0 755\nnew'
	typed=$'m/p 1:2 640 fifo 0:0\nm/b 0:6 660 block special file 8:3\nm/p'
	[ "$output" = "$plain"$'\n'"$plain"$'\n'"$typed"$'\n'"$plain"$'\n'"$plain"$'\n'"$typed" ] || { echo "$output"; false; }
}

@test "owners that we record are what fuse-overlayfs shows" {
	in_layers '
		mkdir base/d u w; echo x >base/d/f; chown 3:4 base/d/f; chmod 4711 base/d/f
		fuse-overlay -o lowerdir=base,upperdir=u,workdir=w,xattr_permissions=2 m
		echo y >m/d/new; chown 33:44 m/d/new; chmod 640 m/d/new; mkdir m/e; chmod 1777 m/e; setfattr -n user.x -v 1 m/d/f
		ln m/d/new m/e/link; mv m/d/new m/e/moved; touch m/root; umount m
		for p in fuse-overlay fuse-overlayfs; do
			$p -o lowerdir=u:base m 2>/dev/null; (cd m; stat -c "%n %u:%g %a %s" . d d/f e e/link e/moved root); umount m
		done
		getfattr --only-values -n user.containers.override_stat u/e/moved'
	half=$(( (${#lines[@]} - 1) / 2 ))
	[ "$half" = 7 ]
	[ "${lines[*]:0:7}" = "${lines[*]:7:7}" ]
	assert_output_has "e/moved 33:44 640 2"
	assert_output_has "d/f 3:4 4711 2"
	[ "${lines[14]}" = 33:44:0640 ]
}

@test "random layers by turns: ours and native overlay, ours and fuse-overlayfs" {
	helper overlay_interchange.py
	# fuse-overlayfs cannot list what some seeds give it, so its seed is one that it can
	for peer in native fuse-overlayfs; do
		[ "$peer" = native ] && seed=$RANDOM || seed=7
		in_userns python3 "$dir/overlay_interchange.py" "$BIN/fuse-overlay" \
			"$dir/$peer" "$peer" 10 "${SOAK_SEED:-$seed}"
		echo "# ${lines[-1]}" >&3
		assert_output_has "10 layers"
	done
}
