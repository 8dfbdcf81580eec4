#!/usr/bin/env bats
# Odd hosts: it works, or says in one line what it needs

load helpers
load images
load run

setup_file() { run_setup; }
teardown_file() { run_teardown; }

# env_run KIND VARS… -- CMD…: a command with exactly these variables
env_run() {
	local kind=$1 name vars=()
	shift
	name=$(account "$kind")
	while [ "$1" != -- ]; do vars+=("$1"); shift; done
	shift
	run timeout 30 setpriv --reuid "$name" --regid "$(id -g "$name")" --init-groups --inh-caps=-all \
		env -i PATH="$BIN:/usr/bin:/bin" "${vars[@]}" "$@"
}

@test "no XDG_RUNTIME_DIR: /tmp/runner-UID, ours alone" {
	for kind in sub nosub; do
		home=$STORES/$kind
		env_run "$kind" HOME="$home" -- runner run --rm --network none --pull never hello /hello --help
		[ "$status" -eq 2 ]
		dir=/tmp/runner-$(id -u "$(account "$kind")")
		[ "$(stat -c '%U %a' "$dir")" = "$(account "$kind") 700" ]
		[ -d "$home/.local/share/runner" ]
	done
}

@test "XDG_RUNTIME_DIR of another user, as su leaves it: not used" {
	mkdir -p "$STORES/xdg-root"
	env_run sub HOME="$STORES/sub" XDG_RUNTIME_DIR="$STORES/xdg-root" -- runner run --rm --network none hello /hello --help
	[ "$status" -eq 2 ]
	[ -z "$(ls "$STORES/xdg-root")" ]
	mkdir -p "$STORES/sub/xdg"; chown "$(account sub):" "$STORES/sub/xdg"; chmod 700 "$STORES/sub/xdg"
	env_run sub HOME="$STORES/sub" XDG_RUNTIME_DIR="$STORES/sub/xdg" -- runner run --rm --network none hello /hello --help
	[ "$status" -eq 2 ]
	[ -d "$STORES/sub/xdg/runner" ]
}

@test "/tmp/runner-UID planted by somebody else: refused in one line" {
	# a uid without an account, so that nobody's folder is in the way
	mkdir -p /tmp/runner-54321 "$STORES/free"; chown 54321:54321 "$STORES/free"
	run setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all env -i PATH="$BIN:/usr/bin:/bin" HOME="$STORES/free" \
		runner run --rm --network none hello
	rmdir /tmp/runner-54321
	[ "$status" -eq 125 ]
	assert_one_line
	assert_output_has /tmp/runner-54321
	assert_output_has --runroot
}

@test "no passwd entry: works by number" {
	mkdir -p "$STORES/free"; chown 54321:54321 "$STORES/free"
	run setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all env -i PATH="$BIN:/usr/bin:/bin" HOME="$STORES/free" \
		runner --runroot "$STORES/free/run" run --rm --network none hello /hello --help
	[ "$status" -eq 2 ]
	# and without HOME it says what it needs
	run setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all env -i PATH="$BIN:/usr/bin:/bin" \
		runner --runroot "$STORES/free/run" run --rm --network none hello
	[ "$status" -eq 125 ]
	assert_one_line
	assert_output_has --root
}

@test "no HOME: the account's, by passwd" {
	for kind in sub nosub; do
		env_run "$kind" -- runner --runroot "$STORES/$kind/run" run --rm --network none hello /hello --help
		[ "$status" -eq 2 ]
	done
}

@test "a HOME that is read-only: one line says what helps; XDG_DATA_HOME does" {
	for kind in sub nosub; do
		env_run "$kind" HOME=/usr -- runner --runroot "$STORES/$kind/run" run --rm --network none hello
		[ "$status" -eq 125 ]
		assert_one_line
		assert_output_has /usr/.local/share/runner
		assert_output_has XDG_DATA_HOME
		env_run "$kind" HOME=/usr XDG_DATA_HOME="$STORES/$kind" -- runner --runroot "$STORES/$kind/run" run --rm --network none hello /hello --help
		[ "$status" -eq 2 ]
	done
}

