# runner-oci with a cgroup2 folder that was delegated to an ordinary user

load helpers
load oci

setup() {
	local mount=/sys/fs/cgroup
	[ "$(stat -fc %T $mount)" = cgroup2fs ] || mount=$mount/unified
	[ "$(stat -fc %T $mount 2>/dev/null)" = cgroup2fs ] || skip "no cgroup2 on this host"
	oci_setup nosub
	CG=$mount/$SUITE_PREFIX-oci-$$
	mkdir -p "$CG/self" || skip "cgroup2 is not ours to prepare"
	chown -R "$(account nosub):" "$CG"
}

teardown() {
	oci_teardown
	[ -z "${CG:-}" ] || rmdir "$CG/self" "$CG"
}

# delegated STATUS WORD…: runner-oci from a process in the delegated folder
delegated() {
	local want=$1
	shift
	# into a file: a created container keeps what it was given
	status=0
	bash -c "echo \$BASHPID >$CG/self/cgroup.procs; exec \"\$@\"" delegated \
		setpriv --reuid "$(account nosub)" --regid "$(id -g "$(account nosub)")" --init-groups \
		env -i PATH="$PATH" HOME="$DIR" timeout 30 "$BIN/runner-oci" --root "$DIR/state" "$@" \
		</dev/null >"$DIR/out" 2>&1 || status=$?
	output=$(cat "$DIR/out")
	[ "$status" -eq "$want" ] || { echo "status $status: $output"; return 1; }
}

@test "a container gets a group of its own: ps, pause, exec, resume, kill --all, delete" {
	cmd . sh -c 'sleep 100 & sleep 100'
	delegated 0 create -b "$DIR/b" c1
	delegated 0 start c1
	grep -q "/c1$" "/proc/$(oci state c1 | jq .pid)/cgroup"
	[ -d "$CG/c1" ]
	wait_for 5 eval '[ "$(oci ps --format json c1 | jq length)" = 2 ]'
	delegated 0 pause c1
	[ "$(oci state c1 | jq -r .status)" = paused ]
	delegated 1 exec c1 true
	assert_output_has "is paused"
	delegated 0 resume c1
	# from inside, its own group is the root
	delegated 0 exec c1 cat /proc/self/cgroup
	grep -qx '0::/' <<<"$output" || { echo "$output"; false; }
	[ "$(oci state c1 | jq -r .status)" = running ]
	delegated 1 pause nosuch
	delegated 0 kill --all c1 KILL
	wait_for 5 eval '[ "$(oci state c1 | jq -r .status)" = stopped ]'
	delegated 0 delete c1
	[ ! -d "$CG/c1" ]
}

@test "pause: when it has returned nothing of the container runs, until resume" {
	local turn events before
	# many that run: to stop them takes the kernel a moment, which pause waits for
	cmd . sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do (while :; do echo >>/data/ticks; done) & done; sleep 100'
	delegated 0 create -b "$DIR/b" c1
	delegated 0 start c1
	wait_for 10 test -s "$DIR/b/rootfs/data/ticks"
	for turn in $(seq 12); do
		delegated 0 pause c1
		events=$(cat "$CG/c1/cgroup.events")
		before=$(stat -c %s "$DIR/b/rootfs/data/ticks")
		grep -qx 'frozen 1' <<<"$events" || { echo "turn $turn: $events"; false; }
		sleep 0.05
		[ "$(stat -c %s "$DIR/b/rootfs/data/ticks")" = "$before" ]
		delegated 0 resume c1
		wait_for 5 eval '[ "$(stat -c %s "$DIR/b/rootfs/data/ticks")" -gt '$before' ]'
	done
	delegated 0 delete --force c1
}

@test "delete --force thaws and empties the group; processes that left their parent go too" {
	cmd . sh -c 'sleep 100 & sleep 100 & sleep 100'
	delegated 0 create -b "$DIR/b" c1
	delegated 0 start c1
	delegated 0 pause c1
	delegated 0 delete --force c1
	[ ! -d "$CG/c1" ]
	nothing_left
}

@test "limits that the host cannot enforce: one line; asked for by file name: an error" {
	# a controller that was not given to the folder
	local with='{"pids":{"limit":7},"rdma":{"x":{"hcaHandles":7}}}' what=pids
	if grep -qw pids "$CG/cgroup.controllers"; then with='{"rdma":{"x":{"hcaHandles":7}}}' what=rdma; fi
	if grep -qw $what "$CG/cgroup.controllers"; then skip "all controllers are here"; fi
	cmd ".linux.resources = $with" true
	delegated 0 create -b "$DIR/b" c1
	assert_one_line
	assert_output_has $what.max
	# each that is lost is named
	grep -qw rdma "$CG/cgroup.controllers" || assert_output_has rdma.max
	echo "$with" >"$DIR/r.json"
	delegated 1 update -r "$DIR/r.json" c1
	assert_output_has $what.max
	delegated 0 delete --force c1
	cmd ".linux.resources = {\"unified\":{\"$what.max\":\"7\"}}" true
	delegated 1 run -b "$DIR/b" c1
	assert_output_has "\`$what\`"
	nothing_left
	[ "$(ls "$CG" | grep -c '^c1$')" = 0 ]
}

@test "device rules that cannot be loaded: denials are told, the specification's default is not" {
	local rule all='{"allow":false,"access":"rwm"}'
	cmd ".linux.resources = {\"devices\":[$all]}" echo ran
	delegated 0 run -b "$DIR/b" c1
	[ "$output" = ran ] || { echo "$output"; false; }
	for rule in "$all,{\"allow\":false,\"type\":\"c\",\"major\":10,\"minor\":229,\"access\":\"rw\"}" \
		'{"allow":false,"type":"b","access":"r"}'; do
		cmd ".linux.resources = {\"devices\":[$rule]}" echo ran
		delegated 0 run -b "$DIR/b" c1
		[ "$(grep -c "not enforced: linux.resources.devices" <<<"$output")" = 1 ]
		[ "$(tail -1 <<<"$output")" = ran ]
	done
	# neither where there is no group at all
	run_oci run -b "$DIR/b" c1
	assert_output_has "limits are not enforced"
	cmd . sleep 100
	delegated 0 create -b "$DIR/b" c1
	echo "{\"devices\":[$rule]}" >"$DIR/r.json"
	delegated 1 update -r "$DIR/r.json" c1
	assert_output_has "linux.resources.devices"
	delegated 0 delete --force c1
}

@test "device rules, which only root can load: told where they would forbid a thing that is there" {
	local fuse='"type":"c","major":10,"minor":229' all='{"allow":false,"access":"rwm"}' rules
	local given=".linux.devices = [{\"path\":\"/dev/fuse\",$fuse}]"
	# nobody makes nodes in a user namespace: to deny everything denies nothing
	for rules in "[$all]" "[$all,{\"allow\":true,$fuse,\"access\":\"rw\"}] | $given"; do
		cmd ".linux.resources.devices = $rules" sh -c 'echo ran'
		delegated 0 run -b "$DIR/b" c1
		[ "$output" = ran ]
	done
	for rules in "[{\"allow\":false,$fuse,\"access\":\"rw\"}]" "[$all] | $given"; do
		cmd ".linux.resources.devices = $rules" sh -c 'echo ran'
		delegated 0 run -b "$DIR/b" c1
		assert_output_has ran
		assert_output_has 'warning: not enforced: linux.resources.devices: attach the rules: Operation not permitted'
		# and where there is no group at all
		run_oci run -b "$DIR/b" c1
		assert_output_has ran
		assert_output_has 'warning: limits are not enforced'
	done
}
