#!/usr/bin/env bats
# create, start, stop, kill, restart, rm, ps, logs, exec, wait, attach, inspect, rename, top

load helpers
load images
load run

setup_file() { run_setup; }
teardown_file() { run_teardown; }
teardown() { for kind in sub nosub root; do nothing_left "$kind"; done; }

N="--network none"

@test "rm --force of many: each removed once told, the names are free at once" {
	for kind in sub nosub root; do
		names=
		for i in 1 2 3 4 5 6; do
			rr "$kind" run -d $N --name "m$i" bb:1 sleep 100
			names+=" m$i"
		done
		rr "$kind" 2 rm m1 m2
		[ "${#lines[@]}" -eq 2 ]
		rr "$kind" 1 rm none nobody
		[ "${#lines[@]}" -eq 2 ]
		rr "$kind" 2 rm none m1
		rr "$kind" rm --force $names
		[ "$output" = "$(printf '%s\n' $names)" ]
		rr "$kind" ps -aq
		[ -z "$output" ]
		rr "$kind" run --rm $N --name m1 bb:1 true
	done
}

@test "ps --format table has titles and columns; stop --ignore passes over what is not there" {
	for kind in sub nosub; do
		rr "$kind" ps --format 'table {{.Names}}\t{{.ID}}'
		[ "$output" = "NAMES   CONTAINER ID" ]
		rr "$kind" run -d $N --name a-long-name bb:1 sleep 100
		rr "$kind" run -d $N --name b bb:1 sleep 100
		rr "$kind" ps --format 'table {{.Names}}\t{{.State}}'
		[ "$output" = "$(printf 'NAMES         STATE\nb             running\na-long-name   running')" ]
		rr "$kind" ps --noheading --format 'table {{.Names}}'
		[ "$output" = "$(printf 'b\na-long-name')" ]
		rr "$kind" 125 stop -t 0 b gone
		rr "$kind" stop -t 0 --ignore gone a-long-name
		[ "$output" = a-long-name ]
		rr "$kind" rm b a-long-name
	done
}

@test "the end of --rm: name, image and port are free when run returns" {
	for kind in sub nosub root; do
		port=$(free_port)
		for i in 1 2 3; do
			rr "$kind" run --rm --name same -v /anon -p "$port:80" bb:1 true
			rr "$kind" ps -aq
			[ -z "$output" ]
			[ -z "$(find "$STORES/$kind/root/holds" "$STORES/$kind/root/volumes" -mindepth 1)" ]
		done
	done
}

@test "create, start, stop, start again, rm" {
	for kind in sub nosub root; do
		rr "$kind" create $N --name life bb:1 sh -c 'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.05; done'
		rr "$kind" ps -a --format '{{.Names}} {{.State}}'
		[ "$output" = "life created" ]
		rr "$kind" ps -q
		[ -z "$output" ]
		rr "$kind" start life
		[ "$output" = life ]
		wait_for 5 grep_logs "$kind" life up
		rr "$kind" ps --format '{{.Names}} {{.State}}'
		[ "$output" = "life running" ]
		rr "$kind" 2 rm life
		assert_one_line
		rr "$kind" stop life
		rr "$kind" inspect -f '{{.State.Status}} {{.State.ExitCode}}' life
		[ "$output" = "exited 3" ]
		rr "$kind" start life
		rr "$kind" restart -t 5 life
		rr "$kind" stop life
		rr "$kind" logs life
		[ "$(grep -c up <<<"$output")" -ge 2 ]
		rr "$kind" rm life
		[ "$output" = life ]
	done
}

@test "a start that fails leaves the container as it was" {
	for kind in sub nosub root; do
		rr "$kind" create $N --name bad bb:1 missing
		rr "$kind" 127 start bad
		assert_one_line
		rr "$kind" inspect -f '{{.State.Status}} {{.State.Pid}}' bad
		[ "$output" = "created 0" ]
		rr "$kind" rm bad
	done
}

grep_logs() { r "$1" logs "$2" 2>&1 | grep -q "$3"; }

@test "stop kills what does not listen; kill; --stop-signal" {
	for kind in sub nosub root; do
		rr "$kind" run -d $N --name deaf bb:1 sh -c 'trap "" TERM; while :; do sleep 0.05; done'
		sleep 0.2
		SECONDS=0
		rr "$kind" stop -t 1 deaf
		[ "$SECONDS" -le 4 ]
		rr "$kind" wait deaf
		[ "$output" = 137 ]
		rr "$kind" start deaf
		rr "$kind" kill deaf
		rr "$kind" inspect -f '{{.State.Running}}' deaf
		[ "$output" = false ]
		rr "$kind" 125 kill deaf
		assert_one_line
		rr "$kind" rm deaf
		rr "$kind" run -d $N --rm --stop-signal USR1 --name polite bb:1 sh -c 'trap "exit 0" USR1; echo r; while :; do sleep 0.05; done'
		wait_for 5 grep_logs "$kind" polite r
		rr "$kind" stop polite
		rr "$kind" ps -aq
		[ -z "$output" ]
	done
}

