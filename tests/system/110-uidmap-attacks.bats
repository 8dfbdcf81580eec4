#!/usr/bin/env bats
# Attempts to get more from newuidmap and newgidmap than was granted

load helpers

setup_file() {
	[ "$(id -u)" = 0 ] || return 0
	ATTACK_DIR=$(mktemp -d "/tmp/$SUITE_PREFIX-test.XXXXXX")
	export ATTACK_DIR
	chmod 0755 "$ATTACK_DIR"
	cc -Wall -O1 -o "$ATTACK_DIR/attack" "$BATS_TEST_DIRNAME/uidmap/attack.c"
}

teardown_file() {
	[ -z "${ATTACK_DIR:-}" ] || rm -rf "$ATTACK_DIR"
}

setup() {
	need_root
	attack=$ATTACK_DIR/attack
	sub=$(account sub) nosub=$(account nosub)
	uid=$(id -u "$sub") gid=$(id -g "$sub")
	start=$(awk -F: -v n="$sub" '$1 == n { print $2; exit }' /etc/subuid)
	gstart=$(awk -F: -v n="$sub" '$1 == n { print $2; exit }' /etc/subgid)
	pids=()
}

teardown() {
	local pid
	# most tests have ended their own
	for pid in "${pids[@]}"; do [ ! -d "/proc/$pid" ] || may_fail "it ended just now" kill -9 "$pid"; done
	exec 7<&- 8<&- 9<&-
}

# begin MODE: a target of sub's; $target is its number
begin() {
	local line
	exec 9< <(exec setpriv --reuid "$sub" --regid "$gid" --init-groups --inh-caps=-all "$attack" target "$1")
	target=$!
	pids+=("$target")
	read -r -u 9 line
	[ "$line" = ready ]
}

# try CMD…: as run, for exit codes that run has an opinion of
try() {
	status=0
	output=$("$@" 2>&1) || status=$?
}

# ends PID: sets status to that of a job of this shell
ends() {
	status=0
	wait "$1" || status=$?
}

map_of() { # uid_map|gid_map PID
	tr -s ' \n' ' ' <"/proc/$2/$1" | sed 's/^ //; s/ $//'
}

# paused CALL enter|exit WHEN PROGRAM WORDS…: run as sub; three seconds pass (in the emulated machine,
# where a look takes one of them, fifteen) before or after the WHEN-th CALL. strace runs as root, so the program keeps its file capabilities under it.
paused() {
	local call=$1 side=$2 when=$3 us=3000000
	shift 3
	[ "${SUITE_IN_VM:-0}" = 0 ] || us=15000000
	env -i strace -f -qq -o "$ATTACK_DIR/trace" -u "$sub" -e "trace=$call" \
		-e "inject=$call:delay_$side=$us:when=$when" "$@"
}

# A sanitizer's runtime cannot work under strace, handles SIGSEGV itself, and makes a thread at
# exit; a program with capabilities cannot be told otherwise, it does not read the environment.
without_sanitizer() {
	[ "${VARIANT:-release}" != asan ] || skip "the sanitizer's runtime would be tested"
}

# await_pause: until the program is held at the call, as $mapper
await_pause() {
	local pid held=0
	for _ in {1..300}; do
		mapper=
		for pid in $(pgrep -x 'new[ug]idmap'); do
			[[ $(tr '\0' ' ' <"/proc/$pid/cmdline") == *"idmap $target "* ]] && mapper=$pid
		done
		# stopped by its tracer at every look for a while, not just in passing
		if [ -n "$mapper" ] && grep -q '^State:.t' "/proc/$mapper/status"; then
			held=$((held + 1))
			[ $held -lt 4 ] || return 0
		else
			held=0
		fi
		sleep 0.02
	done
	echo "the program was never held"
	return 1
}

# as_sub CMD…: as sub with the shell's own descriptors and limits
as_sub() {
	timeout -k 5 60 setpriv --reuid "$sub" --regid "$gid" --init-groups --inh-caps=-all "$@"
}

