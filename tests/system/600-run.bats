#!/usr/bin/env bats
# run: the program gets what was asked for, and its exit code is ours

load helpers
load images
load run

setup_file() { run_setup; }
teardown_file() { run_teardown; }
teardown() { for kind in sub nosub root; do nothing_left "$kind"; done; }

all_kinds() { for kind in sub nosub root; do "$1" "$kind"; done; }
R="run --rm --network none"

@test "the image's own program, and one of ours" {
	for kind in sub nosub root; do
		rr "$kind" $R bb:1
		[ "$output" = hello ]
		rr "$kind" $R bb:1 echo a 'b  c'
		[ "$output" = "a b  c" ]
		rr "$kind" --log-level warn --rm --network none bb:1 echo short
		[ "$output" = short ]
	done
}

@test "exit codes: the program's, 125, 126, 127, 128 + signal" {
	for kind in sub nosub root; do
		rr "$kind" 7 $R bb:1 sh -c 'exit 7'
		rr "$kind" 255 $R bb:1 sh -c 'exit 255'
		rr "$kind" 127 $R bb:1 /bin/missing
		assert_one_line
		assert_output_has /bin/missing
		rr "$kind" 127 $R bb:1 missing
		assert_one_line
		rr "$kind" 126 $R bb:1 /etc/greeting
		assert_one_line
		assert_output_has /etc/greeting
		rr "$kind" 126 $R bb:1 /etc
		rr "$kind" 125 run --rm --network nowhere bb:1
		assert_one_line
		rr "$kind" 137 $R bb:1 sh -c 'sh -c "kill -9 \$\$"; exit $?'
	done
}

@test "signals sent to runner reach the program" {
	for kind in sub nosub root; do
		r "$kind" $R --name sig bb:1 sh -c 'trap "echo got; exit 9" USR1; while :; do sleep 0.1; done' >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
		cli=$!
		wait_for 10 r "$kind" exec sig true
		pid=$(pgrep -f -- "--root $STORES/$kind/root.*--name sig" | while read -r p; do
			[ "$(cat /proc/$p/comm)" = runner ] && [ "$(awk '/PPid/{print $2}' /proc/$p/status)" != 1 ] && echo "$p"; done | tail -n 1)
		sleep 0.3
		kill -USR1 "$pid"
		status=0; wait "$cli" || status=$?
		[ "$status" -eq 9 ]
		[ "$(cat "$BATS_TEST_TMPDIR/out")" = got ]
	done
}

@test "stdin, stdout and stderr are kept apart and binary clean" {
	head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/blob"
	for kind in sub nosub root; do
		r "$kind" $R -i bb:1 cat <"$BATS_TEST_TMPDIR/blob" | cmp - "$BATS_TEST_TMPDIR/blob"
		r "$kind" $R bb:1 sh -c 'echo out; echo err >&2' >"$BATS_TEST_TMPDIR/o" 2>"$BATS_TEST_TMPDIR/e"
		[ "$(cat "$BATS_TEST_TMPDIR/o")" = out ]
		[ "$(cat "$BATS_TEST_TMPDIR/e")" = err ]
		# without -i there is nothing to read
		rr "$kind" $R bb:1 sh -c 'cat; echo end'
		[ "$output" = end ]
	done
}

@test "--env, --env-file, --workdir, --hostname, --entrypoint, --label" {
	printf '# comment\nFILE=1\n\nHOMEOF\n' >"$BATS_FILE_TMPDIR/env"
	chmod 0644 "$BATS_FILE_TMPDIR/env"
	cp "$BATS_FILE_TMPDIR/env" "$IMG/env"
	for kind in sub nosub root; do
		SUITE_ENV="OURS=x" rr "$kind" $R -e A=1 -e OURS -e NOTSET --env-file "$IMG/env" -e FROM=us bb:1 env
		assert_output_has A=1
		assert_output_has OURS=x
		assert_output_has FILE=1
		assert_output_has FROM=us
		assert_output_has PATH=/bin
		assert_output_has HOME=/root
		[[ $output != *NOTSET* && $output != *HOMEOF* ]]
		rr "$kind" $R -w /data bb:1 pwd
		[ "$output" = /data ]
		rr "$kind" $R -w /made/for/us bb:1 pwd
		[ "$output" = /made/for/us ]
		rr "$kind" $R -h box bb:1 sh -c 'hostname; cat /etc/hostname; grep -c box /etc/hosts'
		[ "${lines[0]}" = box ] && [ "${lines[1]}" = box ] && [ "${lines[2]}" = 1 ]
		rr "$kind" $R --entrypoint echo bb:1 x
		[ "$output" = x ]
		rr "$kind" $R --entrypoint '["echo","-n"]' bb:1 x
		[ "$output" = x ]
		rr "$kind" create -l c=d --name lab bb:1
		rr "$kind" inspect -f '{{.Config.Labels.a}}{{.Config.Labels.c}}' lab
		[ "$output" = bd ]
		rr "$kind" rm lab
	done
}

