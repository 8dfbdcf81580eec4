#!/usr/bin/env bats
# uidmap plan and uidmap run

load helpers

setup() {
	sub=$(account sub) nosub=$(account nosub)
	own_etc=$BATS_TEST_DIRNAME/uidmap/own-etc.sh
}

# ids KIND: start of the account's granted user ids
granted() {
	awk -F: -v n="$sub" '$1 == n { print $2; exit }' "/etc/sub$1"
}

@test "plan: granted ids, through our own helper" {
	run_as sub uidmap plan --json
	echo "$output" | jq -e --arg u "$(granted uid)" --arg g "$(granted gid)" --argjson me "$(id -u "$sub")" --arg b "$BIN" '
		.version == 1 and .mode == "range" and .uid == $me and .missing == [] and .setgroups == "allow" and
		.newuidmap == $b + "/newuidmap" and .newgidmap == $b + "/newgidmap" and .together and
		.uid_map == [{inside: 0, outside: $me, count: 1}, {inside: 1, outside: ($u | tonumber), count: 65536}] and
		.gid_map[1].outside == ($g | tonumber) and .uid_grants == [{start: ($u | tonumber), count: 65536}]'
}

@test "plan: nothing granted, and the line that grants" {
	run_as nosub uidmap plan --json
	echo "$output" | jq -e --argjson me "$(id -u "$nosub")" '
		.mode == "single" and .setgroups == "deny" and .newuidmap == null and .uid_grants == [] and
		.uid_map == [{inside: 0, outside: $me, count: 1}] and ([.missing[].what] == ["subuid", "subgid"])'
	[[ $(jq -r '.missing[0].line' <<<"$output") == "usermod --add-subuids "*"-"*" $nosub" ]]
}

@test "plan: the advised lines, typed by an admin, do it" {
	need_root
	[ -x /usr/sbin/usermod ]
	dir=$(scratch root)
	chmod 755 "$dir"
	as nosub uidmap plan --json | jq -r '.missing[].line' >"$dir/lines"
	cat "$dir/lines"
	run "$own_etc" bash -c "PATH=$PATH:/usr/sbin sh -e $dir/lines &&
		setpriv --reuid $nosub --regid $nosub --init-groups --inh-caps=-all $BIN/uidmap plan --json"
	rm -rf "$dir"
	echo "$output"
	[ "$(tail -n 1 <<<"$output" | jq -r .mode)" = range ]
}

@test "plan: a user without a passwd entry, by number" {
	need_root
	run setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all "$BIN/uidmap" plan --json
	echo "$output" | jq -e '.mode == "single" and .name == null and .uid == 54321'
	line=$(jq -r '.missing[0].line' <<<"$output")
	[[ $line =~ ^echo\ 54321:[0-9]+:65536\ \>\>/etc/subuid$ ]]
	run "$own_etc" bash -c "echo 54321:700000:65536 | tee -a /etc/subuid >>/etc/subgid
		setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all $BIN/uidmap plan --json"
	echo "$output" | jq -e '.mode == "range" and .uid_map[1].outside == 700000'
}

@test "plan: what the helper lacks: its capability, the mount, no_new_privs" {
	need_root
	dir=$(scratch root)
	chmod 755 "$dir"
	cp "$BIN/uidmap" "$BIN/newuidmap" "$BIN/newgidmap" "$dir"
	# no other helper in reach
	SUITE_ENV="PATH=/nowhere" run_as sub "$dir/uidmap" plan --json
	echo "$output" | jq -e --arg d "$dir" '.mode == "single" and .missing[0].what == "newuidmap" and
		.missing[0].line == "setcap cap_setuid+ep " + $d + "/newuidmap" and
		.missing[1].line == "setcap cap_setgid+ep " + $d + "/newgidmap"'
	jq -r '.missing[].line' <<<"$output" | sh -e
	SUITE_ENV="PATH=/nowhere" run_as sub "$dir/uidmap" plan --json
	echo "$output" | jq -e --arg d "$dir" '.mode == "range" and .newuidmap == $d + "/newuidmap"'
	SUITE_ENV="PATH=/nowhere" run_as sub /usr/bin/setpriv --no-new-privs "$dir/uidmap" plan --json
	echo "$output" | jq -e '.mode == "single" and (.missing[0].why | contains("no_new_privs")) and .missing[0].line == null'
	run unshare -m bash -c "mount -t tmpfs -o nosuid,mode=755 t /mnt && cp -a --preserve=all $dir/. /mnt &&
		exec env PATH=/nowhere /usr/bin/setpriv --reuid $sub --regid $(id -g "$sub") --init-groups --inh-caps=-all /mnt/uidmap plan --json"
	echo "$output" | jq -e '.mode == "single" and (.missing[0].why | contains("nosuid"))'
	rm "$dir/newuidmap"
	SUITE_ENV="PATH=/nowhere" run_as sub "$dir/uidmap" plan --json
	echo "$output" | jq -e '.mode == "single" and .missing[0].line == "apt-get install uidmap"'
	rm -rf "$dir"
}

