# systemd as the first process of a container, with a group that is delegated to it

load helpers

setup_file() {
	load helpers
	# the root folder, owned by the subordinate ids of the account
	INNER=$(scratch sub)
	export INNER
	as sub mkdir "$INNER/b"
	SUITE_TIMEOUT_CMD=300 as sub uidmap run -- sh -c "mkdir $INNER/b/rootfs && tar -C $INNER/b/rootfs -xf /srv/debian-systemd.tar --exclude=./dev/*"
}

teardown_file() {
	load helpers
	SUITE_TIMEOUT_CMD=200 as sub uidmap run -- rm -rf "$INNER/b"
	rm -rf "$INNER"
}

setup() {
	KIND=sub
	DIR=$(mktemp -d /tmp/vm.XXXXXX)
	chmod 0755 "$DIR"
	chown "$(account sub):" "$DIR"
	local first count
	first=$(awk -F: -v n="$(account sub)" '$1 == n { print $2 }' /etc/subuid)
	count=65536
	as sub runner-oci spec --rootless --bundle "$DIR"
	jq --arg root "$INNER/b/rootfs" --argjson uid "$(id -u "$(account sub)")" --argjson gid "$(id -g "$(account sub)")" \
		--argjson first "$first" --argjson count "$count" '
		.root = {path: $root, readonly: false}
		| .process.terminal = false | .process.args = ["/sbin/init"] | .process.env += ["container=oci"]
		| .process.noNewPrivileges = false
		| .hostname = "inner"
		| .linux.uidMappings = [{containerID: 0, hostID: $uid, size: 1}, {containerID: 1, hostID: $first, size: $count}]
		| .linux.gidMappings = [{containerID: 0, hostID: $gid, size: 1}, {containerID: 1, hostID: $first, size: $count}]
		| (["CAP_SYS_ADMIN","CAP_CHOWN","CAP_DAC_OVERRIDE","CAP_DAC_READ_SEARCH","CAP_FOWNER","CAP_FSETID","CAP_KILL",
			"CAP_SETGID","CAP_SETUID","CAP_SETPCAP","CAP_NET_BIND_SERVICE","CAP_NET_ADMIN","CAP_SYS_CHROOT",
			"CAP_AUDIT_WRITE","CAP_SETFCAP","CAP_SYS_RESOURCE"]) as $caps
		| .process.capabilities = {bounding: $caps, effective: $caps, permitted: $caps}
		| .mounts = [.mounts[] | select(.destination != "/sys/fs/cgroup")]
			+ [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["nosuid","noexec","nodev","rw"]},
			   {destination: "/run", type: "tmpfs", source: "tmpfs", options: ["nosuid","nodev","mode=755"]},
			   {destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid","nodev"]}]
		' "$DIR/config.json" >"$DIR/new"
	as sub sh -c "cat $DIR/new >$DIR/config.json"
	O="runner-oci --root $DIR/state"
}

teardown() {
	may_fail "its record is broken" oci delete --force sd
	rm -rf "$DIR"
}

# unit NAME WORDS SERVICE: a unit of the container that stays "active" and says when it stops
unit() {
	as sub sh -c "cat >$INNER/b/rootfs/etc/systemd/system/$1.service" <<-END
		[Unit]
		$2
		[Service]
		Type=oneshot
		RemainAfterExit=yes
		$3
	END
}

# systemd stops what came last first, and then reaches shutdown.target
witnesses() {
	local dir=$INNER/b/rootfs/etc/systemd/system say='/bin/sh -c'
	unit first 'Description=first' "ExecStart=/bin/true
		ExecStop=$say 'echo first stops >>/var/order'"
	unit second 'After=first.service' "ExecStart=/bin/true
		ExecStop=$say 'sleep 2; echo second stops >>/var/order'"
	unit atend 'DefaultDependencies=no
		After=shutdown.target
		Before=final.target' "ExecStart=$say 'echo shutdown.target reached >>/var/order'"
	as sub mkdir -p "$dir/multi-user.target.wants" "$dir/halt.target.wants"
	as sub ln -s ../first.service ../second.service "$dir/multi-user.target.wants/"
	as sub ln -s ../atend.service "$dir/halt.target.wants/"
}

@test "systemd reaches its target, systemctl works inside, it stops in order" {
	witnesses
	LOGIN_TIME=400 logged_in sub "
		O='$O --systemd-cgroup'
		(\$O run --keep -b $DIR sd </dev/null >$DIR/out 2>&1; echo \$? >$DIR/code) &
		for i in \$(seq 200); do
			up=\$(\$O exec sd systemctl is-system-running 2>&1)
			case \$up in running|degraded) break;; esac
			sleep 1
		done
		echo \"is \$up\"
		\$O exec sd systemctl --failed --no-legend --plain
		echo 'units:'
		\$O exec sd systemctl list-units --no-pager --no-legend --plain --type=target,service
		\$O exec sd systemctl is-active multi-user.target
		\$O exec sd sh -c 'systemd-run --wait --pipe -q -p MemoryMax=20M sh -c \"echo in a unit; cat /proc/self/cgroup; cat /sys/fs/cgroup\\\$(cut -d: -f3 /proc/self/cgroup)/memory.max\"'
		\$O exec sd cat /var/order
		\$O kill sd 37 # SIGRTMIN+3
		for i in \$(seq 100); do [ \"\$(\$O state sd | jq -r .status)\" = stopped ] && break; sleep 0.5; done
		\$O state sd | jq -r .status
		wait
		echo \"code \$(cat $DIR/code)\"
		\$O delete sd && echo deleted
		cat $DIR/out
	"
	echo "$output"
	assert_output_has 'is running'
	assert_output_has dbus.service
	assert_output_has 'in a unit'
	assert_output_has 20971520
	assert_output_has "cat: /var/order: No such file"
	assert_output_has stopped
	assert_output_has 'code 0'
	assert_output_has deleted
	wait_for 10 eval '[ -z "$(scopes sub)" ]'
	[ -z "$(oci list -q)" ]
	run cat "$INNER/b/rootfs/var/order"
	echo "$output"
	[ "$output" = $'second stops\nfirst stops\nshutdown.target reached' ]
}

@test "systemd killed by KILL stops nothing, and the code says it" {
	as sub rm -f "$INNER/b/rootfs/var/order"
	LOGIN_TIME=300 logged_in sub "
		O='$O --systemd-cgroup'
		(\$O run --keep -b $DIR sd </dev/null >$DIR/out 2>&1; echo \$? >$DIR/code) &
		for i in \$(seq 200); do
			[ \"\$(\$O exec sd systemctl is-active second.service 2>&1)\" = active ] && break
			sleep 1
		done
		\$O kill sd KILL
		wait
		echo \"code \$(cat $DIR/code)\"
		\$O delete sd && echo deleted"
	echo "$output"
	assert_output_has 'code 137'
	assert_output_has deleted
	[ ! -e "$INNER/b/rootfs/var/order" ]
	wait_for 10 eval '[ -z "$(scopes sub)" ]'
}
