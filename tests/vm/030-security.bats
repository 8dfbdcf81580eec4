# what an admin restricts: AppArmor profiles, user namespaces, device rules

load helpers

setup() { bundle sub; }
teardown() {
	oci_teardown
	sysctl -qw kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000
	[ ! -e "${PROFILE:-/nothere}" ] || { apparmor_parser -R "$PROFILE"; rm -f "$PROFILE"; }
}

# profile NAME: nothing may be written below /data by whoever runs under it
profile() {
	PROFILE=$(mktemp /tmp/profile.XXXXXX)
	cat >"$PROFILE" <<-END
		profile $1 flags=(attach_disconnected,mediate_deleted) {
			file,
			capability,
			network,
			mount,
			umount,
			pivot_root,
			signal,
			ptrace,
			deny /data/** w,
		}
	END
	apparmor_parser -r "$PROFILE"
}

@test "an AppArmor profile that is loaded holds, at run and at exec" {
	profile runner-vm-test
	cmd '.process.apparmorProfile = "runner-vm-test"' sh -c \
		'cat /proc/self/attr/current; echo x >/tmp/ok && echo tmp; echo x >/data/no 2>/dev/null || echo refused; sleep 100'
	oci run -d -b "$DIR/b" c1 >"$DIR/out" 2>&1 </dev/null
	wait_for 20 grep -q refused "$DIR/out"
	grep -q '^runner-vm-test (enforce)' "$DIR/out"
	grep -q '^tmp$' "$DIR/out"
	run_oci exec c1 cat /proc/self/attr/current
	assert_output_has 'runner-vm-test (enforce)'
	run_oci exec --apparmor runner-vm-test c1 sh -c 'echo x >/data/no || echo refused'
	assert_output_has refused
	oci delete --force c1
}

@test "an AppArmor profile that is not loaded: one line that names it" {
	cmd '.process.apparmorProfile = "nosuch-profile"' true
	run_oci 1 run -b "$DIR/b" c1
	assert_one_line
	assert_output_has nosuch-profile
	nothing_left
}

@test "a SELinux label on a host without SELinux: one line that names it" {
	cmd '.process.selinuxLabel = "system_u:system_r:container_t:s0"' true
	run_oci 1 run -b "$DIR/b" c1
	assert_one_line
	assert_output_has selinuxLabel
	nothing_left
}

@test "user namespaces forbidden by kernel.unprivileged_userns_clone: one line and the command" {
	sysctl -qw kernel.unprivileged_userns_clone=0
	cmd . true
	run_oci 1 run -b "$DIR/b" c1
	assert_one_line
	assert_output_has 'sysctl'
	assert_output_has 'kernel.unprivileged_userns_clone=1'
	run_as sub 125 runner run --rm hello true
	assert_one_line
	assert_output_has 'kernel.unprivileged_userns_clone=1'
	run_as sub 0 uidmap plan
	assert_output_has 'kernel.unprivileged_userns_clone=1'
	nothing_left
	# what the line says is the cure
	sysctl -qw kernel.unprivileged_userns_clone=1
	run_oci run -b "$DIR/b" c1
}

@test "no user namespaces left (user.max_user_namespaces): one line and the command" {
	sysctl -qw user.max_user_namespaces=0
	cmd . true
	run_oci 1 run -b "$DIR/b" c1
	assert_one_line
	assert_output_has 'sysctl'
	assert_output_has 'user.max_user_namespaces='
	run_as sub 125 runner run --rm hello true
	assert_one_line
	assert_output_has 'user.max_user_namespaces='
	run_as sub 0 uidmap plan
	assert_output_has 'user.max_user_namespaces='
}

# root_bundle FILTER WORD…: a bundle for root, without a user namespace
root_cmd() {
	local filter=$1
	shift
	KIND=root
	cmd "del(.linux.uidMappings, .linux.gidMappings) | .linux.namespaces |= map(select(.type != \"user\"))
		| .process.capabilities.bounding += [\"CAP_MKNOD\"] | .process.capabilities.effective += [\"CAP_MKNOD\"]
		| .process.capabilities.permitted += [\"CAP_MKNOD\"] | $filter" "$@"
	ln -sf busybox "$DIR/b/rootfs/bin/mknod"
}

@test "root: device rules by eBPF: a forbidden device cannot be opened, an allowed one can" {
	# 10:229 fuse, 10:200 tun, 10:235 autofs, 254:0 a disk
	root_cmd '.linux.resources.devices = [{"allow":false,"access":"rwm"},
		{"allow":true,"type":"c","major":10,"minor":229,"access":"rw"},
		{"allow":true,"type":"c","major":10,"minor":200,"access":"r"}]' sh -c '
		cd /tmp
		mknod fuse c 10 229; mknod tun c 10 200; mknod autofs c 10 235; mknod vda b 254 0; mknod null c 1 3
		for d in null fuse tun autofs vda; do (: <$d) 2>/dev/null && echo "$d r yes" || echo "$d r no"; done
		for d in null fuse tun; do (: >>$d) 2>/dev/null && echo "$d w yes" || echo "$d w no"; done'
	run_oci run -b "$DIR/b" c1
	echo "$output"
	for line in 'null r yes' 'fuse r yes' 'tun r yes' 'null w yes' 'fuse w yes' 'tun w no' 'autofs r no' 'vda r no'; do
		assert_output_has "$line"
	done
	nothing_left
}

@test "root: rules in any order load: all allowed at the end, nothing said at all, denied after allowed" {
	local words='cd /tmp; mknod tun c 10 200; mknod vda b 254 0; for d in tun vda; do (: <$d) 2>/dev/null && echo "$d yes" || echo "$d no"; done'
	root_cmd '.linux.resources.devices = [{"allow":false,"access":"rwm"},{"allow":true,"access":"rwm"}]' sh -c "$words"
	run_oci run -b "$DIR/b" c1
	assert_output_has 'tun yes'
	assert_output_has 'vda yes'
	root_cmd '.linux.resources.devices = [{"allow":true,"access":"rwm"},{"allow":false,"type":"b","access":"rwm"}]' sh -c "$words"
	run_oci run -b "$DIR/b" c1
	assert_output_has 'tun yes'
	assert_output_has 'vda no'
	root_cmd '.linux.resources.devices = [{"allow":false,"access":"rwm"},{"allow":true,"type":"b","major":254,"access":"rwm"},
		{"allow":false,"type":"b","major":254,"minor":0,"access":"rwm"},{"allow":true,"type":"c","major":10,"minor":200,"access":"r"}]' sh -c "$words"
	run_oci run -b "$DIR/b" c1
	assert_output_has 'tun yes'
	assert_output_has 'vda no'
	nothing_left
}

@test "root: the rules hold under both managers, for exec, and after update" {
	local manager
	for manager in cgroupfs systemd; do
		root_cmd '.linux.resources.devices = [{"allow":false,"access":"rwm"}]' sleep 100
		oci --cgroup-manager=$manager run -d -b "$DIR/b" c1 </dev/null >"$DIR/out" 2>&1
		run_oci 1 exec c1 sh -c 'cd /tmp; mknod tun$$ c 10 200; : <tun$$'
		assert_output_has 'Operation not permitted'
		run_oci exec c1 sh -c ': </dev/null && : >/dev/zero'
		run_oci update --pids-limit 30 c1
		run_oci 1 exec c1 sh -c 'cd /tmp; mknod tun$$ c 10 200; : <tun$$'
		assert_output_has 'Operation not permitted'
		oci delete --force c1
	done
}

# without_bpf WORD…: as root, but the kernel refuses to load eBPF
without_bpf() {
	systemd-run --quiet --wait --pipe -p SystemCallFilter=~bpf -p SystemCallErrorNumber=EPERM \
		"$BIN/runner-oci" --root "$DIR/state" "$@" 2>&1
}

@test "root: device rules that cannot be loaded are told, under both managers" {
	local manager
	for manager in cgroupfs systemd; do
		root_cmd '.linux.resources.devices = [{"allow":false,"access":"rwm"}]' sh -c 'echo ran'
		run without_bpf --cgroup-manager=$manager run -b "$DIR/b" c1
		echo "$output"
		[ "$status" -eq 0 ]
		assert_output_has ran
		assert_output_has 'warning: not enforced: linux.resources.devices: attach the rules: Operation not permitted'
		# rules that forbid nothing are not lost
		root_cmd '.linux.resources.devices = [{"allow":true,"access":"rwm"}]' sh -c 'echo ran'
		run without_bpf --cgroup-manager=$manager run -b "$DIR/b" c1
		[ "$output" = ran ]
		nothing_left
	done
}

@test "an ordinary user's device rules: told where they would forbid a thing that is there" {
	local manager rules
	# nobody makes nodes there: to deny everything denies nothing
	for manager in systemd cgroupfs; do
		cmd '.linux.resources.devices = [{"allow":false,"access":"rwm"}]' sh -c 'echo ran'
		delegated $manager
		[ "$output" = ran ]
		for rules in '[{"allow":false,"type":"c","major":10,"minor":229,"access":"rw"}]' \
			'[{"allow":false,"access":"rwm"}] | .linux.devices = [{"path":"/dev/fuse","type":"c","major":10,"minor":229}]'; do
			cmd ".linux.resources.devices = $rules" sh -c 'echo ran'
			delegated $manager
			assert_output_has ran
			assert_output_has 'warning: not enforced: linux.resources.devices: attach the rules: Operation not permitted'
		done
		cmd '.linux.resources.devices = [{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":10,"minor":229,"access":"rw"}]
			| .linux.devices = [{"path":"/dev/fuse","type":"c","major":10,"minor":229}]' sh -c 'echo ran'
		delegated $manager
		[ "$output" = ran ]
	done
	nothing_left
}

# delegated MANAGER: run the bundle where that manager works
delegated() {
	logged_in sub "cd $DIR; exec systemd-run --user --scope --quiet -p Delegate=yes \
		runner-oci --root $DIR/state --cgroup-manager=$1 run -b b c1"
	echo "$1: $output"
}