@test "control: paused alone, the program still writes the map" {
	without_sanitizer
	begin plain
	paused openat2 enter 2 "$BIN/newuidmap" "$target" 0 "$start" 5
	[ "$(map_of uid_map "$target")" = "0 $start 5" ]
}

# The calls between the check and the write, each a place to be overtaken.
@test "a target that dies and whose number another user's process gets: that one is not mapped" {
	without_sanitizer
	for place in "capget enter 3" "capset enter 3" "openat2 enter 2" "openat2 exit 2" "ioctl enter 3" \
		"pread64 enter 1" "write enter 1"; do
		begin plain
		# shellcheck disable=SC2086
		paused $place "$BIN/newuidmap" "$target" 0 "$start" 5 2>"$ATTACK_DIR/err" &
		tracer=$!
		await_pause
		kill -9 "$target"
		exec 8< <(exec "$attack" reuse "$target" "$(id -u "$nosub")" "$(id -g "$nosub")")
		pids+=($!)
		read -r -u 8 line
		[ "$line" = ready ] || { echo "$place: $line"; false; }
		[ "$(stat -c %U "/proc/$target")" = "$nosub" ]
		ends "$tracer"
		echo "$place: status $status, $(cat "$ATTACK_DIR/err"), map '$(map_of uid_map "$target")'"
		[ -z "$(map_of uid_map "$target")" ]
		# an open map file belongs to the dead namespace: that may still be written
		case $place in ioctl* | pread64* | write*) ;; *) [ $status -ne 0 ] ;; esac
		grep -q DELAYED "$ATTACK_DIR/trace"
		kill -9 "$target"
		exec 8<&-
	done
}

@test "a target that stops being its owner's between check and write is not mapped" {
	without_sanitizer
	begin hide
	paused openat2 enter 2 "$BIN/newuidmap" "$target" 0 "$start" 5 2>"$ATTACK_DIR/err" &
	tracer=$!
	await_pause
	kill -USR1 "$target"
	ends "$tracer"
	[ "$status" -ne 0 ] && grep 'newuidmap: ' "$ATTACK_DIR/err"
	[ -z "$(map_of uid_map "$target")" ]

	# and behind the opening of the map file, when only our second look can tell
	begin hide
	paused openat2 exit 2 "$BIN/newuidmap" "$target" 0 "$start" 5 2>"$ATTACK_DIR/err" &
	tracer=$!
	await_pause
	kill -USR1 "$target"
	ends "$tracer"
	cat "$ATTACK_DIR/err"
	[ "$status" -ne 0 ]
	[ -z "$(map_of uid_map "$target")" ]
}

@test "a target that changes its uid between check and write gets no gid map" {
	without_sanitizer
	begin leave
	as_sub "$BIN/newuidmap" "$target" 0 "$uid" 1 1 "$start" 65536
	paused openat2 enter 2 "$BIN/newgidmap" "$target" 0 "$gstart" 5 2>"$ATTACK_DIR/err" &
	tracer=$!
	await_pause
	kill -USR1 "$target"
	ends "$tracer"
	[ "$(stat -c %u "/proc/$target")" = "$start" ]
	[ "$status" -ne 0 ] && grep 'newgidmap: ' "$ATTACK_DIR/err"
	[ -z "$(map_of gid_map "$target")" ]
	[ "$(cat "/proc/$target/setgroups")" = allow ]
}

