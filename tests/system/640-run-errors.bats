#!/usr/bin/env bats
# What goes wrong says so in one line that names the thing, and leaves nothing

load helpers
load images
load run

setup_file() { run_setup; }
teardown_file() { run_teardown; }
teardown() { for kind in sub nosub root; do nothing_left "$kind"; done; }

# fails KIND WORD ARGS…: exit 125, one line, WORD in it, nothing left
fails() {
	local kind=$1 word=$2
	shift 2
	rr "$kind" 125 "$@"
	assert_one_line
	[[ $output == runner:* ]] || { echo "$output"; return 1; }
	assert_output_has "$word"
	nothing_left "$kind"
}

@test "a bad option, a bad value, a missing operand" {
	for kind in sub nosub root; do
		fails "$kind" --nonsense run --nonsense bb:1
		fails "$kind" --publish run -p 80:: bb:1
		fails "$kind" 99999 run -p 99999:80 bb:1
		fails "$kind" 'missing' run
		fails "$kind" --memory run --memory 5x bb:1
		fails "$kind" --restart run --restart always bb:1
	done
	fails sub '--name' run --name
	fails sub 'ids=two' run --require ids=two bb:1
	fails sub '(usage: runner ps [OPTIONS])' ps extra
	fails nosub staff run --recorded-ids off --group-add staff bb:1 true
	fails nosub ids=range run --require rootfs=copy --require ids=range bb:1 true
	fails sub "'-x'" run --name -x bb:1
	fails sub absolute run --mount type=bind,src=relative,dst=/x bb:1
	fails sub nofile run --ulimit nofile=a bb:1
	fails sub fnord run --ulimit fnord=1 bb:1
	fails sub 'Ctrl' run --detach-keys Ctrl-x bb:1
	fails sub warp run --network warp bb:1
	fails sub 8080 run --network none -p 8080:80 bb:1
	fails sub nosuchfile run --env-file /nosuchfile bb:1
	fails sub nosuchprofile run --security-opt seccomp=/nosuchprofile bb:1
	fails sub fnord run --security-opt fnord bb:1
	fails sub nosuchhost run -v /nosuchhost/x:/x:fnord bb:1
	fails sub /no/such run --mount type=bind,src=/no/such,dst=/x bb:1
	fails sub 'two mounts' run -v /tmp:/x --tmpfs /x bb:1
	fails sub --root --root '' ps
}

@test "a missing image: registry that is not there" {
	local port
	port=$(free_port)
	for kind in sub nosub root; do
		fails "$kind" "localhost:$port" run "localhost:$port/none:1"
		fails "$kind" absent run --pull never absent:9
	done
}

@test "an unwritable store, a store that is a file, a runtime folder of somebody else" {
	for kind in sub nosub; do
		run as "$kind" runner --root /proc/nothing --runroot "$STORES/$kind/run" run bb:1
		[ "$status" -eq 125 ]; assert_one_line; assert_output_has /proc/nothing
		run as "$kind" runner --root /etc/passwd --runroot "$STORES/$kind/run" run bb:1
		[ "$status" -eq 125 ]; assert_one_line; assert_output_has /etc/passwd
		run as "$kind" runner --root /usr --runroot "$STORES/$kind/run" run bb:1
		[ "$status" -eq 125 ]; assert_one_line; assert_output_has /usr
		run as "$kind" runner --root "$STORES/$kind/root" --runroot "$STORES/root/run" run bb:1
		[ "$status" -eq 125 ]; assert_one_line
		mkdir -p "$STORES/planted-$kind"; chmod 0755 "$STORES/planted-$kind"
		run as "$kind" runner --root "$STORES/$kind/root" --runroot "$STORES/planted-$kind" run bb:1
		[ "$status" -eq 125 ]; assert_one_line; assert_output_has 'belongs to uid 0'
		mkdir -p "$STORES/$kind/open"; chown "$(account "$kind"):" "$STORES/$kind/open"; chmod 0777 "$STORES/$kind/open"
		run as "$kind" runner --root "$STORES/$kind/root" --runroot "$STORES/$kind/open" run bb:1
		[ "$status" -eq 125 ]; assert_one_line; assert_output_has 'written by others'
	done
}

