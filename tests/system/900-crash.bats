#!/usr/bin/env bats
# kill -9 of anything at any time: nothing runs on, records tell, the next command repairs

load helpers
load images
load run

setup_file() { run_setup; }
teardown_file() { run_teardown; }
teardown() { for kind in sub nosub root; do nothing_left "$kind"; done; }

# is_gone PID: no process, or a zombie that nobody has reaped yet
no_monitors() { [ -z "$(monitors "$1")" ]; }
is_gone() { [ ! -d "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status"; }

@test "kill -9 of the command leaves the container running" {
	for kind in sub nosub root; do
		port=$(free_port)
		r "$kind" run --name on -p "$port:80" hello >/dev/null 2>&1 3>&- &
		wait_for 10 curl -sf -m 3 "http://127.0.0.1:$port/"
		monitor=$(monitor_of "$kind" on)
		cli=$(awk '/PPid/{print $2}' "/proc/$monitor/status")
		[ "$(cat "/proc/$cli/comm")" = runner ]
		kill -9 "$cli"
		sleep 0.3
		curl -sf -m 3 "http://127.0.0.1:$port/" >/dev/null
		rr "$kind" ps --format '{{.Names}}'
		[ "$output" = on ]
		rr "$kind" logs on
		assert_output_has serving
		rr "$kind" stop on
		rr "$kind" inspect -f '{{.State.ExitCode}}' on
		[ "$output" = 0 ]
		rr "$kind" rm on
	done
}

@test "kill -9 of the monitor leaves nothing running; ps -a shows exited" {
	for kind in sub nosub root; do
		port=$(free_port)
		rr "$kind" run -d --name lost -p "$port:80" hello
		wait_for 10 curl -sf -m 3 "http://127.0.0.1:$port/"
		monitor=$(monitor_of "$kind" lost); init=$(init_of "$kind" lost)
		rr "$kind" exec -d lost /hello 81
		helpers=$(pgrep -P "$monitor")
		kill -9 "$monitor"
		for pid in $init $helpers; do wait_for 5 is_gone "$pid"; done
		rr "$kind" ps -a --format '{{.Names}} {{.State}} {{.Status}}'
		[[ $output == "lost exited Exited (137)"* ]]
		rr "$kind" ps -q
		[ -z "$output" ]
		[ -z "$(monitors "$kind")" ]
		# it starts again, and the port is free
		rr "$kind" start lost
		wait_for 10 curl -sf -m 3 "http://127.0.0.1:$port/"
		rr "$kind" stop lost
		rr "$kind" rm lost
	done
}

@test "kill -9 of the monitor ends a program that changed its ids" {
	rr sub run -d --name su -u app --network none bb:1 sleep 100
	init=$(init_of sub su)
	kill -9 "$(monitor_of sub su)"
	wait_for 5 is_gone "$init"
	rr sub rm su
}

@test "kill -9 of the monitor while a person watches: the command says so" {
	for kind in sub nosub root; do
		r "$kind" run --name watched --network none bb:1 sleep 100 >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
		cli=$!
		wait_for 5 r "$kind" exec watched true
		kill -9 "$(monitor_of "$kind" watched)"
		status=0; wait "$cli" || status=$?
		[ "$status" -eq 137 ]
		[ "$(wc -l <"$BATS_TEST_TMPDIR/said")" -eq 1 ]
		grep -q 'monitor was killed' "$BATS_TEST_TMPDIR/said"
		rr "$kind" rm watched
	done
}

@test "kill -9 of slirp-net: the container runs on, stop and rm work" {
	for kind in sub nosub root; do
		rr "$kind" run -d --name net -p "$(free_port):80" hello
		for pid in $(pgrep -P "$(monitor_of "$kind" net)" slirp-net); do kill -9 "$pid"; done
		kill -0 "$(init_of "$kind" net)"
		rr "$kind" inspect -f '{{.State.Running}}' net
		[ "$output" = true ]
		rr "$kind" stop net
		rr "$kind" rm net
	done
}

@test "kill -9 of run at twenty instants: no process, folder, name or hold stays" {
	for kind in sub nosub; do
		for i in $(seq 20); do
			as "$kind" bash -c "runner --root $STORES/$kind/root --runroot $STORES/$kind/run run --rm --name cut --network none bb:1 true >/dev/null 2>&1 & p=\$!; sleep 0.$(printf %03d $((i * 4))); kill -9 \$p 2>/dev/null; pkill -9 -P \$p 2>/dev/null; true" 3>&-
		done
		# every monitor that lived on ends by itself
		wait_for 10 no_monitors "$kind"
		# the next removing command repairs, and then the name is free
		r "$kind" rm -fa >/dev/null
		rr "$kind" run --rm --name cut --network none bb:1 true
	done
}

@test "kill -9 of the monitor at ten instants of a start" {
	for kind in sub nosub; do
		for i in $(seq 10); do
			as "$kind" bash -c "runner --root $STORES/$kind/root --runroot $STORES/$kind/run run --name cut$i --network none bb:1 sleep 100 >/dev/null 2>&1 & p=\$!; sleep 0.$(printf %03d $((i * 6))); m=\$(pgrep -P \$p); kill -9 \$m 2>/dev/null; sleep 0.1; kill -9 \$p 2>/dev/null; true" 3>&-
		done
		wait_for 5 r "$kind" rm -fa
		wait_for 10 no_monitors "$kind"
		rr "$kind" ps -a -q
		[ -z "$output" ]
	done
}

@test "kill -9 of each process of a start, at random moments: one line or none, nothing stays, nobody holds our stdout" {
	for kind in sub nosub; do
		as "$kind" python3 "$TREE/tests/helpers/run_kill.py" 24 "$STORES/$kind" "$BIN/runner" \
			--root "$STORES/$kind/root" --runroot "$STORES/$kind/run"
	done
}

@test "ps never blocks: not behind a lock, not behind a stopped monitor" {
	for kind in sub nosub; do
		rr "$kind" run -d --name still --network none bb:1 sleep 100
		monitor=$(monitor_of "$kind" still)
		kill -STOP "$monitor"
		id=$(r "$kind" ps -q --no-trunc)
		flock -x "$STORES/$kind/run/containers/$id" sleep 3 3>&- &
		sleep 0.2
		SECONDS=0
		for _ in 1 2 3; do rr "$kind" ps -a --format '{{.Names}} {{.State}}'; done
		[ "$output" = "still running" ]
		[ "$SECONDS" -le 2 ]
		kill -CONT "$monitor"
		rr "$kind" rm -f still
	done
}

@test "a record that is rubbish is no obstacle to the others" {
	rr sub run -d --name good --network none bb:1 sleep 100
	rr sub run --name bad --network none bb:1 true
	id=$(r sub ps -a --filter name=bad -q --no-trunc)
	echo '{"version":' >"$STORES/sub/root/containers/$id/container.json"
	rr sub ps -a --format '{{.Names}}'
	[ "$output" = good ]
	rr sub rm -f good
	rm "$STORES/sub/root/containers/$id/container.json"
	# without a record and without a lock it is a leftover
	r sub rm -fa
	rr sub run --rm --name bad --network none bb:1 true
}