@test "plan: the system's helper where ours has no capability" {
	need_root
	[ -u /usr/bin/newuidmap ] || skip "no newuidmap of the system"
	dir=$(scratch root)
	chmod 755 "$dir"
	cp "$BIN/uidmap" "$BIN/newuidmap" "$BIN/newgidmap" "$dir"
	SUITE_ENV="PATH=/usr/bin" run_as sub "$dir/uidmap" plan --json
	rm -rf "$dir"
	echo "$output" | jq -e '.mode == "range" and .newuidmap == "/usr/bin/newuidmap" and .missing == [] and
		.together == false'
}

@test "plan: user namespaces switched off, with the switch named" {
	# the limit counts in the user's own namespace too
	run_as nosub unshare -Ur bash -c 'echo 0 >/proc/sys/user/max_user_namespaces && uidmap plan --json'
	echo "$output" | jq -e '.mode == "none" and .uid_map == [] and .missing[0].what == "userns" and
		.missing[0].line == "sysctl -w user.max_user_namespaces=65536"'
	run_as nosub 1 unshare -Ur bash -c 'echo 0 >/proc/sys/user/max_user_namespaces && uidmap run true'
	assert_one_line
	[ "$output" = "uidmap: run: unshare: No space left on device" ]
}

@test "plan: root, and root of a namespace" {
	run_as sub uidmap run uidmap plan --json
	echo "$output" | jq -e '.mode == "root" and .setgroups == "allow" and .newuidmap == null and
		.uid_map == [{inside: 0, outside: 0, count: 1}, {inside: 1, outside: 1, count: 65536}]'
	run_as nosub uidmap run uidmap plan --json
	echo "$output" | jq -e '.mode == "root" and .setgroups == "deny" and .uid_map == [{inside: 0, outside: 0, count: 1}]'
	need_root
	run_as root uidmap plan --json
	echo "$output" | jq -e '.mode == "root" and .uid_map == [{inside: 0, outside: 0, count: 4294967295}]'
}

@test "plan for a person says the same" {
	run_as nosub uidmap plan
	assert_output_has "mode        single: the own id alone"
	assert_output_has "missing     subuid: no user ids are granted"
	assert_output_has "            # usermod --add-subuids "
}

@test "run: root inside, files of granted ids, and their removal" {
	run_as sub uidmap run sh -c 'id -u; id -g; tr -s " " </proc/self/uid_map'
	[ "$output" = $'0\n0\n'" 0 $(id -u "$sub") 1"$'\n'" 1 $(granted uid) 65536" ]
	dir=$(scratch sub)
	run_as sub uidmap run sh -c "mkdir $dir/layer; echo x >$dir/layer/f; chown 33:34 $dir/layer $dir/layer/f"
	[ "$(stat -c %u:%g "$dir/layer/f")" = "$(($(granted uid) + 32)):$(($(granted gid) + 33))" ]
	run_as sub 1 rm -rf "$dir/layer"
	run_as sub uidmap run rm -rf "$dir/layer"
	[ ! -e "$dir/layer" ]
	rm -rf "$dir"
}

@test "run: --keep-id" {
	for kind in sub nosub; do
		run_as "$kind" uidmap run --keep-id -- id -u
		[ "$output" = "$(id -u "$(account "$kind")")" ]
		run_as "$kind" uidmap run -k -- id -g
		[ "$output" = "$(id -g "$(account "$kind")")" ]
	done
	run_as sub uidmap run --keep-id cat /proc/self/uid_map
	me=$(id -u "$sub")
	[[ $output =~ $me\ +$me\ +1 ]]
	[[ $output =~ \ 0\ +$(granted uid)\ +$me ]]
}