@test "logs: both streams, --tail, --since, --timestamps, --follow" {
	for kind in sub nosub root; do
		rr "$kind" run -d $N --name talk bb:1 sh -c 'for i in 1 2 3; do echo out$i; echo err$i >&2; sleep 0.1; done; printf unfinished'
		rr "$kind" logs -f talk
		[ "$(grep -c out <<<"$output")" -eq 3 ] && [ "$(grep -c err <<<"$output")" -eq 3 ]
		[ "$(r "$kind" logs talk 2>/dev/null)" = $'out1\nout2\nout3\nunfinished' ]
		[ "$(r "$kind" logs talk 2>&1 >/dev/null)" = $'err1\nerr2\nerr3' ]
		[ "$(r "$kind" logs --tail 1 talk 2>&1)" = unfinished ]
		rr "$kind" logs -t --tail 1 talk
		[[ $output =~ ^20[0-9-]+T[0-9:.]+Z\ unfinished$ ]]
		rr "$kind" logs --since 2030-01-01 talk
		[ -z "$output" ]
		rr "$kind" logs --since 1h talk
		assert_output_has out1
		rr "$kind" run -d $N --name late bb:1 sh -c 'sleep 1; echo late'
		rr "$kind" logs -f late
		[ "$output" = late ]
		rr "$kind" rm late
		rr "$kind" 125 logs --since never talk
		assert_one_line
		rr "$kind" rm talk
		rr "$kind" run $N --name quiet --log-driver none bb:1 echo x
		[ "$output" = x ]
		rr "$kind" 125 logs quiet
		assert_one_line
		rr "$kind" rm quiet
	done
}

@test "logs: the two streams in one place stand as they were written" {
	for kind in sub nosub; do
		rr "$kind" run $N --name both bb:1 sh -c 'for i in 1 2 3; do echo out$i; sleep 0.1; echo err$i >&2; sleep 0.1; done'
		[ "$(r "$kind" logs both 2>&1 | tr '\n' ' ')" = "out1 err1 out2 err2 out3 err3 " ]
		[ "$(r "$kind" logs both 2>/dev/null | tr '\n' ' ')" = "out1 out2 out3 " ]
		rr "$kind" rm both
	done
}

@test "stop of several: told together, so they take as long as one" {
	for kind in sub nosub; do
		# a first process that handles no signal ends by KILL only
		for c in d1 d2 d3; do rr "$kind" run -d $N --name $c bb:1 sleep 100; done
		before=$(date +%s%N)
		rr "$kind" 125 stop -t 2 d1 none d2 d3
		took=$((($(date +%s%N) - before) / 1000000))
		[ "$took" -ge 2000 ] && [ "$took" -lt 5000 ] || { echo "took $took ms"; return 1; }
		rr "$kind" ps -q
		[ -z "$output" ]
		for c in d1 d2 d3; do rr "$kind" start $c; done
		before=$(date +%s%N)
		rr "$kind" stop -t 2 --all
		[ "${#lines[@]}" -eq 3 ]
		took=$((($(date +%s%N) - before) / 1000000))
		[ "$took" -ge 2000 ] && [ "$took" -lt 5000 ] || { echo "took $took ms"; return 1; }
		rr "$kind" rm d1 d2 d3
	done
}

@test "a log with a largest size starts anew" {
	rr sub run $N --name big --log-opt max-size=10k bb:1 sh -c 'for i in $(seq 2000); do echo line $i; done'
	[ "$(stat -c %s "$STORES"/sub/root/containers/*/ctr.log)" -le 20480 ]
	rr sub logs --tail 1 big
	[ "$output" = "line 2000" ]
	rr sub rm big
}

