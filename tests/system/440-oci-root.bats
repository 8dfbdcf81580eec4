# runner-oci by the host's root: device rules, nodes, id mapped mounts, groups.
# Everything happens in a private mount namespace with its own view of cgroup2.

load helpers
load oci

setup() {
	[ "$(id -u)" = 0 ] || skip "needs the host's root"
	mount_box true || skip "cgroup2 cannot be mounted here"
	oci_setup root
	PLAIN='del(.linux.uidMappings, .linux.gidMappings) |
		.linux.namespaces |= map(select(.type != "user"))'
	CG=/$SUITE_PREFIX-oci-root-$$
}

teardown() {
	[ -n "${DIR:-}" ] || return 0
	for c in c1 c2; do boxed_raw delete --force $c; done
	rm -rf "$DIR"
	mount_box find "/sys/fs/cgroup" -maxdepth 3 -depth -path "*$CG*" -type d -exec rmdir {} +
}

mount_box() {
	unshare -m --propagation private sh -c 'umount -R /sys/fs/cgroup &&
		mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"' box "$@" 2>/dev/null
}

boxed_raw() {
	unshare -m --propagation private sh -c 'umount -R /sys/fs/cgroup
		mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"' box \
		env -i PATH="$PATH" HOME=/root ${SUITE_ENV:-} timeout 30 "$BIN/runner-oci" --root "$DIR/state" "$@"
}

# boxed STATUS WORD…
boxed() {
	local want=$1
	shift
	status=0
	boxed_raw "$@" </dev/null >"$DIR/out" 2>&1 || status=$?
	output=$(cat "$DIR/out")
	[ "$status" -eq "$want" ] || { echo "status $status: $output"; return 1; }
}

