#!/usr/bin/env bats
# newuidmap and newgidmap, call by call, beside shadow's

load helpers

setup() {
	need_root
	table=$BATS_TEST_DIRNAME/uidmap/calls.table
	calls=$BATS_TEST_DIRNAME/uidmap/idmap-calls.sh
}

@test "every call of the table gets its answer from ours, with file capabilities" {
	run unshare -m "$calls" "$table" 6 "$BIN"
	echo "$output"
	[ "$output" = "$(grep -c '^[a-z]*|' "$table") calls" ]
}

@test "and from ours installed setuid root" {
	dir=$(scratch root)
	chmod 755 "$dir"
	install -m 4755 "$BIN/newuidmap" "$BIN/newgidmap" "$dir"
	[ -z "$(getcap "$dir/newuidmap")" ]
	run unshare -m "$calls" "$table" 6 "$dir"
	rm -rf "$dir"
	echo "$output"
	[ "$output" = "$(grep -c '^[a-z]*|' "$table") calls" ]
}

@test "the answers written down for shadow 4.13 are shadow's" {
	[[ $(dpkg-query -W -f '${Version}' uidmap 2>/dev/null) == *4.13* ]] || skip "shadow 4.13's uidmap is not installed"
	run unshare -m "$calls" "$table" 7 /usr/bin
	echo "$output"
	[ "$output" = "$(grep -c '^[a-z]*|' "$table") calls" ]
}

