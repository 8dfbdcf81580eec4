#!/usr/bin/env bats
# newuidmap and newgidmap, call by call, beside shadow's

load helpers

setup() {
	need_root
	table=$BATS_TEST_DIRNAME/uidmap/calls.table
	calls=$BATS_TEST_DIRNAME/uidmap/idmap-calls.sh
	own_etc=$BATS_TEST_DIRNAME/uidmap/own-etc.sh
}

@test "every call of the table gets its answer from ours, with file capabilities" {
	run "$own_etc" "$calls" "$table" 6 "$BIN"
	echo "$output"
	[ "$output" = "$(grep -c '^[a-z]*|' "$table") calls" ]
}

@test "and from ours installed setuid root" {
	dir=$(scratch root)
	chmod 755 "$dir"
	install -m 4755 "$BIN/newuidmap" "$BIN/newgidmap" "$dir"
	[ -z "$(getcap "$dir/newuidmap")" ]
	run "$own_etc" "$calls" "$table" 6 "$dir"
	rm -rf "$dir"
	echo "$output"
	[ "$output" = "$(grep -c '^[a-z]*|' "$table") calls" ]
}

@test "the answers written down for shadow 4.13 are shadow's" {
	[[ $(dpkg-query -W -f '${Version}' uidmap 2>/dev/null) == *4.13* ]] || skip "shadow 4.13's uidmap is not installed"
	run "$own_etc" "$calls" "$table" 7 /usr/bin
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
	[ "$output" = "newuidmap: usage: newuidmap PID|fd:N uid loweruid count [uid loweruid count]... [--gids gid lowergid count...]" ]
	run_as sub 2 newgidmap
	[ "$output" = "newgidmap: usage: newgidmap PID|fd:N gid lowergid count [gid lowergid count]..." ]
}

