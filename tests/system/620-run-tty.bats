#!/usr/bin/env bats
# run -it is a usable terminal: tried through tmux, as a person sees it

load helpers
load images
load run

setup_file() { run_setup; }
teardown_file() { run_teardown; }

# the server stays when its last session ends: the next one would meet it as it leaves
setup() {
	T="tmux -L $SUITE_PREFIX-$BATS_TEST_NUMBER -f $STORES/tmux.conf"
	echo 'set -g exit-empty off' >"$STORES/tmux.conf"
	$T start-server 3>&-
}

teardown() {
	$T kill-server
	for kind in sub nosub root; do nothing_left "$kind"; done
}

# in_tmux KIND ARGS…: runner in a terminal of 90x30; its exit code is printed behind it
in_tmux() {
	local kind=$1 words
	shift
	printf -v words '%q ' as "$kind" runner --root "$STORES/$kind/root" --runroot "$STORES/$kind/run" "$@"
	$T new-session -d -s t -x 90 -y 30 "bash -c 'load() { :; }; . $BATS_TEST_DIRNAME/helpers.bash; SUITE_TIMEOUT_CMD=\"--foreground 30\"; $(declare -f as_tty); ${words/as /as_tty }; echo \"<code \$?>\"; exec sleep 100'" 3>&-
}

# as() without the timeout that would take the terminal away from the program
as_tty() {
	local name home
	name=$(account "$1"); shift
	home=$(getent passwd "$name" | cut -d: -f6)
	cd "$home" && setpriv --reuid "$name" --regid "$(id -g "$name")" --init-groups --inh-caps=-all \
		env -i HOME="$home" USER="$name" TERM=xterm PATH="$BIN:/usr/bin:/bin" "$@"
}

screen() { $T capture-pane -p -t t; }
shows() { screen | grep -qF -- "$1"; }
keys() { $T send-keys -t t "$@"; }

usable_terminal() {
	kind=$1
	in_tmux "$kind" run --rm -it --network none --name tty bb:1 sh
	wait_for 10 shows '#'
	keys 'stty size; tty' Enter
	wait_for 5 shows '30 90'
	shows /dev/pts/0
	# a change of size arrives
	$T resize-window -t t -x 70 -y 20
	wait_for 5 size_is 20 70
	# Ctrl-C ends the program in front, not the shell
	keys 'sleep 100' Enter
	sleep 0.3
	keys C-c
	keys 'echo al''ive' Enter
	wait_for 5 shows alive
	# line editing and Ctrl-D
	keys 'exit 42' Enter
	wait_for 5 shows '<code 42>'
	# our own terminal is as before
	keys '' Enter
}

size_is() {
	keys 'clear; stty size' Enter
	sleep 0.2
	shows "$1 $2"
}

@test "size, Ctrl-C, exit code: with subordinate ids" { usable_terminal sub; }
@test "size, Ctrl-C, exit code: with one id" { usable_terminal nosub; }
@test "size, Ctrl-C, exit code: as root" { usable_terminal root; }

@test "Ctrl-P Ctrl-Q leaves it running; attach comes back" {
	for kind in sub nosub root; do
		in_tmux "$kind" run --rm -it --network none --name det bb:1 sh
		wait_for 10 shows '#'
		keys 'echo before-det' Enter
		wait_for 5 shows before-det
		keys C-p C-q
		wait_for 5 shows '<code 0>'
		rr "$kind" ps --format '{{.Names}}'
		[ "$output" = det ]
		$T kill-session -t t
		in_tmux "$kind" attach det
		sleep 0.5
		keys Enter
		wait_for 5 shows '#'
		# Ctrl-P alone goes to the shell: the last command comes back
		keys C-p
		keys Enter
		wait_for 5 shows before-det
		keys 'exit 3' Enter
		wait_for 5 shows '<code 3>'
		$T kill-session -t t
	done
}

@test "exec -it has a terminal of its own" {
	for kind in sub nosub root; do
		rr "$kind" run -d --rm --network none --name box bb:1 sleep 100
		in_tmux "$kind" exec -it box sh
		wait_for 10 shows '#'
		keys 'stty size; tty; exit 9' Enter
		wait_for 5 shows '<code 9>'
		shows '30 90'
		shows /dev/pts/
		$T kill-session -t t
		rr "$kind" stop -t 0 box
	done
}

@test "exec -t: as large as ours from the first moment" {
	local kind
	for kind in sub nosub root; do
		rr "$kind" run -d --rm --network none --name box bb:1 sleep 100
		run as "$kind" script -qec "stty rows 7 cols 8; for i in 1 2 3 4 5 6 7 8 9 10; do
			runner --root $STORES/$kind/root --runroot $STORES/$kind/run exec -it box stty size; done" /dev/null
		[ "$(grep -c "7 8" <<<"$output")" = 10 ] || { echo "$output"; false; }
		rr "$kind" stop -t 0 box
	done
}

@test "-t without a terminal of ours: refused with -i, works without" {
	rr sub 125 run --rm -it --network none bb:1 tty
	assert_one_line
	rr sub run --rm -t --network none bb:1 tty
	assert_output_has /dev/pts/0
}

@test "what is pasted arrives, however much, while the program prints" {
	local kind prog='stty -echo; echo ready; exec cat'
	cp "$TREE/tests/helpers/paste.py" "$STORES/"
	chmod 0755 "$STORES/paste.py"
	for kind in sub nosub root; do
		as "$kind" "$STORES/paste.py" runner --root "$STORES/$kind/root" --runroot "$STORES/$kind/run" \
			run --rm -it --network none bb:1 sh -c "$prog"
		rr "$kind" run -d --network none --name box bb:1 sleep 100
		as "$kind" "$STORES/paste.py" runner --root "$STORES/$kind/root" --runroot "$STORES/$kind/run" \
			exec -it box sh -c "$prog"
		rr "$kind" rm -f box
	done
}