@test "a refusal says why, and of whom" {
	run_as sub 1 newuidmap 1 0 5 1
	[ "${output%%,*}" = "newuidmap: Target process 1 is owned by a different user: uid:0 gid:0" ]
	run_as sub bash -c '! newgidmap $$ 0 5 1'
	[[ $output =~ ^newgidmap:\ Target\ [0-9]+\ is\ in\ the\ caller\'s\ own\ user\ namespace$ ]]
	run_as sub bash -c 'unshare -Ur unshare -U sleep 60 & p=$!; trap "kill $p" EXIT
		until [ "$(cat /proc/$p/comm)" = sleep ]; do sleep 0.01; done; ! newuidmap $p 0 5 1'
	assert_output_has "its user namespace is not a child of the caller's"
	run_as sub bash -c 'unshare -Ur sleep 60 & p=$!; trap "kill $p" EXIT
		until [ "$(cat /proc/$p/comm)" = sleep ]; do sleep 0.01; done; ! newuidmap $p 0 $(id -u) 1'
	assert_output_has "is already written"
	run_as sub 1 newuidmap 99999999 0 5 1
	[ "$output" = "newuidmap: open /proc/99999999: No such file or directory" ]
	run_as sub 2 newuidmap
	[ "$output" = "newuidmap: usage: newuidmap PID|fd:N uid loweruid count [uid loweruid count]..." ]
}

@test "without any privilege: the own id alone, as the kernel lets everyone" {
	dir=$(scratch root)
	chmod 755 "$dir"
	cp "$BIN/newuidmap" "$BIN/newgidmap" "$dir"
	setcap -r "$dir/newuidmap" 2>/dev/null || true # cp keeps none, this makes sure
	run_as sub bash -c '
		unshare -U sleep 60 & p=$!
		trap "kill $p" EXIT
		until [ "$(readlink /proc/$p/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.01; done
		'"$dir"'/newuidmap $p 0 $(id -u) 1 1 100000 5 && exit 1
		'"$dir"'/newuidmap $p 0 $(id -u) 1 && '"$dir"'/newgidmap $p 0 $(id -g) 1
		tr -s " " </proc/$p/uid_map; cat /proc/$p/setgroups'
	rm -rf "$dir"
	assert_output_has "newuidmap: "
	assert_output_has " 0 $(id -u "$(account sub)") 1"
	assert_output_has deny
}

@test "a grant under another login name of the same user counts" {
	dir=$(scratch root)
	chmod 755 "$dir"
	sub=$(account sub)
	cp -a /etc/passwd "$dir/passwd"
	echo "twin:x:$(id -u "$sub"):$(id -g "$sub")::/:/bin/sh" >>"$dir/passwd"
	echo twin:300000:10 >"$dir/subuid"
	unshare -m bash -c "mount --bind $dir/passwd /etc/passwd; mount --bind $dir/subuid /etc/subuid
		setpriv --reuid $(id -u "$sub") --regid $(id -g "$sub") --clear-groups bash -c '
			unshare -U sleep 60 & p=\$!
			until [ \"\$(readlink /proc/\$p/ns/user)\" != \"\$(readlink /proc/self/ns/user)\" ]; do sleep 0.01; done
			$BIN/newuidmap \$p 0 300000 10 && cat /proc/\$p/uid_map; kill \$p'" >"$dir/out"
	grep -E '0 +300000 +10' "$dir/out"
	rm -rf "$dir"
}

@test "login.defs opens grants to the user's other groups" {
	dir=$(scratch root)
	chmod 755 "$dir"
	sub=$(account sub)
	for answer in yes no; do
		(cat /etc/login.defs 2>/dev/null; echo "GRANT_AUX_GROUP_SUBIDS $answer") >"$dir/login.defs"
		echo "$sub:300000:10" >"$dir/subuid"
		unshare -m bash -c "mount --bind $dir/login.defs /etc/login.defs; mount --bind $dir/subuid /etc/subuid
			setpriv --reuid $sub --regid 65534 --clear-groups bash -c '
				unshare -U sleep 60 & p=\$!
				until [ \"\$(readlink /proc/\$p/ns/user)\" != \"\$(readlink /proc/self/ns/user)\" ]; do sleep 0.01; done
				$BIN/newuidmap \$p 0 300000 10 && cat /proc/\$p/uid_map; kill \$p'" >"$dir/out.$answer" 2>&1
	done
	grep -E '0 +300000 +10' "$dir/out.yes"
	grep 'is owned by a different user' "$dir/out.no"
	rm -rf "$dir"
}

# A source of subordinate ids as a directory service has it, behind libsubid.
@test "grants come from the source that nsswitch.conf names" {
	dir=$(scratch root)
	chmod 755 "$dir"
	sub=$(account sub)
	mkdir "$dir/u" "$dir/w" "$dir/t"
	cc -shared -fPIC -o "$dir/libsubid_suite.so" "$BATS_TEST_DIRNAME/uidmap/subid_source.c"
	# the machine may have no libsubid: then the same file stands in for it
	cc -shared -fPIC -DLIBSUBID -o "$dir/libsubid.so.4" "$BATS_TEST_DIRNAME/uidmap/subid_source.c"
	(grep -v '^subid:' /etc/nsswitch.conf 2>/dev/null; echo 'subid: suite') >"$dir/nsswitch.conf"
	echo "$sub:500000:10" >"$dir/subuid"
	libs=$(dirname "$(ldconfig -p | awk '/libc\.so\.6/ { print $NF; exit }')")
	cat >"$dir/go" <<-END
		mount -t tmpfs t $dir/t && mkdir $dir/t/u $dir/t/w
		mount -t overlay o -o lowerdir=$libs,upperdir=$dir/t/u,workdir=$dir/t/w $libs || exit 77
		cp $dir/libsubid_suite.so $libs
		[ \$1 = real ] || { cp $dir/libsubid.so.4 $libs; rm -f $libs/libsubid.so.5; }
		ldconfig -C $dir/ld.so.cache && mount --bind $dir/ld.so.cache /etc/ld.so.cache
		mount --bind $dir/nsswitch.conf /etc/nsswitch.conf; mount --bind $dir/subuid /etc/subuid
		setpriv --reuid $sub --regid $sub --init-groups bash -c '
			unshare -U sleep 60 & p=\$!; trap "kill \$p" EXIT
			until [ "\$(readlink /proc/\$p/ns/user)" != "\$(readlink /proc/self/ns/user)" ]; do sleep 0.01; done
			$BIN/newuidmap \$p 0 500000 10 && echo the file was read
			$BIN/newuidmap \$p 0 400000 11 && echo more than granted
			$BIN/newuidmap \$p 0 400000 10 && cat /proc/\$p/uid_map; $BIN/uidmap plan --json'
	END
	kinds=fake
	[ ! -e "$libs/libsubid.so.4" ] || kinds="fake real"
	for kind in $kinds; do
		run unshare -m bash "$dir/go" "$kind"
		echo "$kind: $output"
		assert_output_has "uid range [0-10) -> [500000-500010) not allowed"
		assert_output_has "uid range [0-11) -> [400000-400011) not allowed"
		[[ $output =~ 0\ +400000\ +10 ]]
		assert_output_has '"uid_grants":[{"start":400000,"count":10}]'
		[[ $output != *"the file was read"* && $output != *"more than"* ]]
	done
	rm -rf "$dir"
}