@test "--user by name, by number, with groups" {
	rr sub $R -u app bb:1 sh -c 'id; echo $HOME'
	assert_output_has 'uid=1000(app) gid=1000(app)'
	assert_output_has '50(staff)'
	assert_output_has /home/app
	rr root $R -u 1234:50 bb:1 id
	assert_output_has 'uid=1234 gid=50(staff)'
	rr sub 125 $R -u nobodyhere bb:1 id
	assert_one_line
	assert_output_has nobodyhere
	# with one id and nothing recorded that id is shown as the user wanted, also to exec
	rr nosub $R -u app --recorded-ids off bb:1 sh -c 'id; touch /home/app/f /f && ls -ln /f; grep CapEff /proc/self/status'
	assert_output_has 'uid=1000(app) gid=1000(app)'
	assert_output_has '1000     1000'
	assert_output_has 0000000000000000
	rr nosub run -d --name one -u app --recorded-ids off bb:1 sleep 100
	rr nosub exec one id -u
	[ "$output" = 1000 ]
	rr nosub rm -f one
	rr root $R --group-add staff bb:1 id -G
	assert_output_has 50
	rr nosub $R --group-add keep-groups bb:1 true
	# a volume given to the user is that user's, however few ids there are
	for kind in sub nosub root; do
		rr "$kind" $R -v "mine-$kind:/d:U" -u app bb:1 sh -c 'touch /d/f && ls -ldn /d'
		assert_output_has '1000     1000'
		rm -rf "$STORES/$kind/root/volumes/mine-$kind"
	done
}

@test "a start writes nothing into the container's own layer" {
	for kind in sub nosub root; do
		rr "$kind" run -d --network none --name clean bb:1 sleep 100
		rr "$kind" exec clean ls /etc/hosts /etc/hostname /etc/resolv.conf /proc/self /sys/kernel
		[ -z "$(find "$STORES/$kind"/root/containers/*/upper -mindepth 1)" ]
		rr "$kind" rm -f clean
		# what the image lacks and nothing is mounted over stays away
		rr "$kind" 1 $R --no-hosts bb:1 ls /etc/hosts
	done
}

@test "--require and --debug: the rungs of a start are named, and a lower one is refused" {
	for kind in sub nosub root; do
		rr "$kind" --debug $R --require rootfs=overlay bb:1 true
		assert_output_has 'root file system: native overlay; network: none; cgroups: '
		rr "$kind" 125 --storage-opt rootfs=copy $R --require rootfs=fuse-overlay bb:1 true
		assert_output_has 'this host gives copy'
	done
	rr sub --debug $R --require ids=range bb:1 true
	assert_output_has 'ids: range'
	rr nosub --debug $R bb:1 true
	assert_output_has 'ids: one'
	assert_output_has 'ids: recorded'
	# what is asked for at creation holds at every start
	rr nosub create --network none --name low --require ids=range bb:1 true
	rr nosub 125 start low
	assert_one_line
	rr nosub rm low
}