@test "umask 077, umask 000" {
	for mask in 077 000; do
		for kind in sub nosub; do
			run as "$kind" bash -c "umask $mask; runner --root $STORES/$kind/root-$mask --runroot $STORES/$kind/run load -q -i $IMG/bb && \
				runner --root $STORES/$kind/root-$mask --runroot $STORES/$kind/run run --rm --network none bb:1 sh -c 'cat /etc/hosts >/dev/null; stat -c %a /etc /tmp; id -u'"
			[ "$status" -eq 0 ]
			assert_output_has 755
			assert_output_has 1777
			[ "$(stat -c %a "$STORES/$kind/root-$mask")" = 700 ]
		done
	done
}

@test "cwd unreadable, cwd removed" {
	mkdir -p "$STORES/closed"; chmod 700 "$STORES/closed"
	for kind in sub nosub; do
		name=$(account "$kind")
		run bash -c "cd '$STORES/closed' && exec setpriv --reuid $name --regid $(id -g "$name") --init-groups --inh-caps=-all env -i PATH='$BIN:/usr/bin:/bin' HOME='$STORES/$kind' \
			runner --root '$STORES/$kind/root' --runroot '$STORES/$kind/run' run --rm --network none bb:1 pwd"
		[ "$status" -eq 0 ] && [ "$output" = / ]
		run bash -c "mkdir '$STORES/gone' && chmod 755 '$STORES/gone' && cd '$STORES/gone' && rmdir '$STORES/gone' && exec setpriv --reuid $name --regid $(id -g "$name") --init-groups --inh-caps=-all env -i PATH='$BIN:/usr/bin:/bin' HOME='$STORES/$kind' \
			runner --root '$STORES/$kind/root' --runroot '$STORES/$kind/run' run --rm --network none bb:1 pwd"
		[ "$status" -eq 0 ] && [ "$output" = / ]
		run bash -c "mkdir '$STORES/gone' && chmod 755 '$STORES/gone' && cd '$STORES/gone' && rmdir '$STORES/gone' && exec setpriv --reuid $name --regid $(id -g "$name") --init-groups --inh-caps=-all env -i PATH='$BIN:/usr/bin:/bin' HOME='$STORES/$kind' \
			runner --root here --runroot '$STORES/$kind/run' ps"
		[ "$status" -eq 125 ]
		assert_one_line
	done
}

@test "closed stdio, a long path, spaces and colons in it" {
	for kind in sub nosub; do
		run as "$kind" bash -c "runner --root $STORES/$kind/root --runroot $STORES/$kind/run run --rm --network none bb:1 true <&- >&- 2>&-"
		[ "$status" -eq 0 ]
		long="$STORES/$kind/a b:c,d/$(printf 'x%.0s' $(seq 120))"
		run as "$kind" runner --root "$long/root" --runroot "$long/run" load -q -i "$IMG/bb"
		[ "$status" -eq 0 ]
		run as "$kind" runner --root "$long/root" --runroot "$long/run" run --rm bb:1 cat /etc/greeting
		[ "$status" -eq 0 ] && [ "$output" = hello ]
		run as "$kind" runner --root "$long/root" --runroot "$long/run" run -d --name l bb:1 sleep 100
		[ "$status" -eq 0 ]
		run as "$kind" runner --root "$long/root" --runroot "$long/run" rm -f l
		[ "$status" -eq 0 ]
	done
}

@test "inside somebody else's user namespace" {
	run as nosub unshare -Urmpf --mount-proc runner --root "$STORES/nosub/root-in" --runroot "$STORES/nosub/run" run --rm --network none hello /hello --help
	[ "$status" -eq 2 ]
}