@test "exec: same namespaces and limits, own exit code, stdin, env, user, workdir" {
	for kind in sub nosub root; do
		rr "$kind" run -d $N --name ex -e A=1 bb:1 sleep 100
		rr "$kind" 4 exec ex sh -c 'echo $A; cat /etc/greeting; exit 4'
		[ "${lines[0]}" = 1 ] && [ "${lines[1]}" = hello ]
		[ "$(echo piped | r "$kind" exec -i ex cat)" = piped ]
		rr "$kind" exec -e B=2 -w /data ex sh -c 'echo $B; pwd'
		[ "${lines[0]}" = 2 ] && [ "${lines[1]}" = /data ]
		for ns in pid mnt ipc uts net user; do
			# a pidns link of exec's program shows the container's
			[ "$(r "$kind" exec ex readlink /proc/self/ns/$ns)" = "$(r "$kind" exec ex readlink /proc/1/ns/$ns)" ]
		done
		rr "$kind" exec ex grep -E 'CapEff|Seccomp:' /proc/self/status
		assert_output_has 00000000a80425fb
		assert_output_has $'Seccomp:\t2'
		rr "$kind" 127 exec ex missing
		assert_one_line
		rr "$kind" 126 exec ex /etc/greeting
		rr "$kind" 125 exec gone true
		assert_one_line
		rr "$kind" exec -d ex sh -c 'echo done >/tmp/mark; sleep 100'
		wait_for 5 r "$kind" exec ex test -f /tmp/mark
		rr "$kind" top ex
		assert_output_has 'sleep 100'
		rr "$kind" rm -f ex
	done
	rr sub run -d $N --name ex bb:1 sleep 100
	rr sub exec -u app ex id -un
	[ "$output" = app ]
	rr sub rm -f ex
}

@test "a folder that nothing was written to is the next container's, any other is not" {
	local store ino
	# with recorded ids the top folder has an owner's record, which is not as made
	for kind in sub root; do
		store=$STORES/$kind/root
		rr "$kind" run --rm $N bb:1 true
		wait_for 5 [ -d "$store/spare/work" ]
		ino=$(stat -c %i "$store/spare/upper")
		rr "$kind" run -d --rm $N --name again bb:1 sleep 100
		[ ! -e "$store/spare" ]
		[ "$(stat -c %i "$store"/containers/*/upper)" = "$ino" ]
		rr "$kind" exec again sh -c 'echo mine >/new; rm /etc/greeting'
		rr "$kind" rm -f again
		nothing_left "$kind"
		[ ! -e "$store/spare" ]
		rr "$kind" run --rm $N bb:1 sh -c 'cat /etc/greeting; [ ! -e /new ]'
		[ "$output" = hello ]
		# its top folder's mode, and there and back
		wait_for 5 [ -d "$store/spare/work" ]
		rr "$kind" run --rm $N bb:1 chmod 0700 /
		nothing_left "$kind"
		[ ! -e "$store/spare" ]
		rr "$kind" run --rm $N bb:1 sh -c 'mkdir /x; rmdir /x'
		nothing_left "$kind"
		[ ! -e "$store/spare" ]
		[ "$(r "$kind" run --rm $N bb:1 stat -c %a /)" = 755 ]
		# create gives nobody a folder that is begun
		wait_for 5 [ -d "$store/spare/work" ]
		rr "$kind" create --name later $N bb:1 true
		[ -e "$store/spare" ]
		[ ! -e "$store/containers/$output/upper" ]
		rr "$kind" rm later
	done
}

@test "a folder whose mount somebody holds is not the next container's" {
	local pid ns
	rr sub run -d --rm $N --name held bb:1 sleep 100
	ns=$(readlink "/proc/$(init_of sub held)/ns/mnt")
	nsenter -t "$(init_of sub held)" -m sleep 60 3>&- &
	pid=$!
	wait_for 5 sh -c "[ \"\$(readlink /proc/$pid/ns/mnt)\" = '$ns' ]"
	rr sub rm -f held
	nothing_left sub
	kill "$pid"
	wait "$pid" || [ $? -eq 143 ]
	[ ! -e "$STORES/sub/root/spare" ]
}

@test "wait, --rm, names and id beginnings, rename" {
	for kind in sub nosub root; do
		rr "$kind" run -d $N --name w bb:1 sh -c 'sleep 0.3; exit 5'
		id=$output
		rr "$kind" wait "${id:0:6}"
		[ "$output" = 5 ]
		rr "$kind" wait w
		[ "$output" = 5 ]
		rr "$kind" rename w v
		rr "$kind" 1 rm w
		assert_one_line
		rr "$kind" rm v
		rr "$kind" run -d --rm $N --name gone bb:1 true
		wait_for 5 sh -c '[ -z "$(ls '"$STORES/$kind"'/root/containers)" ]'
		# renamed while it runs
		rr "$kind" run -d --rm $N --name one bb:1 sleep 100
		rr "$kind" rename one two
		rr "$kind" run -d --rm $N --name one bb:1 sleep 100
		rr "$kind" stop -t 0 one two
	done
}