# both WORDS…: newuidmap of $dir for a new namespace of sub's, then what became of it
both() {
	run_as sub bash -c '
		unshare -U sleep 60 & p=$!
		trap "kill $p" EXIT
		until [ "$(readlink /proc/$p/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.01; done
		'"$dir"'/newuidmap $p '"$*"'; echo "status $?"
		echo $(cat /proc/$p/uid_map) / $(cat /proc/$p/gid_map) / $(cat /proc/$p/setgroups)'
}

@test "both maps in one call, each judged as if it were alone" {
	dir=$BIN
	u=$(awk -F: -v n="$(account sub)" '$1 == n { print $2; exit }' /etc/subuid)
	g=$(awk -F: -v n="$(account sub)" '$1 == n { print $2; exit }' /etc/subgid)
	me=$(id -u "$(account sub)") mine=$(id -g "$(account sub)")
	both 0 "$me" 1 1 "$u" 65536 --gids 0 "$mine" 1 1 "$g" 65536
	[ "$output" = "status 0
0 $me 1 1 $u 65536 / 0 $mine 1 1 $g 65536 / allow" ]
	# setgroups goes with the group map alone
	both 0 "$u" 10 --gids 0 "$mine" 1
	[ "$output" = "status 0
0 $u 10 / 0 $mine 1 / deny" ]
	# one that is refused: neither is written
	both 0 "$u" 10 --gids 0 "$((g + 65536))" 1
	[ "$output" = "newuidmap: gid range [0-1) -> [$((g + 65536))-$((g + 65537))) not allowed
status 1
/ / allow" ]
	both 0 0 1 --gids 0 "$g" 10
	assert_output_has "uid range [0-1) -> [0-1) not allowed"
	assert_output_has "/ / allow"
	for words in "0 $u 10 --gids" "0 $u 10 --gids 0 $g" "--gids 0 $g 10" "0 $u 10 --gids 0 $g 10 --gids 0 $g 10" \
		"0 $u 10 --gids 0 $g x" "0 $u --gids 0 0 $g 10"; do
		both "$words"
		echo "$words: $output"
		assert_output_has "status 2"
		assert_output_has "/ / allow"
	done
}

@test "both maps in one call: not with one capability, and the plan asks for what works" {
	dir=$(scratch root)
	chmod 755 "$dir"
	cp "$BIN/uidmap" "$BIN/newuidmap" "$BIN/newgidmap" "$dir"
	setcap cap_setuid+ep "$dir/newuidmap"
	setcap cap_setgid+ep "$dir/newgidmap"
	u=$(awk -F: -v n="$(account sub)" '$1 == n { print $2; exit }' /etc/subuid)
	g=$(awk -F: -v n="$(account sub)" '$1 == n { print $2; exit }' /etc/subgid)
	both 0 "$u" 10 --gids 0 "$g" 10
	assert_output_has "without the file capability cap_setgid"
	assert_output_has "/ / allow"
	run_as sub "$dir/uidmap" plan --json
	jq -e '.mode == "range" and .together == false' <<<"$output"
	run_as sub "$dir/uidmap" run cat /proc/self/gid_map
	assert_output_has "$g"
	setcap cap_setuid,cap_setgid+ep "$dir/newuidmap"
	run_as sub "$dir/uidmap" plan --json
	jq -e '.mode == "range" and .together == true' <<<"$output"
	run_as sub "$dir/uidmap" run cat /proc/self/gid_map
	assert_output_has "$g"
	rm -rf "$dir"
}

@test "without any privilege: the own id alone, as the kernel lets everyone" {
	dir=$(scratch root)
	chmod 755 "$dir"
	cp "$BIN/newuidmap" "$BIN/newgidmap" "$dir"
	[ -z "$(getcap "$dir/newuidmap")" ] # cp keeps none
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

# map_as UID GID START: in a throw-away /etc made by the lines on stdin, map ten ids from START
map_as() {
	local prepare
	prepare=$(cat)
	"$own_etc" bash -c "$prepare
		setpriv --reuid $1 --regid $2 --clear-groups --inh-caps=-all bash -c '
			unshare -U sleep 60 & p=\$!; trap \"kill \$p\" EXIT
			until [ \"\$(readlink /proc/\$p/ns/user)\" != \"\$(readlink /proc/self/ns/user)\" ]; do sleep 0.01; done
			$BIN/newuidmap \$p 0 $3 10 && cat /proc/\$p/uid_map' 2>&1"
}

@test "a grant under another login name of the same user counts" {
	sub=$(account sub)
	run map_as "$(id -u "$sub")" "$(id -g "$sub")" 300000 <<-END
		echo "twin:x:$(id -u "$sub"):$(id -g "$sub")::/:/bin/sh" >>/etc/passwd
		echo twin:300000:10 >/etc/subuid
	END
	[[ $output =~ 0\ +300000\ +10 ]]
	run map_as "$(id -u "$sub")" "$(id -g "$sub")" 300000 <<-END
		echo "twin:x:54321:$(id -g "$sub")::/:/bin/sh" >>/etc/passwd
		echo twin:300000:10 >/etc/subuid
	END
	assert_output_has "not allowed"
}

@test "login.defs opens grants to the user's other groups" {
	sub=$(account sub)
	for answer in yes no; do
		run map_as "$(id -u "$sub")" 65534 300000 <<-END
			echo GRANT_AUX_GROUP_SUBIDS $answer >>/etc/login.defs
			echo $sub:300000:10 >/etc/subuid
		END
		echo "$answer: $output"
		case $answer in
		yes) [[ $output =~ 0\ +300000\ +10 ]] ;;
		no) assert_output_has "is owned by a different user" ;;
		esac
	done
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
		ldconfig; cp $dir/nsswitch.conf $dir/subuid /etc
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
		run "$own_etc" bash "$dir/go" "$kind"
		echo "$kind: $output"
		assert_output_has "uid range [0-10) -> [500000-500010) not allowed"
		assert_output_has "uid range [0-11) -> [400000-400011) not allowed"
		[[ $output =~ 0\ +400000\ +10 ]]
		assert_output_has '"uid_grants":[{"start":400000,"count":10}]'
		[[ $output != *"the file was read"* && $output != *"more than"* ]]
	done
	rm -rf "$dir"
}
