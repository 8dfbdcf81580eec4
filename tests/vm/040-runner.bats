# runner in a login: the main job, limits of its options, what a logout does

load helpers

teardown() {
	may_fail "a test broke the store" logged_in sub 'runner rm -f -a >/dev/null'
	[ ! -e /etc/systemd/logind.conf.d/kill.conf ] || { rm /etc/systemd/logind.conf.d/kill.conf; systemctl restart systemd-logind; }
	may_fail "it never lingered" loginctl disable-linger "$(account sub)"
}

@test "the main job: run -d -p, curl, logs, exec, stop, rm" {
	logged_in sub '
		id=$(runner run -d --name web -p 8080:80 hello) || exit 1
		curl -sS --retry 3 http://127.0.0.1:8080/ | grep -i -m 3 -o "rung[^<]*\|cgroups[^<]*\|systemd"
		curl -sS http://127.0.0.1:8080/ >/dev/null && echo fetched
		runner ps --format "{{.Names}} {{.Status}}"
		runner exec web /hello --help >/dev/null 2>&1; echo "exec $?"
		runner logs web | grep -c GET
		runner stop -t 2 web && runner rm web && echo removed
		curl -sS http://127.0.0.1:8080/ 2>&1 | grep -c refused
		pgrep -u $(id -u) -f "slirp-net|runner-monitor|fuse-overlay" || echo nobody'
	echo "$output"
	assert_output_has fetched
	assert_output_has 'web Up'
	assert_output_has removed
	assert_output_has nobody
}

@test "--memory --pids-limit --cpus --cpu-shares are what the group says, exec is in it, rm leaves no scope" {
	run_image
	logged_in sub '
		id=$(runner run -d --name lim --network none -m 48m --memory-reservation 16m --pids-limit 30 --cpus 0.5 -c 512 bb:1 sleep 200) || exit 1
		show="cd /sys/fs/cgroup; echo \$(cat memory.max memory.low pids.max cpu.max cpu.weight)"
		pid=$(runner inspect -f "{{.State.Pid}}" lim)
		echo "init $(cut -d: -f3 /proc/$pid/cgroup)"
		cd /sys/fs/cgroup$(cut -d: -f3 /proc/$pid/cgroup) && echo $(cat memory.max memory.low pids.max cpu.max cpu.weight)
		runner exec lim sh -c "sleep 100" & sleep 4
		echo "procs $(wc -l <cgroup.procs)"
		cd; runner exec lim sh -c "dd if=/dev/zero of=/dev/null bs=100M count=1"; echo "dd $?"
		runner rm -f lim >/dev/null; wait
		echo end'
	echo "$output"
	assert_output_has '50331648 16777216 30 50000 100000 '
	assert_output_has 'procs 2'
	assert_output_has 'dd 137'
	[[ $output != *outside* && $output != *'not enforced'* ]]
	wait_for 10 eval '[ -z "$(scopes sub)" ]'
}

@test "over the memory limit: the program is killed, the code is 137" {
	run_image
	logged_in sub 137 'runner run --rm --network none --memory 32m bb:1 dd if=/dev/zero of=/dev/null bs=100M count=1'
	logged_in sub 'runner run --rm --network none --memory 32m bb:1 dd if=/dev/zero of=/dev/null bs=4M count=1'
	wait_for 10 eval '[ -z "$(scopes sub)" ]'
}

@test "over the pids limit: fork fails" {
	run_image
	logged_in sub 2 'runner run --rm --network none --pids-limit 3 bb:1 sh -c "sleep 5 & sleep 5 & (echo no); echo no"'
	assert_output_has "can't fork"
	[[ $output != *no$'\n'* ]]
}

@test "without a session's bus: the container runs, one line says that limits are not enforced" {
	run_image
	logged_in sub 'env -u XDG_RUNTIME_DIR -u DBUS_SESSION_BUS_ADDRESS runner run --rm --network none --memory 32m bb:1 echo ran'
	assert_output_has ran
	[ "$(grep -c 'not enforced' <<<"$output")" = 1 ]
	logged_in sub 'mkdir -m 700 -p /tmp/norun.$$; XDG_RUNTIME_DIR=/tmp/norun.$$ DBUS_SESSION_BUS_ADDRESS= runner --runroot /tmp/norun.$$/r run --rm --network none --memory 32m bb:1 echo ran; rm -rf /tmp/norun.$$'
	echo "$output"
	assert_output_has ran
	[ "$(grep -c 'not enforced' <<<"$output")" = 1 ]
	logged_in sub 125 'env -u XDG_RUNTIME_DIR -u DBUS_SESSION_BUS_ADDRESS runner run --rm --network none --require cgroups=systemd --memory 32m bb:1 echo ran'
	assert_one_line
}

@test "root: limits in a group below the mount" {
	run_image root
	logged_in root 'runner run --rm --network none --memory 32m --pids-limit 9 bb:1 sh -c "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max"; ls -d /sys/fs/cgroup/runner-oci-* 2>/dev/null || echo none left'
	assert_output_has 33554432
	assert_output_has 9
	assert_output_has 'none left'
}

# outlived NAME: a container and the user's manager are there 30 s after the logout
outlived() {
	sleep 30
	systemctl -q is-active "user@$(id -u "$(account sub)")"
	pgrep -x sleep -a -u "$(account sub)" | grep -q 'sleep 600'
	logged_in sub 'runner ps --format "{{.Names}}"'
	assert_output_has "$1"
}

@test "without lingering, a container outlives the logout too: its monitor keeps the session open" {
	run_image
	logged_in sub 'runner run -d --name stays --memory 48m --network none bb:1 sleep 600'
	outlived stays
	loginctl list-sessions --no-legend
	[ "$(loginctl show-user -p State --value "$(account sub)")" = closing ]
	logged_in sub 'runner rm -f stays'
	# and then the session goes, and the manager with it
	wait_for 90 eval '! systemctl -q is-active "user@$(id -u "$(account sub)")"'
}

@test "with lingering on, a container outlives the logout" {
	run_image
	loginctl enable-linger "$(account sub)"
	logged_in sub 'runner run -d --name stays --network none bb:1 sleep 600'
	outlived stays
	logged_in sub 'runner rm -f stays'
}

@test "KillUserProcesses=yes: a logout ends the container, in a scope of the lingering manager it stays" {
	run_image
	mkdir -p /etc/systemd/logind.conf.d
	printf '[Login]\nKillUserProcesses=yes\n' >/etc/systemd/logind.conf.d/kill.conf
	systemctl restart systemd-logind
	logged_in sub 'runner run -d --name goes --network none bb:1 sleep 600'
	wait_for 60 eval '! pgrep -x sleep -a -u "$(account sub)" | grep -q "sleep 600"'
	logged_in sub 'runner ps --format "{{.Names}}"; runner rm -f goes >/dev/null'
	[[ $output != *goes* ]]
	loginctl enable-linger "$(account sub)"
	logged_in sub 'systemd-run --user --scope --quiet runner run -d --name stays --network none bb:1 sleep 600'
	outlived stays
	logged_in sub 'runner rm -f stays'
}

# run_image [KIND]: the image bb:1 (busybox) in the account's own store
run_image() {
	local kind=${1:-sub} dir
	load ../system/images.bash
	images_setup
	layout bb bb:1 busybox
	logged_in "$kind" "runner load -q -i $IMG/bb"
	rm -rf "$IMG"
}
