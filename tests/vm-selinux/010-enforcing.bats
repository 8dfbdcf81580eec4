# labels that hold: Debian's policy, enforcing, for unconfined users and root.
# Debian's policy has no domain for containers (refpolicy's module "container" is
# not in it, svirt_t may be entered through qemu's file alone, and by libvirt alone),
# so one is added here, as an administrator would.

load helpers

CONTAINER=system_u:system_r:vmbox_t:s0:c1,c2
OTHER=system_u:system_r:vmbox_t:s0:c3,c4

setup_file() {
	local policy
	policy=$(mktemp -d)
	cat >"$policy/vmbox.cil" <<-'END'
		(type vmbox_t)
		(type vmbox_file_t)
		(roletype system_r vmbox_t)
		(roletype unconfined_r vmbox_t)
		(roletype object_r vmbox_file_t)
		(typeattributeset domain (vmbox_t))
		(typeattributeset file_type (vmbox_file_t))
		(typeattributeset mcs_constrained_type (vmbox_t))
		; who makes containers, and how their first program is entered
		(allow initrc_t vmbox_t (process (transition dyntransition siginh rlimitinh noatsecure getattr signal sigkill sigstop signull)))
		(allow unconfined_t vmbox_t (process (transition dyntransition siginh rlimitinh noatsecure getattr signal sigkill sigstop signull)))
		(allow initrc_t vmbox_t (process2 (nnp_transition nosuid_transition)))
		(allow unconfined_t vmbox_t (process2 (nnp_transition nosuid_transition)))
		(allow vmbox_t initrc_t (process (sigchld)))
		(allow vmbox_t unconfined_t (process (sigchld)))
		(allow vmbox_t vmbox_file_t (file (entrypoint execute execute_no_trans map open read write append create getattr setattr ioctl unlink lock)))
		(allow vmbox_t vmbox_file_t (dir (search open read write add_name remove_name getattr ioctl)))
		(allow vmbox_t vmbox_file_t (lnk_file (read getattr)))
		(allow vmbox_t vmbox_file_t (filesystem (getattr)))
		; what it is given, and sees of the kernel
		(allow vmbox_t initrc_t (fd (use)))
		(allow vmbox_t unconfined_t (fd (use)))
		(allow vmbox_t initrc_t (fifo_file (read write append getattr ioctl)))
		(allow vmbox_t initrc_tmp_t (file (write append getattr ioctl)))
		(allow vmbox_t user_tmp_t (file (write append getattr ioctl)))
		(allow vmbox_t null_device_t (chr_file (read write append open getattr ioctl)))
		(allow vmbox_t tmpfs_t (dir (search getattr)))
		(allow vmbox_t proc_t (dir (search getattr open read)))
		(allow vmbox_t proc_t (lnk_file (read getattr)))
		(allow vmbox_t self (dir (search getattr open read)))
		(allow vmbox_t self (file (read open getattr)))
		(allow vmbox_t self (lnk_file (read getattr)))
		(allow vmbox_t self (process (fork sigchld)))
	END
	semodule -i "$policy/vmbox.cil"
	rm -rf "$policy"
	echo 1 >/sys/fs/selinux/enforce
}

teardown_file() {
	echo 0 >/sys/fs/selinux/enforce
	semodule -r vmbox
}

setup() {
	bundle sub
	mkdir "$DIR/b/rootfs/box" "$DIR/b/rootfs/other"
	echo secret >"$DIR/b/rootfs/data/foreign"
	echo mine >"$DIR/b/rootfs/box/mine"
	echo theirs >"$DIR/b/rootfs/other/theirs"
	chown -R "$(account sub):" "$DIR/b/rootfs"
	chmod -R a+rwX "$DIR/b/rootfs/box" "$DIR/b/rootfs/data"
	chcon -R system_u:object_r:vmbox_file_t:s0 "$DIR/b/rootfs"
	chcon -R system_u:object_r:vmbox_file_t:s0:c1,c2 "$DIR/b/rootfs/box"
	chcon -R system_u:object_r:vmbox_file_t:s0:c8,c9 "$DIR/b/rootfs/other"
	chcon system_u:object_r:shadow_t:s0 "$DIR/b/rootfs/data/foreign"
}
teardown() {
	[ "${BATS_TEST_COMPLETED:-0}" = 1 ] || dmesg | grep -o 'avc: .*' | tail -n 12
	oci_teardown
}

