# Helpers for the 6NN, 7NN and 9NN bats files: load helpers; load images; load run

# run_setup [KIND…]: a store for each kind of account with the image bb:1
# (busybox, /etc/passwd with "app", /etc/greeting) in it; $STORES/KIND
run_setup() {
	local kind
	need_root
	images_setup
	python3 "$TREE/tests/images/mkimage.py" tar busybox "$IMG/busybox.tar"
	rm -rf "$IMG/extra"
	mkdir -p "$IMG/extra/etc" "$IMG/extra/tmp" "$IMG/extra/data" "$IMG/extra/home/app"
	printf 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n' >"$IMG/extra/etc/passwd"
	printf 'root:x:0:\napp:x:1000:\nstaff:x:50:app\n' >"$IMG/extra/etc/group"
	echo hello >"$IMG/extra/etc/greeting"
	echo seed >"$IMG/extra/data/seed"
	printf '#!/bin/nosuch\n' >"$IMG/extra/badscript"
	chmod 0755 "$IMG/extra/badscript"
	chmod 1777 "$IMG/extra/tmp"
	tar -C "$IMG/extra" --owner=0 --group=0 -cf "$IMG/extra.tar" .
	python3 "$MKIMAGE" layout "$IMG/bb" bb:1 "$IMG/busybox.tar" "$IMG/extra.tar" \
		--config '{"Cmd":["/bin/cat","/etc/greeting"],"Env":["PATH=/bin","FROM=image"],"Labels":{"a":"b"},"ExposedPorts":{"80/tcp":{}}}'
	chmod -R a+rX "$IMG"
	STORES=$(mktemp -d "/tmp/$SUITE_PREFIX-stores.XXXXXX")
	chmod 0755 "$STORES"
	export STORES
	for kind in "${@:-sub nosub root}"; do
		for kind in $kind; do
			mkdir "$STORES/$kind"
			chown "$(account "$kind"):" "$STORES/$kind"
			r "$kind" load -q -i "$IMG/bb"
		done
	done
}

# r KIND ARGS…: runner with that account's store
r() {
	local kind=$1
	shift
	as "$kind" runner --root "$STORES/$kind/root" --runroot "$STORES/$kind/run" "$@"
}

# rr KIND [EXPECTED-STATUS] ARGS…: sets $status, $output and $lines; fails when the
# status is another
rr() {
	local kind=$1 want=0
	shift
	[[ $1 =~ ^[0-9]+$ ]] && { want=$1; shift; }
	# not bats' run: 127 is an answer here like any other
	status=0
	output=$(r "$kind" "$@" 2>&1 3>&-) || status=$?
	mapfile -t lines <<<"$output"
	[ "$status" -eq "$want" ] || { echo "status $status, not $want: $*"; echo "$output"; return 1; }
}

# nothing_left KIND: no container, process, socket or half-made folder of it
nothing_left() {
	local kind=$1 left
	for _ in $(seq 40); do
		left=$(
			r "$kind" ps -aq --no-trunc
			find "$STORES/$kind/root/containers" "$STORES/$kind/run/containers" "$STORES/$kind/root/ctrnames" \
				"$STORES/$kind/root/holds" -mindepth 1 2>/dev/null
			monitors "$kind"
		)
		[ -n "$left" ] || return 0
		sleep 0.05
	done
	echo "left over:"; echo "$left" | head -n 12
	# the next test is not to stumble over it
	r "$kind" rm -f -a >/dev/null || true
	return 1
}

# monitors KIND: processes that were started for that store
monitors() { pgrep -af -- "--root $STORES/$1/root|$STORES/$1/run/" | grep -v pgrep || true; }

# monitor_of KIND NAME / init_of KIND NAME: pids
monitor_of() { r "$1" inspect -f '{{.State.MonitorPid}}' "$2"; }
init_of() { r "$1" inspect -f '{{.State.Pid}}' "$2"; }

run_teardown() {
	local kind
	for kind in sub nosub root; do
		[ -d "$STORES/$kind" ] || continue
		may_fail "a test broke the store" r "$kind" rm -f -a >/dev/null
		[ "$kind" != sub ] || may_fail "no namespace" as sub uidmap run rm -rf "$STORES/sub/root" "$STORES/sub/run"
	done
	wait_for 5 rm -rf "$STORES"
	images_teardown
}
