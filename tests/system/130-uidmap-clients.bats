#!/usr/bin/env bats
# Other people's programs with our newuidmap and newgidmap first in their PATH

load helpers

setup() {
	sub=$(account sub)
	start=$(awk -F: -v n="$sub" '$1 == n { print $2; exit }' /etc/subuid)
	gstart=$(awk -F: -v n="$sub" '$1 == n { print $2; exit }' /etc/subgid)
	whole=" 0 $(id -u "$sub") 1"$'\n'" 1 $start 65536"
}

teardown() {
	[ -d "${dir:-}" ] || return 0
	# ends podman's waiting process, which holds the namespace
	if command -v podman >/dev/null; then engine "$dir" podman system migrate >/dev/null 2>&1; fi
	wait_for 5 as sub uidmap run rm -rf "$dir/home"
	wait_for 5 rm -rf "$dir"
}

# The engines keep a process that holds the namespace, and a store in HOME.
engine() {
	local dir=$1
	shift
	# a warning of theirs about mounts of this machine is not the answer
	SUITE_ENV="HOME=$dir/home XDG_RUNTIME_DIR=$dir/run" as sub "$@" 2>"$dir/messages"
}

@test "unshare --map-auto of util-linux" {
	run_as sub unshare --map-auto --map-root-user sh -c 'id -u; tr -s " " </proc/self/uid_map; tr -s " " </proc/self/gid_map'
	[ "$output" = $'0\n'" 0 $(id -u "$sub") 1"$'\n'" 1 $start 65535"$'\n'" 0 $(id -g "$sub") 1"$'\n'" 1 $gstart 65535" ]
}

@test "podman unshare, and an image with files of several owners" {
	command -v podman >/dev/null || skip "podman is not installed"
	dir=$(scratch sub)
	as sub mkdir "$dir/home" "$dir/run"
	chmod 700 "$dir/run"
	run engine "$dir" podman unshare sh -c 'tr -s " " </proc/self/uid_map'
	echo "$output"
	[ "$output" = "$whole" ]
	mkdir "$dir/tree"
	for owner in 1 33 1000 65534; do
		echo x >"$dir/tree/f$owner"
		chown "$owner:$owner" "$dir/tree/f$owner"
	done
	tar -C "$dir/tree" --numeric-owner -cf "$dir/tree.tar" .
	engine "$dir" podman import -q "$dir/tree.tar" owners >/dev/null
	run engine "$dir" podman unshare sh -c 'm=$(podman image mount owners); stat -c %u:%g "$m"/f*; podman image unmount owners >/dev/null'
	echo "$output"
	[ "$output" = $'1:1\n1000:1000\n33:33\n65534:65534' ]
}

@test "buildah unshare, and a layer with another owner" {
	command -v buildah >/dev/null || skip "buildah is not installed"
	dir=$(scratch sub)
	as sub mkdir "$dir/home" "$dir/run"
	run engine "$dir" buildah unshare sh -c 'tr -s " " </proc/self/uid_map'
	[ "$output" = "$whole" ]
	run engine "$dir" buildah unshare sh -c 'c=$(buildah from scratch); buildah add -q --chown 33:33 $c /etc/hostname /h >/dev/null
		m=$(buildah mount $c); stat -c %u:%g $m/h; buildah rm $c >/dev/null'
	echo "$output"
	[ "$output" = 33:33 ]
}

# One place decides: what runner says of its ids is what uidmap plan says, in each surrounding.
@test "runner follows the plan, with and without no_new_privs" {
	ids() { as "$@" runner info | jq -r .Ids; }
	[ "$(as sub uidmap plan --json | jq -r .mode)" = range ]
	# a plan of one id is "recorded" where the supervisor can answer for the others
	local single
	single=$(ids nosub)
	[ "$single" = one ] || [ "$single" = recorded ]
	[ "$(ids sub setpriv --no-new-privs)" = "$single" ]
	[ "$(ids sub)" = range ]
	[ "$(ids sub setpriv --no-new-privs)" = "$single" ]
	[ "$(as nosub uidmap plan --json | jq -r .mode)" = single ]
}

# Nothing that is executed under strace gains privileges, so no range can be had: then, and not for an hour.
@test "runner does not remember a plan that was found under a debugger" {
	[ "${VARIANT:-release}" != asan ] || skip "the sanitizer's runtime does not work under strace"
	command -v strace >/dev/null || skip "strace is not installed"
	dir=$(scratch sub)
	ids() { as sub "$@" runner --runroot "$dir/run" info | jq -r .Ids; }
	[ "$(ids strace -f -qq -o /dev/null)" != range ]
	[ "$(ids)" = range ]
}
