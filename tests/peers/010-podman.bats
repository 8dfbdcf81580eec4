# Debian's podman, rootless, with --runtime runner-oci, in a cgroup2 folder of the
# user's own (private mount namespace; the machine's own mounts are not touched)

load helpers

setup_file() {
	[ "$(id -u)" = 0 ] || skip "needs root to prepare"
	command -v podman conmon >/dev/null || skip "needs podman and conmon"
	podman_home "runtime = \"ours\"
		runtime_supports_json = [\"ours\", \"runner-oci\", \"logged\"]
		# its name up to Podman 4, and since
		runtime_supports_nocgroup = [\"ours\"]
		runtime_supports_nocgroups = [\"ours\"]
		[engine.runtimes]
		ours = [\"$BINDIR_UNDER_TEST/runner-oci\"]"
	export CG=/$SUITE_PREFIX-podman-$$
	mkdir "$D/run"
	chown -R "$(account sub):" "$D"
	box podman import -q "$D/image.tar" bb
}

teardown_file() {
	[ -n "${D:-}" ] || return 0
	may_fail "no storage where the import failed" box podman rm --all --force --time 0
	# the process that holds the user namespace of all of the user's podmans
	may_fail "no pause process" box podman system migrate
	may_fail "no storage where the import failed" box podman unshare rm -rf "$D/home/.local"
	may_fail "no pause process" box podman system migrate
	rm -rf "$D"
	may_fail "the folder goes with the box where nobody made one" \
		box2 find "/sys/fs/cgroup$CG" -depth -type d -exec rmdir {} \;
}

# pod [STATUS] WORD…: podman; its own warnings stay out of $output
pod() {
	local want=0
	[[ $1 =~ ^[0-9]+$ ]] && { want=$1; shift; }
	run box podman "$@" </dev/null
	[ "$status" -eq "$want" ] || { echo "status $status: podman $*: $output"; return 1; }
	output=$(grep -v '^time=' <<<"$output" || true)
}

# on_tty WORD…: podman on a terminal
on_tty() { box script -qec "podman $*" /dev/null </dev/null | grep -o '/dev/pts/[0-9]*'; }

@test "run: output, exit codes, programs that cannot be executed, user mappings" {
	pod 3 run --rm --network none bb sh -c 'echo hi; id -u; exit 3'
	[ "$(echo $output)" = "hi 0" ]
	# 126 and 127 are the engine's words for what the runtime says
	pod 127 run --rm --network none bb /nothere
	pod 126 run --rm --network none bb /etc/passwd
	pod run --rm --network none --user 33:33 --read-only --tmpfs /t bb sh -c 'id -u; touch /x; touch /t/x && echo t'
	assert_output_has "Read-only file system"
	pod run --rm --network none --userns keep-id bb id -u
	[ "$output" = "$(id -u "$(account sub)")" ]
	pod run --rm --network none --cap-drop all --security-opt no-new-privileges bb grep -c '0000000000000000\|NoNewPrivs:	1' /proc/self/status
	[ "$output" -ge 5 ]
}

@test "detached: ps, exec, exec -it, top, pause, unpause, stats, stop, logs" {
	pod run -d --name c1 --network none bb sh -c 'echo said; trap "exit 0" TERM; while :; do sleep 0.1; done'
	pod exec c1 echo execd
	[ "$output" = execd ]
	pod 9 exec c1 sh -c 'exit 9'
	[ "$(on_tty exec -it c1 tty)" = /dev/pts/0 ]
	pod top c1
	assert_output_has "sleep"
	pod pause c1
	pod ps -a --format '{{.Status}}'
	assert_output_has Paused
	pod unpause c1
	pod stats --no-stream --no-reset c1
	assert_output_has c1
	pod logs c1
	assert_output_has said
	pod stop -t 5 c1
	pod inspect --format '{{.State.Status}} {{.State.ExitCode}}' c1
	[ "$output" = "exited 0" ]
	pod start c1
	pod kill c1
	pod rm --force --time 0 c1
}

@test "terminal, --init, pod, healthcheck, cgroups" {
	[ "$(on_tty run --rm -it --network none bb tty)" = /dev/pts/0 ]
	pod run --rm --init --network none bb ps
	assert_output_has podman-init
	pod run --rm --network none --cgroupns private bb cat /proc/self/cgroup
	[ "$(grep -c '^0::/$' <<<"$output")" = 1 ]
	pod pod create --name p1 --network none --infra-image bb --infra-command "/bin/sleep 300"
	pod run -d --pod p1 --name pc bb sleep 100
	pod pod ps --format '{{.Status}}'
	assert_output_has Running
	pod pod rm --force --time 0 p1
	pod run -d --name h1 --network none --health-cmd 'echo ok' --health-interval disable bb sleep 100
	pod healthcheck run h1
	pod 1 exec h1 false
	pod rm --force --time 0 h1
	[ -z "$(ls "$D/run/runner-oci" 2>/dev/null)" ]
}

@test "--cgroups=disabled: the container stays in its caller's group" {
	pod run -d --name n1 --network none --cgroups=disabled bb sleep 100
	pod inspect --format '{{.HostConfig.Cgroups}} {{.State.Pid}}' n1
	[ "${output% *}" = disabled ]
	grep -qx "0::$CG/self" "/proc/${output#* }/cgroup"
	pod 9 exec n1 sh -c 'exit 9'
	pod rm --force --time 0 n1
}

@test "build: each RUN is a container of ours" {
	mkdir "$D/home/context"
	cat >"$D/logged" <<-END
		#!/bin/sh
		echo "\$*" >>$D/home/calls
		exec $BINDIR_UNDER_TEST/runner-oci "\$@"
	END
	chmod 755 "$D/logged"
	printf 'FROM bb\nRUN echo one >/built && id -u >>/built\nRUN echo two >>/built\n' >"$D/home/context/Containerfile"
	printf 'FROM bb\nRUN exit 7\n' >"$D/home/context/Failing"
	chown -R "$(account sub):" "$D/home/context"
	pod build --network none --isolation oci --runtime "$D/logged" -q -t built context
	pod run --rm --network none built cat /built
	[ "$(echo $output)" = "one 0 two" ]
	[ "$(grep -c "create --bundle .* buildah-buildah" "$D/home/calls")" = 2 ]
	pod 7 build --network none --isolation oci --runtime "$D/logged" -q -f context/Failing context
	assert_output_has "exit status 7"
	[ -z "$(ls "$D/run/runner-oci" 2>/dev/null)" ]
}