@test "no space: run says so, rm works, nothing is left" {
	for kind in sub nosub; do
		small=$STORES/$kind/small
		mkdir -p "$small"
		# a disk of 12 MB, seen by the commands inside this mount namespace only
		unshare -m bash -c "
			set -e
			mount -t tmpfs -o size=12m,mode=755 small '$small'
			chown '$(account "$kind"):' '$small'
			. '$BATS_TEST_DIRNAME/helpers.bash'
			go() { as $kind runner --root '$small/root' --runroot '$STORES/$kind/run-small' \"\$@\"; }
			go load -q -i '$IMG/bb' >/dev/null
			go run --network none --name full bb:1 sh -c 'dd if=/dev/zero of=/fill bs=64k 2>/dev/null; echo wrote'
			if dd if=/dev/zero of='$small/rest' bs=4k 2>/dev/null; then echo never full; exit 1; fi
			if go run --rm --network none bb:1 true 2>'$STORES/$kind/said'; then echo ran; exit 1; fi
			go ps -a | grep -q full
			go rm full >/dev/null
			rm '$small/rest'
			[ -z \"\$(go ps -aq)\" ]
			[ -z \"\$(ls '$small/root/containers')\" ]
			go run --rm --network none bb:1 true
		"
		[ "$(wc -l <"$STORES/$kind/said")" -eq 1 ]
		grep -q 'No space left' "$STORES/$kind/said"
	done
}

# under_strace WORDS… -- ARGS…: runner as sub below a strace that is root's, in a pid namespace
# of its own; $STORES/trace
under_strace() {
	local words=()
	while [ "$1" != -- ]; do words+=("$1"); shift; done
	shift
	# a sanitizer's runtime does not work under strace
	[ "${VARIANT:-release}" != asan ] || skip "the sanitizer's runtime would be tested"
	run timeout -k 5 60 unshare -p --fork --mount-proc strace -qq -u "$(account sub)" -o "$STORES/trace" "${words[@]}" \
		env -i PATH="$BIN:/usr/bin:/bin" HOME="$STORES/sub" \
		runner --root "$STORES/sub/root" --runroot "$STORES/sub/run" "$@"
	echo "$output"; cat "$STORES/trace"
}

# The command's first message says that ids are there, the second has the network namespace.
@test "without the command's network namespace the monitor or the container makes its own" {
	under_strace -e trace=sendmsg -e inject=sendmsg:error=EPERM:when=2 -- run --rm bb:1 ip -o addr show tap0
	grep -q 'sendmsg(.*SCM_RIGHTS.*INJECTED' "$STORES/trace"
	assert_output_has 10.0.2.100/24
	under_strace -e trace=sendmsg -e inject=sendmsg:error=EPERM:when=2 -- run --rm --network none bb:1 \
		sh -c 'ip -o addr; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; stat -c %u /proc/net/dev'
	grep -q 'sendmsg(.*SCM_RIGHTS.*INJECTED' "$STORES/trace"
	assert_output_has 127.0.0.1/8
	[[ $output == *$'\n0\n0' ]]
	[[ $output != *tap0* ]]
}

# newuidmap is held just before it writes (its third pread64): all that need not wait for ids is done by then.
@test "ids that come late are there for all that needs them" {
	local net order words='stat -c %u:%g / /dev /dev/shm /etc/hosts /dev/pts/ptmx /proc/net/dev | uniq; id -u; cat /proc/sys/net/ipv4/ping_group_range'
	for net in none private; do
		under_strace -f -e trace=pread64,execve -e inject=pread64:delay_enter=400000:when=3 -- \
			run --rm --network $net bb:1 sh -c "$words; chown 33:33 /tmp && stat -c %u:%g /tmp; ip -o addr show tap0 2>/dev/null; true"
		[[ $output == $'0:0\n0\n0\t65536\n33:33'* ]]
		[ $net = none ] || [[ $output == *10.0.2.100/24* ]]
		# slirp-net does not wait, and the program does
		order=$(grep -E 'execve\(|pread64.* 0\) += 0 \(DELAYED' "$STORES/trace" |
			sed -n 's/.*execve(.*slirp-net.*/net/p; s/.*DELAYED.*/ids/p; s/.*"\/bin\/sh".*/program/p' | paste -sd' ')
		[ "$order" = "$([ $net = none ] || echo "net ")ids program" ]
	done
}

@test "exec: a signal that comes before it waits is the program's, too" {
	[ "${VARIANT:-release}" != asan ] || skip "the sanitizer's runtime would be tested"
	rr sub run -d --name held --network none -v "$STORES/sub:/there" bb:1 sleep 100
	{ wait_for 20 test -e "$STORES/sub/trapped" && pkill -TERM -f "^runner --root $STORES/sub/root .* exec held"; } 3>&- &
	local helper=$!
	# in no pid namespace of its own: that container's processes are not in there
	run timeout -k 5 60 strace -qq -u "$(account sub)" -o "$STORES/trace" \
		-e trace=recvmsg -e inject=recvmsg:delay_exit=700000 env -i PATH="$BIN:/usr/bin:/bin" HOME="$STORES/sub" \
		runner --root "$STORES/sub/root" --runroot "$STORES/sub/run" exec held \
		sh -c 'trap "echo told; exit 9" TERM; touch /there/trapped; sleep 20 >/dev/null 2>&1 & wait'
	echo "$output"
	wait "$helper"
	rm "$STORES/sub/trapped"
	[ "$status" = 9 ]
	assert_output_has told
	rr sub rm -f held
}

@test "killed before its holder of ids has asked to be ended with it: the holder ends, too" {
	local of="^runner --root $STORES/sub/root .* run --rm --name orphan"
	{ wait_for 10 eval "[ \$(pgrep -c -f '$of') -ge 2 ]" && pkill -KILL -o -f "$of"; } 3>&- &
	# it returns when the last of them has ended
	under_strace -f -e trace=prctl -e inject=prctl:delay_enter=1000000 -- run --rm --name orphan --network none bb:1 true
	wait "$!"
	[ "$status" = 137 ]
	r sub rm -fa
}

@test "without newuidmap's map: its own words, one line, and nothing is left" {
	local paths=()
	for pid in $(seq 2 99); do paths+=(-P "/proc/$pid/uid_map"); done
	under_strace -f -e trace=pread64 -e inject=pread64:error=EIO "${paths[@]}" -- run --rm --name lost bb:1 true
	[ "$status" = 125 ]
	grep -q 'pread64.*INJECTED' "$STORES/trace"
	[[ $output == "runner: run: id map: "*"newuidmap failed: newuidmap: read uid_map of "*": Input/output error" ]]
	[ -z "$(r sub ps -aq)" ]
	[ -z "$(ls -A "$STORES/sub/root/containers")$(ls -A "$STORES/sub/root/ctrnames")" ]
	r sub run --rm --name lost --network none bb:1 true
}

@test "no network namespace at all: one line, for each kind of network" {
	local words="--root $STORES/sub/root --runroot $STORES/sub/run run --rm"
	for network in private none; do
		run_as sub 125 uidmap run sh -c "echo 0 >/proc/sys/user/max_net_namespaces &&
			exec runner $words --network $network bb:1 true"
		assert_one_line
		case $network in
		private) assert_output_has "network namespace: the limit user.max_net_namespaces is reached" ;;
		none) assert_output_has "too many namespaces: /proc/sys/user" ;;
		esac
	done
}

@test "the mounts are held for the end, but not where a folder of the host is among them; without is no failure" {
	local paths=()
	for pid in $(seq 2 99); do paths+=(-P "/proc/$pid/ns/mnt"); done
	under_strace -f -e trace=openat "${paths[@]}" -- run --rm --network none bb:1 echo held
	[ "$output" = held ]
	[ "$(grep -c 'openat(.*/ns/mnt.* = [0-9]' "$STORES/trace")" = 1 ]
	under_strace -f -e trace=openat -e inject=openat:error=EMFILE "${paths[@]}" -- run --rm --network none bb:1 echo not held
	[ "$output" = "not held" ]
	grep -q 'openat(.*/ns/mnt.*INJECTED' "$STORES/trace"
	under_strace -f -e trace=openat "${paths[@]}" -- run --rm --network none -v "$STORES/sub:/x" bb:1 echo a folder
	[ "$output" = "a folder" ]
	[ "$(grep -c 'openat(.*/ns/mnt' "$STORES/trace")" = 0 ]
}

@test "no user namespaces: one line that names the limit" {
	sysctl=/proc/sys/user/max_user_namespaces
	old=$(cat $sysctl)
	for kind in nosub; do
		# only this account's limit: a namespace of its own that allows none below
		run as "$kind" unshare -Ur bash -c "echo 0 >$sysctl && exec runner --root $STORES/$kind/root --runroot $STORES/$kind/run run --rm --network none bb:1 echo works"
		# with CAP_SYS_ADMIN inside no further user namespace is needed
		[ "$status" -eq 0 ] && [ "$output" = works ]
		run as "$kind" unshare -Ur bash -c "echo 0 >$sysctl && exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs runner --root $STORES/$kind/root --runroot $STORES/$kind/run run --rm --network none bb:1 echo works"
		[ "$status" -eq 125 ]
		assert_one_line
		assert_output_has 'user namespace'
	done
	[ "$(cat $sysctl)" = "$old" ]
}

@test "a name whose link says nothing is in use all the same, by nobody that could be named" {
	for kind in sub nosub; do
		for link in short "$(printf '%043d' 0 | tr 0 '!')" "$(printf '%064d' 0)x"; do
			as "$kind" sh -c "mkdir -p $STORES/$kind/root/ctrnames && ln -sfn '$link' $STORES/$kind/root/ctrnames/broken"
			rr "$kind" 125 create --network none --name broken bb:1 true
			[ "$output" = "runner: create: the name 'broken' is in use by container ?" ] || { echo "$output"; false; }
		done
		as "$kind" rm "$STORES/$kind/root/ctrnames/broken"
		rr "$kind" run --rm --network none --name broken bb:1 true
	done
}