@test "--read-only, --tmpfs, --volume, --mount" {
	for kind in sub nosub root; do
		dir=$STORES/$kind/host; mkdir -p "$dir"; echo host >"$dir/f"; chown -R "$(account "$kind")": "$dir"
		rr "$kind" $R --read-only --tmpfs /scratch:size=1m bb:1 sh -c 'touch /x 2>&1; touch /scratch/y && df -k /scratch | tail -1'
		assert_output_has 'Read-only file system'
		assert_output_has 1024
		rr "$kind" $R -v "$dir:/mnt" bb:1 sh -c 'cat /mnt/f; echo new >/mnt/g'
		[ "$output" = host ] && [ "$(cat "$dir/g")" = new ]
		[ "$(stat -c %U "$dir/g")" = "$(account "$kind")" ]
		rr "$kind" $R -v "$dir:/mnt:ro" bb:1 sh -c 'echo no >/mnt/f 2>&1; cat /mnt/f'
		assert_output_has 'Read-only file system'
		rr "$kind" $R --mount "type=bind,src=$dir/f,dst=/one,ro" bb:1 cat /one
		[ "$output" = host ]
		# a named volume starts with what the image has there, and stays
		rr "$kind" $R -v vol:/data bb:1 sh -c 'cat /data/seed; echo more >/data/more'
		[ "$output" = seed ]
		rr "$kind" $R -v vol:/data bb:1 cat /data/more
		[ "$output" = more ]
		rr "$kind" $R -v /data bb:1 cat /data/seed
		[ "$output" = seed ]
		[ "$(ls "$STORES/$kind/root/volumes")" = vol ]
	done
}

@test "capabilities, seccomp, no_new_privs, masked paths as Docker has them" {
	for kind in sub nosub root; do
		rr "$kind" $R bb:1 grep -E 'CapEff|CapBnd|Seccomp:|NoNewPrivs' /proc/self/status
		assert_output_has $'CapEff:\t00000000a80425fb'
		assert_output_has $'CapBnd:\t00000000a80425fb'
		assert_output_has $'Seccomp:\t2'
		assert_output_has $'NoNewPrivs:\t0'
		rr "$kind" $R --cap-drop ALL --cap-add chown bb:1 grep CapEff /proc/self/status
		assert_output_has 0000000000000001
		rr "$kind" 125 $R --cap-add nonsense bb:1 true
		assert_one_line
		rr "$kind" $R --recorded-ids off --security-opt no-new-privileges --security-opt seccomp=unconfined bb:1 grep -E 'Seccomp:|NoNewPrivs' /proc/self/status
		assert_output_has $'Seccomp:\t0'
		assert_output_has $'NoNewPrivs:\t1'
		rr "$kind" $R bb:1 sh -c 'cat /proc/kcore 2>&1 | wc -c; echo x >/proc/sys/kernel/hostname 2>&1; ls /sys/firmware | wc -l'
		[ "${lines[0]}" = 0 ] || [[ ${lines[0]} != *ELF* ]]
		assert_output_has 'Read-only file system'
		# a call that the default profile refuses
		rr "$kind" $R bb:1 sh -c 'mount -t tmpfs t /tmp 2>&1; true'
		[[ $output == *denied* || $output == *permitted* ]]
	done
}

@test "--ulimit, --sysctl, --shm-size, --oom-score-adj, --add-host, --dns" {
	for kind in sub nosub root; do
		rr "$kind" $R --ulimit nofile=64:128 bb:1 sh -c 'ulimit -n; ulimit -Hn'
		[ "${lines[0]}" = 64 ] && [ "${lines[1]}" = 128 ]
		rr "$kind" $R --shm-size 2m bb:1 sh -c 'df -k /dev/shm | tail -1'
		assert_output_has 2048
		rr "$kind" $R --oom-score-adj 500 bb:1 cat /proc/self/oom_score_adj
		[ "$output" = 500 ]
		rr "$kind" $R --add-host db:10.1.2.3 --dns 9.9.9.9 --dns-search ex.org bb:1 cat /etc/hosts /etc/resolv.conf
		assert_output_has $'10.1.2.3\tdb'
		assert_output_has 'nameserver 9.9.9.9'
		assert_output_has 'search ex.org'
		rr "$kind" $R --device /dev/zero:/dev/mine bb:1 sh -c 'head -c 3 /dev/mine | wc -c'
		[ "$output" = 3 ]
		rr "$kind" 125 $R --pull never --platform linux/s390x bb:1 true
		assert_one_line
		assert_output_has linux/s390x
		rr "$kind" $R --sysctl net.ipv4.ip_forward=1 bb:1 cat /proc/sys/net/ipv4/ip_forward
		[ "$output" = 1 ]
		rr "$kind" $R bb:1 cat /proc/sys/net/ipv4/ip_unprivileged_port_start
		[ "$output" = 0 ]
	done
}