@test "run: maps of one's own choice" {
	u=$(granted uid) g=$(granted gid) me=$(id -u "$sub") mygid=$(id -g "$sub")
	run_as sub uidmap run --uid-map "0:$u:2" --gid-map "0:$g:2" cat /proc/self/uid_map
	[[ $output =~ ^\ +0\ +$u\ +2$ ]]
	run_as sub uidmap run --uid-map "7:$me:1" --gid-map "9:$mygid:1" sh -c 'id -u; id -g; cat /proc/self/setgroups'
	[ "$output" = $'7\n9\ndeny' ]
	run_as sub uidmap run --uid-map "5:$u:1" --uid-map "0:$me:1" sh -c 'id -u; cat /proc/self/uid_map | wc -l'
	[ "$output" = $'0\n2' ]
	run_as sub 1 uidmap run --uid-map "0:1:1" true
	[ "$output" = "uidmap: run: uid range [0-1) -> [1-2) not allowed" ]
	run_as nosub 1 uidmap run --map "0:$u:1" true
	assert_one_line
	for bad in 0 0:1 x:1:1 0:1:0 0:1:1:1 ''; do
		run_as sub 2 uidmap run --map "$bad" true
		assert_one_line
	done
	run_as sub 2 uidmap run --keep-id --map 0:1:1 true
	run_as sub 2 uidmap run --keep-id --root true
	assert_one_line
}

@test "run: the process is the command: status, signals, pid" {
	run_as sub 7 uidmap run sh -c 'exit 7'
	run_as sub bash -c 'uidmap run no-such-command-anywhere 2>&1; echo $?'
	[ "$output" = $'uidmap: run: no-such-command-anywhere: No such file or directory\n127' ]
	run_as sub 126 uidmap run /etc/passwd
	assert_one_line
	run_as sub 2 uidmap run
	run_as sub 2 uidmap plan extra
	run_as sub 2 uidmap dance
	assert_one_line
	run_as sub bash -c 'uidmap run bash -c "kill -TERM \$\$"; echo $?'
	grep -qx 143 <<<"$output"
	# the child that wrote the maps is gone and reaped
	run_as sub bash -c 'exec uidmap run bash -c "read -r c </proc/\$\$/task/\$\$/children; echo \"\$\$ [\$c]\""'
	[[ $output =~ ^[0-9]+\ \[\]$ ]]
}

@test "run: a mount namespace whose mounts nobody else sees" {
	dir=$(scratch sub)
	run_as sub uidmap run sh -c "mount -t tmpfs t $dir && touch $dir/x && ls $dir"
	[ "$output" = x ]
	[ -z "$(ls "$dir")" ]
	rm -rf "$dir"
}

@test "run and plan without HOME, PATH, readable cwd, and with closed descriptors" {
	run_as sub env -i "$BIN/uidmap" plan --json
	[ "$(jq -r .mode <<<"$output")" = range ]
	run_as sub bash -c 'uidmap run /bin/true <&- >&- 2>&-'
	run_as sub bash -c 'd=$(mktemp -d); cd $d; chmod 0 $d; uidmap run /bin/true; r=$?; cd /; rmdir $d; exit $r'
}

@test "help is from the table, and every option is on the page" {
	run_as sub uidmap --help
	assert_output_has "plan"
	run_as sub uidmap run --help
	for option in root keep-id map uid-map gid-map; do
		assert_output_has "--$option"
		grep -q "Fl -$option" "$TREE/docs/man/uidmap.1"
	done
	run_as sub uidmap --version
}

@test "the pages' examples work" {
	run_as sub bash -c '
		u=$(awk -F: -v n=$(id -un) "\$1 == n { print \$2 }" /etc/subuid) g=$(awk -F: -v n=$(id -un) "\$1 == n { print \$2 }" /etc/subgid)
		unshare --user sleep 100 & trap "kill $!" EXIT
		until [ "$(readlink /proc/$!/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.01; done
		newuidmap fd:5 0 $(id -u) 1 1 $u 65536 5</proc/$! && newgidmap $! 0 $(id -g) 1 1 $g 65536 && cat /proc/$!/uid_map
		uidmap run --uid-map 0:$u:2 --gid-map 0:$g:2 cat /proc/self/uid_map'
	[ "$(wc -l <<<"$output")" = 3 ]
}