@test "ps: filters, formats, newest first, whole ids" {
	rr sub 125 ps -a --filter nonsense=1
	assert_one_line
	rr sub run $N --name a -l x=1 bb:1 true
	rr sub run $N --name b -l x=2 bb:1 sh -c 'exit 3' || [ "$status" -eq 3 ]
	rr sub run -d $N --name c bb:1 sleep 100
	rr sub ps -a --format '{{.Names}}'
	[ "$output" = $'c\nb\na' ]
	rr sub ps -a --filter status=exited --format '{{.Names}}'
	[ "$output" = $'b\na' ]
	rr sub ps --filter label=x=1 -a --format '{{.Names}}'
	[ "$output" = a ]
	rr sub ps --filter exited=3 --format '{{.Names}}'
	[ "$output" = b ]
	rr sub ps -l --format '{{.Names}}'
	[ "$output" = c ]
	rr sub ps -a --no-trunc -q
	[ "${#lines[0]}" -eq 64 ]
	rr sub ps --format json
	[ "$(jq -r '.[0].Names' <<<"$output")" = c ]
	rr sub 125 ps --filter nonsense=1
	assert_one_line
	rr sub ps
	assert_output_has 'CONTAINER ID'
	assert_output_has 'sleep 100'
	rr sub rm -fa
	[ "${#lines[@]}" -eq 3 ]
}

@test "inspect speaks Docker's JSON" {
	rr nosub create --name ins -p 8080:80 -e A=1 -v /tmp:/mnt:ro -w /data --label k=v bb:1 sleep 1
	rr nosub inspect ins
	[ "$(jq -r '.[0] | .Name + .Config.Labels.k + .Config.WorkingDir + .Path + .Args[0] + .State.Status' <<<"$output")" = insv/datasleep1created ]
	[ "$(jq -r '.[0].Mounts[0] | .Source + .Destination + (.RW|tostring)' <<<"$output")" = /tmp/mntfalse ]
	jq -e '.[0].Config.Env | index("A=1")' <<<"$output"
	rr nosub 125 inspect -f '{{.Nope}}' ins
	rr nosub 125 inspect missing
	assert_output_has missing
	rr nosub inspect --type image bb:1
	[ "$(jq -r '.[0].Config.Labels.a' <<<"$output")" = b ]
	rr nosub rm ins
}

@test "attach gets the output from now on and the exit code" {
	for kind in sub nosub root; do
		rr "$kind" run -di $N --name at bb:1 sh -c 'read x; echo "got $x"; exit 6'
		echo word | r "$kind" attach at >"$BATS_TEST_TMPDIR/out" || status=$?
		[ "$status" -eq 6 ]
		[ "$(cat "$BATS_TEST_TMPDIR/out")" = "got word" ]
		rr "$kind" rm at
	done
}

@test "nobody reads the output: with --rm it is stopped and removed, else it goes on" {
	for kind in sub nosub root; do
		p() {
			as "$kind" bash -c 'runner --root "$1/root" --runroot "$1/run" "${@:2}" | head -1; exit ${PIPESTATUS[0]}' - \
				"$STORES/$kind" "$@" 3>&-
		}
		run p run --rm $N --stop-timeout 1 --name gone bb:1 yes
		[ "$status" = 141 ]
		[ "${lines[0]}" = y ] && [ "${#lines[@]}" = 2 ]
		assert_output_has "is stopped"
		rr "$kind" ps -aq
		[ -z "$output" ]
		# its words go to the same reader: it is stopped all the same
		run p run --rm -t $N --stop-timeout 1 --name gone bb:1 sh -c 'yes' 2>&1
		rr "$kind" ps -aq
		[ -z "$output" ]
		run p run $N --name stays bb:1 sh -c 'while echo y; do sleep 0.1; done'
		[ "$status" = 141 ]
		assert_output_has "goes on"
		n=$(r "$kind" logs stays | wc -l)
		wait_for 5 eval '[ "$(r "$kind" logs stays | wc -l)" -gt "$((n + 2))" ]'
		run p attach stays
		[ "$status" = 125 ]
		rr "$kind" ps --format '{{.Names}}'
		[ "$output" = stays ]
		# exec: the program gets the pipe itself; a terminal of its own is hung up
		run p exec stays yes
		[ "$output" = y ]
		run p exec -t stays yes
		[ "${lines[0]//$'\r'}" = y ]
		wait_for 5 eval '! r "$kind" top stays | grep -qw yes'
		rr "$kind" rm -f stays
	done
}

@test "many at once: 30 containers started side by side, then removed" {
	for kind in sub nosub; do
		for i in $(seq 30); do r "$kind" run -d $N --name "m$i" bb:1 sleep 100 >/dev/null 3>&- & done
		wait
		[ "$(r "$kind" ps -q | wc -l)" -eq 30 ]
		rr "$kind" rm -fa
	done
}
