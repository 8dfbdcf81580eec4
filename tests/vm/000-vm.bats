# the virtual machine is what the other files need

load helpers


@test "a login has a session, a manager, a bus and a runtime folder" {
	logged_in sub 'echo "run $XDG_RUNTIME_DIR"; systemctl --user is-system-running; cat /proc/self/cgroup
		busctl --user status >/dev/null && echo bus'
	assert_output_has "run /run/user/$(id -u "$(account sub)")"
	assert_output_has /session-
	assert_output_has bus
}

@test "the user's manager has the controllers" {
	logged_in sub 'systemd-run --user --quiet --wait --pipe -p Delegate=yes sh -c "cat /sys/fs/cgroup\$(cut -d: -f3 /proc/self/cgroup)/cgroup.controllers"'
	for controller in cpuset cpu io memory pids; do assert_output_has "$controller"; done
}

@test "Debian's kernel and AppArmor" {
	[[ $(uname -r) == 6.1.*cloud* ]]
	[ "$(cat /sys/module/apparmor/parameters/enabled)" = Y ]
}
