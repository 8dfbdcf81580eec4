# containerd's ctr as root, its runc shim pointed at runner-oci

load helpers

setup_file() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	command -v containerd ctr >/dev/null || skip "needs containerd"
	D=$(scratch root)
	export D
	busybox_root "$D/rootfs"
	cat >"$D/config.toml" <<-END
		version = 2
		root = "$D/root"
		state = "$D/state"
		disabled_plugins = ["io.containerd.grpc.v1.cri"]
		[grpc]
		  address = "$D/sock"
	END
	containerd -c "$D/config.toml" </dev/null >"$D/log" 2>&1 3>&- &
	export DAEMON=$!
	wait_for 20 test -S "$D/sock"
}

teardown_file() {
	local id
	[ -n "${DAEMON:-}" ] || return 0
	for id in $(ctr -a "$D/sock" task ls -q); do
		ctr -a "$D/sock" task kill -s 9 "$id"
		sleep 0.5
		ctr -a "$D/sock" task rm -f "$id"
	done
	kill "$DAEMON"
	may_fail "the code says that it ended by our signal" wait "$DAEMON"
	rm -rf "$D"
}

c() { timeout 30 ctr -a "$D/sock" "$@" </dev/null 3>&-; }
run_ours() { c run --rootfs --runc-binary "$BINDIR_UNDER_TEST/runner-oci" "$@"; }

@test "run: output, exit code, a program that is missing, a terminal" {
	run run_ours --rm "$D/rootfs" t1 /bin/sh -c 'echo hello; exit 4'
	[ "$status" = 4 ]
	assert_output_has hello
	run run_ours --rm "$D/rootfs" t2 /nothere
	[ "$status" != 0 ]
	assert_output_has "/nothere: No such file or directory"
	run script -qec "ctr -a $D/sock run --rm -t --rootfs --runc-binary $BINDIR_UNDER_TEST/runner-oci $D/rootfs t3 /bin/tty" /dev/null </dev/null
	assert_output_has /dev/pts/0
}

@test "detached: exec, pause, resume, ps, kill, delete" {
	# the shim must not hold the test's output
	run_ours -d "$D/rootfs" t4 /bin/sleep 100 >"$D/out" 2>&1
	run c task exec --exec-id e1 t4 /bin/sh -c 'echo execd; exit 5'
	[ "$status" = 5 ]
	assert_output_has execd
	c task pause t4
	run c task ls
	assert_output_has PAUSED
	c task resume t4
	run c task ps t4
	assert_output_has "$(c task ls | awk '$1 == "t4" { print $2 }')"
	c task kill -s 9 t4
	wait_for 10 sh -c "ctr -a $D/sock task ls | grep -q STOPPED"
	c task rm t4
	c container rm t4
	[ -z "$(ls "$D"/state/runc/default 2>/dev/null)" ]
}
