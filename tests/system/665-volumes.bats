#!/usr/bin/env bats
# runner volume: what is kept is found again, and can be got rid of

load helpers
load images
load run

setup_file() { run_setup; }
teardown_file() { run_teardown; }
teardown() { for kind in sub nosub root; do r "$kind" rm -fa >/dev/null; nothing_left "$kind"; done; }

N="--network none"

@test "ls, create, inspect, rm: also of files of other ids" {
	for kind in sub nosub root; do
		rr "$kind" volume ls -q
		[ -z "$output" ]
		rr "$kind" volume create made
		[ "$output" = made ]
		rr "$kind" volume create made
		# filled at its first use, though it was made before
		rr "$kind" run --rm $N -v made:/data bb:1 cat /data/seed
		[ "$output" = seed ]
		rr "$kind" run --rm $N -v used:/v bb:1 sh -c 'mkdir /v/d && echo 1 >/v/d/f && chown -R 1000:1000 /v/d && chmod 500 /v/d'
		rr "$kind" volume ls
		[ "$(tr -s ' ' <<<"$output")" = $'DRIVER VOLUME NAME\nlocal made\nlocal used' ]
		rr "$kind" volume list --format '{{.Name}}={{.Driver}}'
		[ "$output" = $'made=local\nused=local' ]
		rr "$kind" volume inspect -f '{{.Mountpoint}}' used
		[ "$output" = "$STORES/$kind/root/volumes/used/_data" ] && [ -d "$output" ]
		rr "$kind" volume inspect used made
		[ "$(jq -r '.[].Name' <<<"$output")" = $'used\nmade' ]
		rr "$kind" volume rm used made
		[ "$output" = $'used\nmade' ]
		[ -z "$(ls -A "$STORES/$kind/root/volumes")" ]
	done
}

@test "what a container has is not removed, running or not; codes are Podman's" {
	for kind in sub nosub root; do
		rr "$kind" create $N --name has -v kept:/v -v /anon bb:1
		rr "$kind" start has
		rr "$kind" 2 volume rm kept
		assert_one_line
		assert_output_has "(has) has it"
		rr "$kind" volume ls -q
		[ "${#lines[@]}" = 2 ]
		rr "$kind" rm -f has
		rr "$kind" volume ls -q
		[ "$output" = kept ]
		rr "$kind" 1 volume rm none
		assert_one_line
		rr "$kind" volume rm -f none kept
		[ "$output" = kept ]
		for bad in ../volumes . .. a/b ''; do
			rr "$kind" 1 volume rm "$bad"
			rr "$kind" 125 volume create "$bad"
			assert_one_line
		done
		rr "$kind" 125 volume inspect none
	done
}

@test "a removal that was killed is finished by the next" {
	for kind in sub nosub; do
		rr "$kind" volume create a
		as "$kind" mkdir -p "$STORES/$kind/root/volumes/.gone-b/_data"
		rr "$kind" volume ls -q
		[ "$output" = a ]
		rr "$kind" volume rm a
		[ -z "$(ls -A "$STORES/$kind/root/volumes")" ]
	done
}
