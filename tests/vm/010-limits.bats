# limits that the kernel enforces: a rootless container in a scope of the user's
# own systemd, and in a group of a delegated subtree

load helpers

setup() {
	bundle sub
	O="runner-oci --root $DIR/state"
}
teardown() { oci_teardown; }

# way WAY [STATUS] SCRIPT: a login in which $O is the runtime. A login's own group
# belongs to root; cgroupfs works inside of a scope that is delegated
way() {
	local manager=$1
	shift
	local want=0
	[[ $1 =~ ^[0-9]+$ ]] && { want=$1; shift; }
	case $manager in
	systemd) logged_in sub "$want" "O='$O --systemd-cgroup'; cd $DIR; $1" ;;
	cgroupfs)
		logged_in sub "$want" "export O='$O --cgroup-manager=cgroupfs'; cd $DIR
			exec systemd-run --user --scope --quiet -p Delegate=yes bash -c \"\$1\"" "$1"
		;;
	esac
}

# each manager in turn runs the same test
both() {
	local manager
	for manager in systemd cgroupfs; do
		"$@" "$manager"
		nothing_left
		[ -z "$(scopes sub | grep c1)" ] || { echo "scopes left by $manager:"; scopes sub; return 1; }
	done
}

over_memory() {
	cmd '.linux.resources = {"memory":{"limit":33554432}}' sh -c \
		'dd if=/dev/zero of=/dev/null bs=8M count=1 && echo small; dd if=/dev/zero of=/dev/null bs=64M count=1; echo large $?
		cat /sys/fs/cgroup/memory.max; grep oom_kill /sys/fs/cgroup/memory.events'
	way "$1" '$O run -b b c1'
	assert_output_has small
	assert_output_has 'large 137'
	assert_output_has 33554432
	[[ $output == *'oom_kill 1'* ]]
}
@test "memory: what is over the limit is killed, what is below lives" { both over_memory; }

over_pids() {
	cmd '.linux.resources = {"pids":{"limit":5}}' sh -c \
		'sleep 30 & sleep 30 & sleep 30 & sleep 30 & (echo not here); echo never'
	way "$1" 2 '$O run -b b c1'
	assert_output_has "can't fork"
	[[ $output != *'not here'* && $output != *never* ]]
	cmd '.linux.resources = {"pids":{"limit":5}}' sh -c 'sleep 1 & sleep 1 & (echo here)'
	way "$1" '$O run -b b c1'
	assert_output_has here
	# 0 counts since version 1.3 of the specification: the program is there, and alone
	cmd '.ociVersion = "1.3.0" | .linux.resources = {"pids":{"limit":0}}' sh -c \
		'read max </sys/fs/cgroup/pids.max; echo alone $max; (echo never); echo nor this'
	way "$1" 2 '$O run -b b c1'
	assert_output_has 'alone 1'
	assert_output_has "can't fork"
	[[ $output != *never* && $output != *'nor this'* ]]
}
@test "pids: the process over the limit is not made" { both over_pids; }

over_cpu() {
	# a loop of two seconds with a tenth of a processor is throttled
	cmd '.linux.resources = {"cpu":{"quota":10000,"period":100000}}' sh -c \
		'cat /sys/fs/cgroup/cpu.max; timeout 2 sh -c "while :; do :; done"; cat /sys/fs/cgroup/cpu.stat'
	ln -sf busybox "$DIR/b/rootfs/bin/timeout"
	way "$1" '$O run -b b c1'
	assert_output_has '10000 100000'
	local used throttled
	used=$(awk '$1 == "usage_usec" { print $2 }' <<<"$output")
	throttled=$(awk '$1 == "nr_throttled" { print $2 }' <<<"$output")
	echo "used $used us, throttled $throttled times"
	[ "$throttled" -ge 5 ] && [ "$used" -lt 800000 ]
}
@test "cpu: the quota holds and is counted in cpu.stat" { both over_cpu; }

updates() {
	cmd '.linux.resources = {"memory":{"limit":33554432},"pids":{"limit":20}}' sleep 100
	way "$1" '
		$O run -d -b b c1 >out 2>&1 </dev/null || { cat out; exit 1; }
		show() { $O exec c1 sh -c "cd /sys/fs/cgroup; echo \$(cat memory.max pids.max cpu.max cpu.weight)"; }
		show
		$O update --memory 67108864 --pids-limit 30 --cpu-quota 50000 --cpu-period 100000 --cpu-shares 512 c1
		show
		# systemd sets its own values back when it reloads: they must be the new ones
		systemctl --user daemon-reload
		show
		$O update --memory -1 c1 && show
		echo "{\"memory\":{\"limit\":50331648},\"pids\":{\"limit\":0}}" | $O update -r - c1 && show
		$O delete --force c1'
	echo "$output"
	[[ ${lines[0]} == '33554432 20 max 100000 100' ]]
	[[ ${lines[1]} == '67108864 30 50000 100000 '* && ${lines[1]} != *' 100' ]]
	[[ ${lines[2]} == "${lines[1]}" ]]
	[[ ${lines[3]} == 'max 30 50000 100000 '* ]]
	# engines send all, with 0 for what shall stay
	[[ ${lines[4]} == '50331648 30 50000 100000 '* ]]
}
@test "update changes limits, and systemd does not set them back" { both updates; }

