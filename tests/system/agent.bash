# Helpers for tests of recorded identity: load helpers; load oci; load agent

# agent_setup: a bundle of the account without subordinate ids, its container
# filtered for "uidmap agent", with the capabilities that containers have
agent_setup() {
	oci_setup nosub
	local applet rules
	for applet in chown chmod mknod mkfifo su tar chroot rmdir sleep; do
		ln -sf busybox "$DIR/b/rootfs/bin/$applet"
	done
	printf '%s\n' root:x:0:0:root:/root:/bin/sh www-data:x:33:33::/:/bin/sh >"$DIR/b/rootfs/etc/passwd"
	printf '%s\n' root:x:0: adm:x:4:www-data www-data:x:33: >"$DIR/b/rootfs/etc/group"
	rules=$("$BIN/uidmap" agent --print-seccomp --mode "${AGENT_MODE:-full}")
	cfg ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\",
		architectures: [\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X86\", \"SCMP_ARCH_X32\"],
		flags: [\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"],
		listenerPath: \"$DIR/agent.sock\", syscalls: $rules}
		| .process.noNewPrivileges = false
		| .process.capabilities = ([\"bounding\", \"permitted\", \"effective\"] | map({key: ., value:
			[\"CAP_CHOWN\", \"CAP_DAC_OVERRIDE\", \"CAP_FSETID\", \"CAP_FOWNER\", \"CAP_MKNOD\",
			\"CAP_SETGID\", \"CAP_SETUID\", \"CAP_SETFCAP\", \"CAP_SETPCAP\", \"CAP_SYS_CHROOT\",
			\"CAP_NET_BIND_SERVICE\", \"CAP_KILL\"]}) | from_entries)"
	cp "$DIR/b/config.json" "$DIR/base.json"
}

# Of a test that failed: with its container the agent leaves, but one that never had any stays
agent_teardown() {
	local pid=${AGENT:-}
	AGENT=
	oci_teardown
	[ -z "$pid" ] || wait_for 2 eval "! kill -0 $pid" || agent_kill "$pid"
}

# agent_begin [OPTION…]: start the agent, wait for its socket
agent_begin() {
	as nosub uidmap agent --socket "$DIR/agent.sock" "$@" >"$DIR/agent.out" 2>&1 3>&- &
	AGENT=$!
	wait_for 5 test -S "$DIR/agent.sock"
}

# agent_kill PID: the shell that became the account, and what it started: the agent is its grandchild
agent_kill() {
	local child
	for child in $(pgrep -P "$1"); do agent_kill "$child"; done
	kill "$1" 2>/dev/null || true
}

# agent_end: it leaves by itself when its container has ended
agent_end() {
	[ -n "${AGENT:-}" ] || return 0
	local pid=$AGENT
	AGENT=
	wait_for 5 eval "! kill -0 $pid" || { agent_kill "$pid"; echo "the agent did not leave"; return 1; }
	wait "$pid"
}

# inside [STATUS] META WORD…: run it in the container with an agent of its own
inside() {
	local want=0 meta
	[[ $1 =~ ^[0-9]+$ ]] && { want=$1; shift; }
	meta=$1
	shift
	cmd ".linux.seccomp.listenerMetadata = \"$meta\"" "$@"
	agent_begin
	run_oci "$want" run -b "$DIR/b" "c-$(safename)"
	agent_end
	[ ! -s "$DIR/agent.out" ] || { echo "the agent said:"; cat "$DIR/agent.out"; return 1; }
}