@test "everything but one sleeping capability is dropped before the target is looked at" {
	without_sanitizer
	begin plain
	for program in newuidmap:SETUID newgidmap:SETGID; do
		env -i strace -qq -o "$ATTACK_DIR/trace" -u "$sub" -e trace=capset,openat,openat2,write \
			"$BIN/${program%:*}" "$target" 0 "$start" 5
		cat "$ATTACK_DIR/trace"
		cap=$(grep -n -m 1 'capset.*effective=0, permitted=1<<CAP_'"${program#*:}"', inheritable=0' "$ATTACK_DIR/trace" | cut -d: -f1)
		proc=$(grep -n -m 1 '"/proc"' "$ATTACK_DIR/trace" | cut -d: -f1)
		[ "$cap" -lt "$proc" ]
		# one map, one write
		[ "$(grep -c '^write(' "$ATTACK_DIR/trace")" = 1 ]
	done
}

@test "with both maps only one capability is awake at any write" {
	without_sanitizer
	begin plain
	env -i strace -qq -o "$ATTACK_DIR/trace" -u "$sub" -e trace=capset,openat,write \
		"$BIN/newuidmap" "$target" 0 "$start" 5 --gids 0 "$gstart" 5
	cat "$ATTACK_DIR/trace"
	caps=$(sed -n 's/^capset.*{effective=\([^,]*\), permitted=\([^,]*\),.*/\1 \2/p; s/^write.*/write/p' "$ATTACK_DIR/trace")
	u='1<<CAP_SETUID' g='1<<CAP_SETGID'
	[ "$caps" = "0 $g|$u
$u $g|$u
write
0 $g
$g $g
write
0 0" ]
	[ "$(map_of uid_map "$target") $(map_of gid_map "$target")" = "0 $start 5 0 $gstart 5" ]
}

@test "setuid root: the same one capability, and the caller's ids for good" {
	without_sanitizer
	install -m 4755 "$BIN/newuidmap" "$ATTACK_DIR/newuidmap"
	begin plain
	paused write enter 1 "$ATTACK_DIR/newuidmap" "$target" 0 "$start" 5 &
	tracer=$!
	await_pause
	state=$(cat "/proc/$mapper/status")
	wait "$tracer"
	echo "$state"
	[[ $state =~ Uid:$'\t'$uid$'\t'$uid$'\t'$uid$'\t'$uid ]]
	[[ $state =~ CapInh:$'\t'0000000000000000 ]]
	[[ $state =~ CapPrm:$'\t'0000000000000080 ]]
	[[ $state =~ CapAmb:$'\t'0000000000000000 ]]
	[[ $state =~ NoNewPrivs:$'\t'1 ]]
	[ "$(map_of uid_map "$target")" = "0 $start 5" ]
}

@test "signals at any time: the map is there wholly or not at all" {
	without_sanitizer
	as_sub "$attack" signals 200 "$BIN/newuidmap" uid_map 0 "$uid" 1 1 "$start" 65536
	as_sub "$attack" signals 200 "$BIN/newgidmap" gid_map 0 "$gid" 1
}

@test "a traced program has no more rights than its tracer" {
	as_sub "$attack" traced "$BIN/newuidmap" uid_map 0 "$start" 5
	as_sub "$attack" traced "$BIN/newgidmap" gid_map 0 "$gstart" 5
}

@test "the running program cannot be seized, written to, or robbed of descriptors" {
	as_sub "$attack" touch "$BIN/newuidmap" uid_map 0 "$start" 5
}

@test "closed standard descriptors: the map is written, a message never lands in it" {
	for closed in '<&-' '>&-' '2>&-' '<&- >&-' '>&- 2>&-' '<&- 2>&-' '<&- >&- 2>&-'; do
		begin plain
		as_sub bash -c "! $BIN/newuidmap $target 0 99999 1 $closed"
		[ -z "$(map_of uid_map "$target")" ]
		as_sub bash -c "$BIN/newuidmap $target 0 $start 5 $closed"
		[ "$(map_of uid_map "$target")" = "0 $start 5" ]
		as_sub bash -c "$BIN/newgidmap $target 0 $gid 1 $closed"
		[ "$(map_of gid_map "$target")" = "0 $gid 1" ]
		[ "$(cat "/proc/$target/setgroups")" = deny ]
	done
}

@test "a map file as standard error takes no message for a map" {
	begin plain
	as_sub bash -c "! $BIN/newuidmap $target '0 $start 5' 1 1 2>/proc/$target/uid_map"
	as_sub bash -c "! $BIN/newuidmap $target 0 99999 1 2>/proc/$target/uid_map"
	[ -z "$(map_of uid_map "$target")" ]
}

@test "RLIMIT_FSIZE 0: the map is written, a message to a file fails silently" {
	begin plain
	as_sub bash -c "ulimit -f 0; exec $BIN/newuidmap $target 0 $start 5"
	[ "$(map_of uid_map "$target")" = "0 $start 5" ]
	: >"$ATTACK_DIR/message"
	chmod 666 "$ATTACK_DIR/message"
	try as_sub bash -c "ulimit -f 0; exec $BIN/newuidmap $target 0 $start 5 2>>$ATTACK_DIR/message"
	[ "$status" = 1 ]
}

@test "RLIMIT_NOFILE from 0 up: all or nothing" {
	ok=0 no=0
	for limit in $(seq 0 2 40); do
		begin plain
		# own group: two files are written, setgroups before the map
		try as_sub prlimit --nofile="$limit:$limit" "$BIN/newgidmap" "$target" 0 "$gid" 1
		if [ "$status" = 0 ]; then
			ok=$((ok + 1))
			[ "$(map_of gid_map "$target") $(cat "/proc/$target/setgroups")" = "0 $gid 1 deny" ]
		else
			no=$((no + 1))
			[ -z "$(map_of gid_map "$target")" ]
		fi
		try as_sub prlimit --nofile="$limit:$limit" "$BIN/newuidmap" "$target" 0 99999 1
		[ "$status" != 0 ] && [ -z "$(map_of uid_map "$target")" ]
		kill -9 "$target"
	done
	echo "$ok written, $no refused"
	[ $ok -gt 3 ] && [ $no -gt 3 ]
}

# What cannot be looked up for want of a descriptor must not count as absent: neither the
# primary group, nor the source of grants, nor a refusal in login.defs.
@test "small limits hide nothing from the program" {
	without_sanitizer
	for limit in $(seq 3 24); do
		for what in nofile as; do
			[ $what = nofile ] && value=$limit || value=$((limit * 400000))
			try timeout 10 setpriv --reuid "$sub" --regid 65534 --clear-groups --inh-caps=-all bash -c '
				unshare -U sleep 60 & p=$!; trap "kill $p" EXIT
				until [ "$(readlink /proc/$p/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.01; done
				prlimit --'"$what=$value:$value $BIN"'/newgidmap fd:3 0 65534 1 3</proc/$p && echo mapped'
			[[ $output != *mapped* ]] || { echo "$what $value: $output"; false; }
		done
	done
	[[ $output == *"not the caller's primary group"* ]]
}

@test "RLIMIT_AS and RLIMIT_NPROC small: all or nothing" {
	without_sanitizer
	for limit in --as=1000000 --as=3000000 --as=4000000 --as=6000000 --data=0 --stack=8192 --nproc=0; do
		begin plain
		try as_sub prlimit "$limit" "$BIN/newuidmap" "$target" 0 "$start" 5
		map=$(map_of uid_map "$target")
		echo "$limit: status $status, map '$map'"
		if [ "$status" = 0 ]; then [ "$map" = "0 $start 5" ]; else [ -z "$map" ]; fi
		try as_sub prlimit "$limit" "$BIN/newuidmap" "$target" 0 99999 1
		[ "$status" != 0 ]
		kill -9 "$target"
	done
}

@test "the environment is ignored" {
	cat >"$ATTACK_DIR/preload.c" <<-END
		#include <fcntl.h>
		__attribute__((constructor)) static void init(void) { open("$ATTACK_DIR/loaded", O_CREAT | O_RDWR, 0666); }
	END
	cc -shared -fPIC -o "$ATTACK_DIR/preload.so" "$ATTACK_DIR/preload.c"
	chmod 0777 "$ATTACK_DIR"
	begin plain
	try as_sub env "LD_PRELOAD=$ATTACK_DIR/preload.so" "LD_LIBRARY_PATH=$ATTACK_DIR" "LD_AUDIT=$ATTACK_DIR/preload.so" \
		"GCONV_PATH=$ATTACK_DIR" "LD_DEBUG_OUTPUT=$ATTACK_DIR/loaded" LD_DEBUG=all \
		"MALLOC_TRACE=$ATTACK_DIR/loaded" "PATH=$ATTACK_DIR" HOME=/nowhere LANG=xx LC_ALL=xx "NLSPATH=$ATTACK_DIR/%N" \
		"$BIN/newuidmap" "$target" 0 "$start" 5
	chmod 0755 "$ATTACK_DIR"
	[ "$status" = 0 ] && [ -z "$output" ]
	[ ! -e "$ATTACK_DIR/loaded" ]
	[ "$(map_of uid_map "$target")" = "0 $start 5" ]
}

@test "odd argument vectors: none at all, empty words, very long ones" {
	begin plain
	for words in "" "''" "'' '' '' ''" "$target '' '' ''" "$target 0 0 ''" "--help" "-h" "$target --help 1 1"; do
		try as_sub bash -c "$BIN/newuidmap $words"
		[ "$status" -ne 0 ]
		assert_one_line
	done
	try as_sub bash -c "$BIN/newuidmap $target 0 \$(printf '9%.0s' {1..100000}) 1"
	[ "$status" = 2 ]
	assert_one_line
	try as_sub bash -c "$BIN/newuidmap $target \$(yes 1 | head -n 30000)"
	[ "$status" = 2 ]
	assert_one_line
	try as_sub bash -c "exec -a \$'x\\n\\033[2J' $BIN/newuidmap $target \$'1\\033[2J\\n' 1 1"
	[ "$status" = 2 ]
	assert_one_line
	[[ $output != *$'\033'* ]]
	[ -z "$(map_of uid_map "$target")" ]
}

# Whoever could mount over /proc is root; the program does not believe it all the same.
in_false_proc() { # SCRIPT: prepares /proc in a mount namespace; then sub runs newuidmap $target
	try unshare -m bash -c "set -e; real=$ATTACK_DIR/real; mkdir -p \$real; mount --rbind /proc \$real
		$1
		setpriv --reuid $sub --regid $gid --init-groups --inh-caps=-all $BIN/newuidmap $target 0 $start 5"
	echo "$output"
	[ "$status" -ne 0 ]
	[ -z "$(map_of uid_map "$target")" ]
}

@test "a /proc that is no procfs is not believed" {
	begin plain
	in_false_proc "mount -t tmpfs t /proc; mkdir /proc/$target /proc/self; : >/proc/$target/uid_map; chown -R $sub: /proc/$target"
	assert_output_has "not a directory of a proc file system"
	# a procfs below it, the process's own folder: still not
	in_false_proc "mount -t tmpfs t /proc; mkdir /proc/$target; mount --bind \$real/$target /proc/$target"
	assert_output_has "not a directory of a proc file system"
}

@test "a symbolic link for /proc, or in it, is not followed" {
	begin plain
	root=$ATTACK_DIR/root
	mkdir -p "$root"/{usr,etc,realproc,dev}
	try unshare -m bash -c "set -e
		for d in usr etc dev; do mount --rbind /\$d $root/\$d; done
		for l in bin lib lib64 sbin; do [ -L /\$l ] && cp -P /\$l $root/; done
		mkdir -p $root$BIN; mount --bind $BIN $root$BIN
		mount --rbind /proc $root/realproc; ln -sfn realproc $root/proc
		chroot $root /usr/bin/setpriv --reuid $uid --regid $gid --clear-groups $BIN/newuidmap $target 0 $start 5"
	echo "$output"
	[ "$status" -ne 0 ]
	assert_output_has "newuidmap: open /proc: Not a directory"
	in_false_proc "mount -t tmpfs t /proc; ln -s \$real/$target /proc/$target"
	[ -z "$(map_of uid_map "$target")" ]
}

@test "a file or process mounted over the target's is not taken for it" {
	begin plain
	victim=$target
	begin plain
	in_false_proc "mount --bind /proc/$victim /proc/$target"
	assert_output_has "Invalid cross-device link"
	in_false_proc "mount --bind /proc/$victim/uid_map /proc/$target/uid_map"
	assert_output_has "Invalid cross-device link"
	: >"$ATTACK_DIR/file"
	in_false_proc "mount --bind $ATTACK_DIR/file /proc/$target/uid_map"
	[ ! -s "$ATTACK_DIR/file" ]
	[ -z "$(map_of uid_map "$victim")" ]
}

@test "a FUSE file system for /proc is not believed, by number or by descriptor" {
	need_fuse
	begin plain
	cc -o "$ATTACK_DIR/fakeproc" "$BATS_TEST_DIRNAME/uidmap/fakeproc.c"
	in_false_proc "$ATTACK_DIR/fakeproc /proc $target $uid $gid & fuse=\$!
		until [ \"\$(stat -f -c %T /proc)\" != proc ]; do sleep 0.05; done
		[ \"\$(stat -c %u /proc/$target)\" = $uid ]; trap 'kill \$fuse' EXIT"
	assert_output_has "/proc is not a directory of a proc file system"
	try unshare -m bash -c "mkdir -p $ATTACK_DIR/fake; $ATTACK_DIR/fakeproc $ATTACK_DIR/fake $target $uid $gid & fuse=\$!
		until [ -d $ATTACK_DIR/fake/$target ]; do sleep 0.05; done
		setpriv --reuid $sub --regid $gid --init-groups --inh-caps=-all $BIN/newuidmap fd:7 0 $start 5 7<$ATTACK_DIR/fake/$target
		status=\$?; kill \$fuse; exit \$status"
	[ "$status" = 1 ]
	assert_output_has "fd:7 is not a directory of a proc file system"
}

@test "descriptors of other things and other people's processes are refused" {
	begin plain
	for thing in / /proc /proc/self/status "/proc/1" "/proc/$target/task" "/proc/$target/ns" /dev/null /etc/passwd; do
		try as_sub bash -c "exec 7<$thing; $BIN/newuidmap fd:7 0 $start 5"
		echo "$thing: $output"
		[ "$status" = 1 ]
		assert_one_line
	done
	try as_sub "$BIN/newuidmap" fd:7 0 "$start" 5
	[ "$status" = 1 ]
	for word in fd: fd:-1 fd:x fd:07 fd:99999999999 fd:2147483648 FD:3 fd:3x; do
		try as_sub "$BIN/newuidmap" "$word" 0 "$start" 5
		[ "$status" -ne 0 ]
		assert_one_line
	done
}

# CVE-2018-7169: with a map of one's own group only, groups must not be dropped.
@test "a map of the own group gives nobody setgroups" {
	try as_sub bash -c '
		f=$(mktemp -u /tmp/'"$SUITE_PREFIX"'-go.XXXXXX); mkfifo $f; trap "rm -f $f" EXIT
		unshare -U bash -c "read <$f; exec setpriv --clear-groups true" 2>&1 & p=$!
		until [ "$(readlink /proc/$p/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.01; done
		'"$BIN"'/newuidmap $p 0 $(id -u) 1 && '"$BIN"'/newgidmap $p 0 $(id -g) 1
		cat /proc/$p/setgroups; echo >$f; wait $p'
	echo "$output"
	[ "$status" -ne 0 ]
	assert_output_has deny
	assert_output_has "setgroups failed: Operation not permitted"
}