life() {
	cmd . sh -c 'sleep 200 & sleep 200'
	way "$1" '
		$O create -b b c1 >out 2>&1 </dev/null && $O start c1 || { cat out; exit 1; }
		pid=$($O state c1 | jq .pid)
		for i in $(seq 50); do [ $($O ps --format json c1 | jq length) = 2 ] && break; sleep 0.1; done
		echo "ps $($O ps --format json c1 | jq length)"
		group=/sys/fs/cgroup$(cut -d: -f3 /proc/$pid/cgroup)
		$O pause c1 && echo "frozen $(grep frozen $group/cgroup.events) $($O state c1 | jq -r .status)"
		$O resume c1 && echo "thawed $(grep frozen $group/cgroup.events) $($O state c1 | jq -r .status)"
		$O kill --all c1 KILL
		for i in $(seq 50); do [ "$($O state c1 | jq -r .status)" = stopped ] && break; sleep 0.1; done
		$O delete c1 && echo "deleted"
		for i in $(seq 50); do [ -d $group ] || break; sleep 0.1; done
		[ -d $group ] || echo "gone"'
	echo "$output"
	assert_output_has 'ps 2'
	assert_output_has 'frozen frozen 1 paused'
	assert_output_has 'thawed frozen 0 running'
	assert_output_has deleted
	assert_output_has gone
}
@test "create, ps, pause, resume, kill --all, delete: no group and no scope stays" { both life; }

@test "delete --force of what has just ended, whose scope systemd takes away at the same time" {
	cmd . sleep 200
	way systemd '
		for i in 1 2 3 4 5 6; do
			$O run -d -b b c1 >out 2>&1 </dev/null || { cat out; exit 1; }
			$O kill c1 KILL
			# at another moment each time
			sleep 0.0$i
			$O delete --force c1 || exit 1
		done'
	nothing_left
	wait_for 10 eval '[ -z "$(scopes sub)" ]'
}

@test "a start that fails leaves no scope" {
	cmd '.linux.maskedPaths = [] | .root.path = "nothere"' true
	way systemd 1 '$O run -b b c1'
	assert_one_line
	cmd . /bin/nothere
	way systemd 127 '$O run -b b c1'
	wait_for 10 eval '[ -z "$(scopes sub)" ]'
	nothing_left
}

@test "a login's own group, with cgroupfs: limits are told as not enforced, in one line" {
	cmd '.linux.resources = {"pids":{"limit":5}}' true
	logged_in sub "$O --cgroup-manager=cgroupfs run -b $DIR/b c1"
	assert_one_line
	assert_output_has 'limits are not enforced'
}

@test "without lingering, a scope of the user's systemd ends with the last logout" {
	# one that heeds SIGTERM: another is given 90 s by the manager
	cmd . sh -c 'trap "exit 0" TERM; sleep 300 & wait'
	way systemd '$O run -d -b b c1 >out 2>&1 </dev/null || { cat out; exit 1; }'
	[ "$(oci state c1 | jq -r .status)" = running ]
	# logind stops the manager ten seconds after the last session (UserStopDelaySec=)
	wait_for 90 eval '! systemctl -q is-active "user@$(id -u "$(account sub)")"'
	wait_for 60 eval '[ "$(oci state c1 | jq -r .status)" = stopped ]'
	# what is left is a record, which goes as that of any stopped container
	run_oci delete c1
	nothing_left
}

@test "with lingering on, a container outlives the logout" {
	cmd '.linux.resources = {"pids":{"limit":5}}' sleep 300
	loginctl enable-linger "$(account sub)"
	way systemd '$O run -d -b b c1 >out 2>&1 </dev/null || { cat out; exit 1; }'
	# longer than the manager lives without
	sleep 30
	systemctl -q is-active "user@$(id -u "$(account sub)")"
	[ "$(oci state c1 | jq -r .status)" = running ]
	logged_in sub "$O delete --force c1"
	loginctl disable-linger "$(account sub)"
	nothing_left
}
