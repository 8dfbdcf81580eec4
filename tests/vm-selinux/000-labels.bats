# labels on a host with SELinux: Debian's policy, permissive, so that labels count
# and refusals do not

load helpers

PROCESS=system_u:system_r:svirt_t:s0:c1,c2
FILES=system_u:object_r:svirt_image_t:s0:c1,c2

setup() { bundle sub; }
teardown() { oci_teardown; }

# label_of PATH: in the container, which has no getfattr
label_of() {
	python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "security.selinux").decode().rstrip("\0"))' "$1"
}

@test "SELinux is on and permissive, PID 1 has a domain of its own" {
	[ "$(cat /sys/fs/selinux/enforce)" = 0 ]
	tr -d '\0' </proc/1/attr/current | grep -x 'system_u:system_r:init_t:s0.*'
	[[ $(label_of /usr/lib/systemd/systemd) == *:init_exec_t:* ]]
}

@test "process.selinuxLabel: the program runs with it, exec too, and with its own" {
	cmd ".process.selinuxLabel = \"$PROCESS\"" sh -c 'cat /proc/self/attr/current; echo; sleep 100'
	oci run -d -b "$DIR/b" c1 >"$DIR/out" 2>&1 </dev/null
	wait_for 30 eval 'tr -d "\0" <"$DIR/out" | grep -qx "$PROCESS"'
	run_oci exec c1 cat /proc/self/attr/current
	assert_output_has "$PROCESS"
	run_oci exec --process-label "${PROCESS%c1,c2}c3,c4" c1 cat /proc/self/attr/current
	assert_output_has "${PROCESS%c1,c2}c3,c4"
	oci delete --force c1
	nothing_left
}

@test "a label that the policy does not know: one line that names it" {
	cmd '.process.selinuxLabel = "no_u:no_r:no_t:s0"' true
	run_oci 1 run -b "$DIR/b" c1
	assert_one_line
	assert_output_has process.selinuxLabel
	nothing_left
}

# labelled FILTER: what the container's mounts are labelled with, read from outside
labelled() {
	cmd ".linux.mountLabel = \"$FILES\" | $1" sh -c 'touch /dev/shm/x; echo up; sleep 100'
	oci run -d -b "$DIR/b" c1 >"$DIR/out" 2>&1 </dev/null || { cat "$DIR/out"; return 1; }
	wait_for 30 grep -q up "$DIR/out"
	local root path
	root=/proc/$(oci state c1 | jq .pid)/root
	for path in /dev /dev/shm /dev/shm/x /dev/pts; do
		echo "$path $(label_of "$root$path")"
		[ "$(label_of "$root$path")" = "$FILES" ]
	done
	# takes no context, and must not keep the container from starting
	grep -q ' /dev/mqueue .* mqueue ' "/proc/$(oci state c1 | jq .pid)/mountinfo"
	cat "$DIR/out"
	[ "$(cat "$DIR/out")" = up ]
	oci delete --force c1
	nothing_left
}

@test "linux.mountLabel: tmpfs and devpts have it, as an ordinary user" { labelled .; }

@test "linux.mountLabel: as root" {
	KIND=root
	labelled 'del(.linux.uidMappings, .linux.gidMappings) | .linux.namespaces |= map(select(.type != "user"))'
}

@test "features says SELinux" {
	run_oci features
	[ "$(jq .linux.selinux.enabled <<<"$output")" = true ]
}
