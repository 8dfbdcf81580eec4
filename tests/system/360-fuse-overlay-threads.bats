#!/usr/bin/env bats
# fuse-overlay and several clients at once: one thread or more

load helpers
load overlay

# clients_on OPTIONS: four clients on a mount; prints what they said and how many threads more than at
# the start there are then, the sanitizer's own not counted so
clients_on() {
	helper overlay_clients.py
	cat >"$dir/script" <<-'END'
		set -u
		cd "$1"; mkdir -p l/low u w m
		for i in $(seq 0 299); do printf low/%s $i >l/low/$i; done
		fuse-overlay --ready-fd 8 8>ready -f -o "lowerdir=l,upperdir=u,workdir=w$2" m & server=$!
		for _ in $(seq 100); do [ -s ready ] && break; sleep 0.05; done
		sleep 0.1; first=$(ls /proc/$server/task | wc -l)
		python3 overlay_clients.py m 4 3
		# 5 is SCHED_IDLE: those keep processors awake (busy_poll=)
		sed 's/.*) //' /proc/$server/task/*/stat | awk -v first=$first '$39 == 5 { idle++; next } { serve++ }
			END { print "helpers " serve - first; print "idle class " idle+0 }'
		umount m && wait $server && echo "server left"
	END
	script_in_userns "$1"
	echo "# $output" >&3
}

@test "four clients, one serving thread" {
	clients_on ""
	assert_output_has "0 of 4 clients failed"
	assert_output_has "helpers 0"
	assert_output_has "server left"
}

@test "four clients, threads on demand, none to keep processors awake" {
	clients_on ",threaded=1,busy_poll=0"
	assert_output_has "0 of 4 clients failed"
	[[ $output =~ helpers\ ([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 1 ]
	assert_output_has "idle class 0"
	assert_output_has "server left"
}

@test "threads that wait for requests end with a signal and with the exit descriptor" {
	helper overlay_clients.py
	cat >"$dir/script" <<-'END'
		set -u
		cd "$1"; mkdir -p l/low u w m; mkfifo hold
		for i in $(seq 0 299); do printf low/%s $i >l/low/$i; done
		for how in signal descriptor; do
			exec 9<>hold
			fuse-overlay --exit-fd 8 -f -o lowerdir=l,upperdir=u,workdir=w,threaded=1 m 8<hold 9>&- &
			server=$!
			for _ in $(seq 100); do mountpoint -q m && break; sleep 0.05; done
			python3 overlay_clients.py m 4 1 9>&- | tail -1
			[ $how = signal ] && kill -TERM $server
			exec 9>&-
			wait $server; echo "left $?"; mountpoint -q m || echo gone
			rm -rf u w; mkdir u w
		done
	END
	script_in_userns
	echo "# $output" >&3
	[ "$(grep -c '^left 0$' <<<"$output")" = 2 ]
	[ "$(grep -c '^gone$' <<<"$output")" = 2 ]
	[ "$(grep -c '0 of 4 clients failed' <<<"$output")" = 2 ]
}