# unconfined [STATUS] WORD…: runner-oci as the ordinary user, in the domain that a login has
unconfined() {
	local want=0
	[[ $1 =~ ^[0-9]+$ ]] && { want=$1; shift; }
	# by a shell: our program's disk has no labels, so that its file is no way into a domain
	run_as sub "$want" runcon unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023 \
		bash -c 'exec runner-oci "$@"' sh --root "$DIR/state" "$@"
}

# what a program in the container may do, and what not, whoever its user is
tries='cat /proc/self/attr/current; echo
	cat /box/mine; echo x >/box/new && echo written
	cat /data/foreign; cat /other/theirs; echo x >/other/new; echo tried'

holds() {
	assert_output_has "$CONTAINER"
	assert_output_has mine
	assert_output_has written
	assert_output_has "can't open '/data/foreign': Permission denied"
	assert_output_has "can't open '/other/theirs': Permission denied"
	assert_output_has "can't create /other/new: Permission denied"
	assert_output_has tried
	[[ $output != *secret* && $output != *theirs$'\n'* ]]
}

@test "enforcing; a container without a label is as unconfined as its user" {
	[ "$(cat /sys/fs/selinux/enforce)" = 1 ]
	cmd . sh -c 'cat /proc/self/attr/current; echo; cat /data/foreign /other/theirs'
	chcon system_u:object_r:vmbox_file_t:s0 "$DIR/b/rootfs/data/foreign"
	unconfined run -b "$DIR/b" c1
	assert_output_has unconfined_t
	assert_output_has secret
	assert_output_has theirs
}

@test "process.selinuxLabel confines an ordinary user's container: its files, not others" {
	cmd ".process.selinuxLabel = \"$CONTAINER\"" sh -c "$tries"
	unconfined run -b "$DIR/b" c1
	echo "$output"
	holds
	nothing_left
}

@test "and root's" {
	KIND=root
	cmd ".process.selinuxLabel = \"$CONTAINER\" | del(.linux.uidMappings, .linux.gidMappings)
		| .linux.namespaces |= map(select(.type != \"user\"))" sh -c "$tries"
	run_oci run -b "$DIR/b" c1
	echo "$output"
	holds
	nothing_left
}

@test "exec has the container's label, or its own; another's categories keep it out" {
	cmd ".process.selinuxLabel = \"$CONTAINER\"" sleep 300
	oci run -d -b "$DIR/b" c1 >"$DIR/out" 2>&1 </dev/null || { cat "$DIR/out"; false; }
	run_oci exec c1 sh -c "$tries"
	holds
	run_oci exec --process-label "$OTHER" c1 sh -c 'cat /proc/self/attr/current; echo; cat /box/mine || echo kept out'
	assert_output_has "$OTHER"
	assert_output_has "kept out"
	oci delete --force c1
}

@test "linux.mountLabel: the container's own tmpfs is its own, another's is not" {
	cmd ".process.selinuxLabel = \"$CONTAINER\" | .linux.mountLabel = \"system_u:object_r:vmbox_file_t:s0:c1,c2\"
		| .mounts += [{\"destination\":\"/own\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"}]" \
		sh -c 'echo x >/own/file && cat /own/file && echo yes'
	run_oci run -b "$DIR/b" c1
	assert_output_has yes
	cmd ".process.selinuxLabel = \"$OTHER\" | .linux.mountLabel = \"system_u:object_r:vmbox_file_t:s0:c1,c2\"
		| .mounts += [{\"destination\":\"/own\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"}]" \
		sh -c 'echo x >/own/file || echo no'
	run_oci run -b "$DIR/b" c1
	assert_output_has "Permission denied"
	assert_output_has no
}

@test "a label that the policy lets nobody enter: one line that names it" {
	cmd '.process.selinuxLabel = "system_u:system_r:svirt_t:s0:c1,c2"' true
	run_oci 126 run -b "$DIR/b" c1
	assert_one_line
	assert_output_has "process.selinuxLabel 'system_u:system_r:svirt_t:s0:c1,c2': Operation not permitted"
	cmd '.process.selinuxLabel = "system_u:system_r:svirt_t:s0:c1,c2" | .process.noNewPrivileges = false' true
	run_oci 126 run -b "$DIR/b" c1
	assert_one_line
	assert_output_has "process.selinuxLabel 'system_u:system_r:svirt_t:s0:c1,c2': Permission denied"
	unconfined 126 run -b "$DIR/b" c1
	assert_one_line
	assert_output_has svirt_t
	nothing_left
}