@test "--network: none has lo only, host has the host's" {
	for kind in sub nosub root; do
		rr "$kind" $R bb:1 sh -c 'ls /sys/class/net; ping -c 1 -W 1 127.0.0.1 | grep -c "1 packets received"'
		[ "$output" = $'lo\n1' ]
		rr "$kind" run --rm --network host bb:1 readlink /proc/self/ns/net
		[ "$output" = "$(readlink /proc/self/ns/net)" ]
		rr "$kind" run --rm bb:1 sh -c 'ls /sys/class/net'
		assert_output_has tap0
	done
}

@test "--pid host, --ipc host, --uts host" {
	rr nosub $R --uts host bb:1 hostname
	[ "$output" = "$(hostname)" ]
	rr nosub $R --ipc host bb:1 readlink /proc/self/ns/ipc
	[ "$output" = "$(readlink /proc/self/ns/ipc)" ]
	rr root $R --pid host bb:1 readlink /proc/self/ns/pid
	[ "$output" = "$(readlink /proc/self/ns/pid)" ]
}

@test "--cidfile, --name, --rm=false, --pull never" {
	rr sub run --network none --cidfile "$STORES/sub/cid" --name kept bb:1 true
	id=$(cat "$STORES/sub/cid")
	rr sub ps -aq --no-trunc
	[ "$output" = "$id" ]
	rr sub 125 run --network none --name kept bb:1 true
	assert_one_line
	assert_output_has "'kept' is in use"
	rr sub 125 run --network none --cidfile "$STORES/sub/cid" bb:1 true
	assert_one_line
	rr sub rm kept
	rm "$STORES/sub/cid"
	rr sub 125 run --pull never --network none absent:1
	assert_one_line
	assert_output_has absent
}

@test "the root file system by each rung of the ladder" {
	for kind in sub nosub root; do
		for rung in overlay copy; do
			run as "$kind" runner --root "$STORES/$kind/root" --runroot "$STORES/$kind/run" --storage-opt rootfs=$rung \
				run --network none --name rung bb:1 sh -c 'echo changed >/etc/greeting; rm -f /data/seed; cat /etc/greeting'
			[ "$status" -eq 0 ] && [ "$output" = changed ]
			# what was written is there at the next start
			rr "$kind" inspect -f '{{.Rungs.RootFs}}' rung
			assert_output_has "$rung"
			rr "$kind" start -a rung
			[ "$output" = changed ]
			rr "$kind" rm rung
		done
		# and the image is as before
		rr "$kind" $R bb:1 cat /etc/greeting /data/seed
		[ "$output" = $'hello\nseed' ]
	done
}

@test "fuse-overlay carries a container" {
	need_fuse
	for kind in sub nosub root; do
		run as "$kind" runner --root "$STORES/$kind/root" --runroot "$STORES/$kind/run" --storage-opt rootfs=fuse-overlay \
			run --rm --network none bb:1 sh -c 'echo changed >/etc/greeting; cat /etc/greeting; grep " / " /proc/mounts'
		[ "$status" -eq 0 ]
		assert_output_has changed
		assert_output_has fuse
	done
}

@test "what leaks in from the caller: descriptors, umask, environment" {
	rr sub $R bb:1 ls /proc/self/fd
	[ "$output" = $'0\n1\n2\n3' ]
	for kind in sub nosub; do
		run as "$kind" bash -c "umask 077; exec runner --root $STORES/$kind/root --runroot $STORES/$kind/run $R bb:1 sh -c 'umask; cat /etc/hosts; touch /tmp/f; stat -c %a /tmp/f /'"
		[ "$status" -eq 0 ]
		assert_output_has 0022
		assert_output_has 644
		assert_output_has 755
		SUITE_ENV="SECRET=x" rr "$kind" $R bb:1 env
		[[ $output != *SECRET* ]]
	done
}