@test "device rules: open and mknod are refused by the group's program, the rest works" {
	local dev='.linux.devices = [{"path":"/dev/foo","type":"c","major":10,"minor":200},
			{"path":"/dev/bar","type":"c","major":10,"minor":229}]'
	local caps='.process.capabilities = {"bounding":["CAP_MKNOD"],"permitted":["CAP_MKNOD"],"effective":["CAP_MKNOD"]}'
	ln -sf busybox "$DIR/b/rootfs/bin/mknod"
	# without a rule it opens: what is refused below is refused by the rules
	cmd "$PLAIN | $dev" sh -c 'true </dev/foo && echo open'
	boxed 0 run -b "$DIR/b" c1
	[ "$output" = open ]
	cmd "$PLAIN | $dev | .linux.cgroupsPath = \"$CG/c1\" | .linux.resources.devices = [
		{\"allow\":false,\"access\":\"rwm\"},
		{\"allow\":true,\"type\":\"c\",\"major\":10,\"minor\":229,\"access\":\"r\"}]" \
		sh -c 'true </dev/foo; true </dev/bar && echo bar; true >/dev/bar; true >/dev/null && echo null'
	boxed 0 run -b "$DIR/b" c1
	[ "$(grep -c "/dev/foo: Operation not permitted" <<<"$output")" = 1 ]
	[ "$(grep -c "/dev/bar: Operation not permitted" <<<"$output")" = 1 ]
	[ "$(grep -cx "bar\|null" <<<"$output")" = 2 ]
	cmd "$PLAIN | $caps | .linux.cgroupsPath = \"$CG/c1\" | .linux.resources.devices = [
		{\"allow\":false,\"access\":\"rwm\"},
		{\"allow\":false,\"type\":\"b\",\"major\":7,\"access\":\"m\"}]" \
		sh -c 'mknod /tmp/a c 10 200 && echo made; true </tmp/a; mknod /tmp/b b 7 0'
	boxed 1 run -b "$DIR/b" c1
	[ "$(grep -cx made <<<"$output")" = 1 ]
	[ "$(grep -c "/tmp/a: Operation not permitted" <<<"$output")" = 1 ]
	[ "$(grep -c "/tmp/b: Operation not permitted" <<<"$output")" = 1 ]
}

@test "device rules: update -r changes them in a living container" {
	cmd "$PLAIN | .linux.devices = [{\"path\":\"/dev/foo\",\"type\":\"c\",\"major\":10,\"minor\":200}] |
		.linux.cgroupsPath = \"$CG/c1\"" sleep 100
	boxed 0 create -b "$DIR/b" c1
	boxed 0 start c1
	boxed 0 exec c1 sh -c 'true </dev/foo'
	echo '{"devices":[{"allow":false,"access":"rwm"}]}' >"$DIR/r.json"
	boxed 0 update -r "$DIR/r.json" c1
	boxed 1 exec c1 sh -c 'true </dev/foo'
	assert_output_has "Operation not permitted"
	boxed 0 delete --force c1
}

@test "devices have the owner and mode of the spec, with a user namespace too" {
	local dev='.linux.devices = [{"path":"/dev/foo","type":"b","major":1,"minor":5,"uid":10,"gid":11,"fileMode":416}]'
	cmd "$PLAIN | $dev" stat -c '%u:%g %a %t:%T' /dev/foo
	boxed 0 run -b "$DIR/b" c1
	[ "$output" = "10:11 640 1:5" ]
	cmd "$dev | .linux.uidMappings = [{\"containerID\":0,\"hostID\":0,\"size\":1000}] |
		.linux.gidMappings = .linux.uidMappings" stat -c '%u:%g %a %t:%T' /dev/foo
	boxed 0 run -b "$DIR/b" c1
	[ "$output" = "10:11 640 1:5" ]
	# as before Linux 6.15, which clones nothing detached; no mount is to be seen elsewhere
	run timeout 30 unshare -m sh -c 'mount --make-rshared / && cat /proc/self/mountinfo >"$0/before" && "$@"
		cat /proc/self/mountinfo >"$0/after"' "$DIR" env ASAN_OPTIONS=detect_leaks=0 strace -qq -o "$DIR/trace" -e inject=open_tree:error=EINVAL:when=3 -e trace=open_tree \
		"$BIN/runner-oci" --root "$DIR/state" --cgroup-manager disabled run -b "$DIR/b" c1
	[ "$output" = "10:11 640 1:5" ] || { echo "$output"; false; }
	grep -q '"0".* = -1 EINVAL' "$DIR/trace" || { cat "$DIR/trace"; false; }
	cmp "$DIR/before" "$DIR/after"
	cmd "$dev" true
	boxed 1 run -b "$DIR/b" c1
	assert_one_line
	assert_output_has "owner 10:11 is not mapped"
}

@test "id mapped mounts: by field, by idmap, by idmap= absolute and relative" {
	mkdir "$DIR/src"
	touch "$DIR/src/file"
	local ns='.linux.uidMappings = [{"containerID":0,"hostID":100000,"size":1000}] | .linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 "$DIR/b/rootfs"
	chmod 755 "$DIR" "$DIR/b"
	owner() { # OPTION FIELDS WANT
		cmd "$ns | .mounts += [{\"destination\":\"/mnt\",\"type\":\"bind\",\"source\":\"$DIR/src\",\"options\":[\"bind\"$1]$2}]" \
			stat -c %u:%g /mnt/file
		boxed 0 run -b "$DIR/b" c1
		[ "$output" = "$3" ] || { echo "$1$2: $output"; return 1; }
	}
	owner '' '' 65534:65534
	owner ',"idmap"' '' 0:0
	owner ',"idmap=uids=0-100000-10;gids=0-100000-10"' '' 0:0
	owner ',"idmap=uids=5-100005-10#0-100002-1;gids=+0-100000-10"' '' 2:0
	owner ',"idmap=uids=@0-7-10;gids=0-100000-10"' '' 7:0
	owner '' ',"uidMappings":[{"containerID":0,"hostID":100003,"size":9}],"gidMappings":[{"containerID":0,"hostID":100000,"size":9}]' 3:0
	cmd "$ns | .mounts += [{\"destination\":\"/mnt\",\"type\":\"bind\",\"source\":\"$DIR/src\",\"options\":[\"bind\",\"idmap=uids=0-1\"]}]" true
	boxed 1 run -b "$DIR/b" c1
	assert_one_line
	assert_output_has "idmap"
}

@test "a maker killed after it made the group: delete --force removes it; a new maker takes it over" {
	for step in cgroup cloned ready; do
		cmd "$PLAIN" sleep 100
		boxed_raw --debug-stop $step create -b "$DIR/b" c1 </dev/null >"$DIR/out" 2>&1 &
		local maker=$! real
		wait_for 10 eval 'real=$(pgrep -P "$(pgrep -P '$maker' || echo 0)" -f debug-stop || pgrep -P '$maker' -f debug-stop); [ -n "$real" ] && ps -o stat= -p $real | grep -q ^T'
		kill -9 $real
		wait $maker || [ $? = 137 ]
		mount_box test -d "/sys/fs/cgroup/runner-oci-c1"
		boxed 0 delete --force c1
		[ -z "$(mount_box ls -d "/sys/fs/cgroup/runner-oci-c1")" ]
	done
	# as if the record had been lost with it
	mount_box mkdir /sys/fs/cgroup/runner-oci-c1
	cmd "$PLAIN" true
	boxed 0 run -b "$DIR/b" c1
	[ -z "$(mount_box ls -d "/sys/fs/cgroup/runner-oci-c1")" ]
}

@test "delete --force of what somebody froze in the old hierarchy" {
	local old=/sys/fs/cgroup/freezer/$SUITE_PREFIX-frozen-$$ pid
	grep -q ^freezer /proc/cgroups && mkdir "$old" 2>/dev/null || skip "no old freezer on this host"
	cmd "$PLAIN" sleep 100
	"$BIN/runner-oci" --root "$DIR/state" --cgroup-manager disabled run -d -b "$DIR/b" c1 </dev/null >"$DIR/out" 2>&1 3>&-
	pid=$("$BIN/runner-oci" --root "$DIR/state" state c1 | jq .pid)
	echo "$pid" >"$old/cgroup.procs"
	echo FROZEN >"$old/freezer.state"
	wait_for 5 grep -qx FROZEN "$old/freezer.state"
	status=0
	timeout 30 "$BIN/runner-oci" --root "$DIR/state" delete --force c1 >"$DIR/out" 2>&1 || status=$?
	echo THAWED >"$old/freezer.state"
	wait_for 5 rmdir "$old"
	[ "$status" = 0 ] || { cat "$DIR/out"; false; }
	# whoever adopted it may not have looked yet
	grep -q '^State:.[ZX]' "/proc/$pid/status" || [ ! -e "/proc/$pid" ]
}

@test "stdio of the caller keeps its owner" {
	touch "$DIR/file"
	cmd "$PLAIN | .process.user.uid = 1000" true
	boxed_raw run -b "$DIR/b" c1 <"$DIR/file" >"$DIR/file" 2>&1
	[ "$(stat -c %u "$DIR/file")" = 0 ]
	[ "$(stat -c %u /dev/null)" = 0 ]
}

@test "a host whose /dev/null is none: nothing is masked with it" {
	local fake
	touch "$DIR/fake"
	cmd "$PLAIN" true
	for fake in "$DIR/fake" /dev/zero; do
		status=0
		unshare -m --propagation private sh -c 'mount --bind "$0" /dev/null && exec "$@"' "$fake" \
			timeout 20 "$BIN/runner-oci" --root "$DIR/state" --cgroup-manager disabled run -b "$DIR/b" c1 \
			>"$DIR/out" 2>&1 || status=$?
		[ "$status" = 1 ]
		grep -q "/dev/null: not the null device" "$DIR/out"
	done
}

@test "no mount namespace: the host's is inherited, and none of its mounts change" {
	local before type
	before=$(cat /proc/self/mountinfo)
	for type in none /proc/self/ns/mnt; do
		cmd "$PLAIN"' | .linux.namespaces |= map(select(.type != "mount"))' \
			sh -c 'readlink /proc/self/ns/mnt; cat /etc/where; ls /proc/self/fd >/dev/null && sleep 100'
		[ $type = none ] || cfg "$(cat <<-END
			.process.args = $(jq -c .process.args "$DIR/b/config.json") | $PLAIN |
			.linux.namespaces |= map(if .type == "mount" then .path = "$type" else . end)
		END
		)"
		status=0
		"$BIN/runner-oci" --root "$DIR/state" --cgroup-manager disabled run -d -b "$DIR/b" c1 \
			</dev/null >"$DIR/out" 2>&1 3>&- || status=$?
		grep -q "move_mount: Invalid argument" "$DIR/out" && skip "before Linux 6.15"
		[ "$status" = 0 ] || { cat "$DIR/out"; false; }
		wait_for 5 grep -qx inside "$DIR/out"
		grep -qxF "$(readlink /proc/self/ns/mnt)" "$DIR/out"
		[ "$(cat /proc/self/mountinfo)" = "$before" ]
		run "$BIN/runner-oci" --root "$DIR/state" exec c1 true
		[ "$status" = 1 ]
		assert_output_has "no mount namespace of its own"
		"$BIN/runner-oci" --root "$DIR/state" delete --force c1
		[ "$(cat /proc/self/mountinfo)" = "$before" ]
	done
}


# netns WORD…: with a network namespace of our own that has the device d0 with addresses
netns() {
	timeout 60 unshare -n sh -c 'ip link add d0 address 02:11:22:33:44:55 mtu 1300 type veth peer name p0 &&
		ip link set p0 up && ip addr add 192.0.2.7/25 dev d0 && ip -6 addr add 2001:db8::7/64 dev d0 nodad &&
		"$@"' netns "$@"
}

@test "network devices: moved with their addresses and set up, a name, a pattern, what is refused" {
	local made="$BIN/runner-oci --root $DIR/state --cgroup-manager disabled run -b $DIR/b c1" user name net
	export PATH=$PATH:/sbin:/usr/sbin
	unshare -n ip link add d0 type veth peer name p0 || skip "a kernel without veth devices"
	ln -sf busybox "$DIR/b/rootfs/bin/ip"
	chmod 755 "$DIR" "$DIR/b"
	for user in "$PLAIN" '.linux.uidMappings = [{"containerID":0,"hostID":100000,"size":10}] | .linux.gidMappings = .linux.uidMappings'; do
		[ "$user" = "$PLAIN" ] || chown -R 100000:100000 "$DIR/b/rootfs"
		for name in '' eth5 'eth%d'; do
			cmd "$user | .linux.netDevices = {\"d0\":{\"name\":\"$name\"}}" ip addr show
			run netns $made
			[ "$status" = 0 ] || { echo "$output"; false; }
			assert_output_has "inet 192.0.2.7/25"
			assert_output_has "inet6 2001:db8::7/64"
			assert_output_has 02:11:22:33:44:55
			name=${name/\%d/0}
			grep -q " ${name:-d0}@.*[<,]UP.* mtu 1300" <<<"$output" || { echo "$output"; false; }
		done
	done
	chown -R 0:0 "$DIR/b/rootfs"
	# a namespace by path with a d0 of its own, and numbers that ours has, too
	touch "$DIR/net"
	net=".linux.namespaces |= map(if .type == \"network\" then .path = \"$DIR/net\" else . end)"
	for name in d0 d9; do
		cmd "$PLAIN | $net | .linux.netDevices = {\"d0\":{\"name\":\"$name\"}}" ip addr show
		mv "$DIR/b/config.json" "$DIR/$name.json"
	done
	run unshare -nm --propagation private sh -c "ip link add d0 type veth peer name p0; ip link add d1 type veth peer name p1
		mount --bind /proc/self/ns/net $DIR/net; exec unshare -n sh -c 'ip link add d0 type veth peer name p0
			ip addr add 192.0.2.8/25 dev d0; for n in d0 d9; do cp $DIR/\$n.json $DIR/b/config.json; $made; done'"
	[ "$status" = 0 ]
	assert_output_has "linux.netDevices: d0: the container has a device 'd0' already"
	assert_output_has "192.0.2.8/25"
	grep -q " d9@.*[<,]UP" <<<"$output"
}

@test "network devices: an ordinary user may not move the host's, and may move his own" {
	export PATH=$PATH:/sbin:/usr/sbin
	chown -R "$(account nosub):" "$DIR"
	chmod 755 "$DIR"
	ln -sf busybox "$DIR/b/rootfs/bin/ip"
	cmd 'del(.linux.uidMappings, .linux.gidMappings) | .linux.netDevices = {"lo":{"name":"lo2"}}' true
	run_as nosub 1 runner-oci --root "$DIR/user" run -b "$DIR/b" c1
	assert_one_line
	assert_output_has "linux.netDevices: only root of the network's user namespace may move devices"
	cmd "$PLAIN"' | .linux.netDevices = {"d0":{}}' ip addr show
	run_as nosub 0 unshare -rnm sh -c "ip link add d0 type veth peer name p0 && ip addr add 192.0.2.9/24 dev d0 &&
		runner-oci --root $DIR/user --cgroup-manager disabled run -b $DIR/b c1"
	assert_output_has "inet 192.0.2.9/24"
}
