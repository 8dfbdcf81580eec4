#!/usr/bin/env bats
# pulls over a bad network, from bad registries, with credentials, mirrors and rivals

load helpers
load images

setup_file() {
	need_root
	images_setup
	export SEED=7 FILES=30 SIZE=100000
	layout big big:1 random_data hello
	layout small small:1 hello
	layout multi-a multi:1 base
}

teardown_file() { images_teardown; }

setup() { KIND=nosub; store_of nosub; }
teardown() {
	[ ! -f "$IMG/r.pid" ] || { kill "$(cat "$IMG/r.pid")"; rm -f "$IMG/r.pid" "$IMG/r.log"; }
	drop_store "$KIND"
}

big_blob() { find "$IMG/big/blobs/sha256" -size +1000k -printf %f; }

@test "a blob with a byte changed: one line that names it, nothing left" {
	faulty r --fault corrupt "big=$IMG/big"
	run_as nosub 125 $R pull -q "127.0.0.1:$PORT/big:1"
	assert_one_line
	assert_output_has "digest mismatch"
	assert_store_empty
}

@test "a manifest that is not what its digest says" {
	faulty r --fault wrong-manifest "small=$IMG/small"
	run_as nosub 125 $R pull -q "127.0.0.1:$PORT/small:1"
	assert_one_line
	assert_output_has "digest mismatch"
	local digest
	digest=$(jq -r '.manifests[0].digest' "$IMG/small/index.json")
	run_as nosub 125 $R pull -q "127.0.0.1:$PORT/small@$digest"
	assert_one_line
	assert_output_has "digest mismatch"
	assert_store_empty
}

@test "a blob longer than the manifest says" {
	faulty r --fault oversize "big=$IMG/big"
	run_as nosub 125 $R pull -q "127.0.0.1:$PORT/big:1"
	assert_one_line
	assert_output_has "larger than the manifest says"
	assert_store_empty
}

@test "no image of that name, no registry there, no such thing as an image" {
	faulty r --fault helm "small=$IMG/small"
	run_as nosub 125 $R pull -q "127.0.0.1:$PORT/nothing:1"
	assert_one_line
	assert_output_has "nothing:1"
	run_as nosub 125 $R pull -q "127.0.0.1:$PORT/small:1"
	assert_one_line
	assert_output_has "no container image"
	run_as nosub 125 $R pull -q --retry 0 "127.0.0.1:1/small:1"
	assert_one_line
	assert_output_has "127.0.0.1:1"
	run_as nosub 125 $R pull -q "Bad Name"
	assert_one_line
	assert_store_empty
}

@test "a connection that breaks once is continued" {
	faulty r --fault cut-once:700000 "big=$IMG/big"
	run_as nosub $R pull -q "127.0.0.1:$PORT/big:1"
	grep -q "range=bytes=700000-" "$IMG/r.log"
}

@test "a server without ranges is asked from the start" {
	faulty r --fault cut-once:700000 --fault no-range "big=$IMG/big"
	run_as nosub $R pull -q "127.0.0.1:$PORT/big:1"
	[ "$(find "$S/root/layers" -name 0029 | wc -l)" -eq 1 ]
}

@test "a connection that always breaks: one line; what came is kept and continued" {
	faulty r --fault cut:700000 "big=$IMG/big"
	run_as nosub 125 $R pull -q --retry 1 "127.0.0.1:$PORT/big:1"
	assert_one_line
	[ "$(stat -c %s "$S/root/tmp/blob-$(big_blob)")" -eq 1400000 ]
	kill "$(cat "$IMG/r.pid")"
	faulty r "big=$IMG/big"
	rm -f "$IMG/r.log"
	run_as nosub $R pull -q "127.0.0.1:$PORT/big:1"
	grep -q "range=bytes=1400000-" "$IMG/r.log"
	[ "$(find "$S/root/tmp" -mindepth 1 | wc -l)" -eq 0 ]
}

@test "a server that is busy is asked again" {
	faulty r --fault busy:1 "small=$IMG/small"
	run_as nosub $R pull -q "127.0.0.1:$PORT/small:1"
	run_as nosub $R rmi --all
}

@test "kill -9 in the middle: the next pull goes on" {
	faulty r --fault slow:0.05 "big=$IMG/big"
	as nosub sh -c "echo \$\$ >$S/pid; exec $R pull -q 127.0.0.1:$PORT/big:1" 3>&- >/dev/null 2>&1 &
	local pull=$!
	wait_for 10 test -s "$S/root/tmp/blob-$(big_blob)"
	sleep 0.5
	kill -KILL "$(cat "$S/pid")"
	if wait $pull; then echo "it ended before it was killed"; return 1; fi
	[ -s "$S/root/tmp/blob-$(big_blob)" ]
	run_as nosub $R images -q
	[ -z "$output" ]
	rm -f "$IMG/r.log"
	run_as nosub $R pull -q "127.0.0.1:$PORT/big:1"
	grep "blobs/sha256:$(big_blob)" "$IMG/r.log" | grep -q "range=bytes=[1-9]"
	[ "$(find "$S/root/tmp" -mindepth 1 | wc -l)" -eq 0 ]
}

@test "a killed pull that nobody continues is cleared away" {
	faulty r --fault slow:0.05 "big=$IMG/big" "small=$IMG/small"
	as nosub sh -c "echo \$\$ >$S/pid; exec $R pull -q 127.0.0.1:$PORT/big:1" 3>&- >/dev/null 2>&1 &
	local pull=$!
	wait_for 10 test -s "$S/root/tmp/blob-$(big_blob)"
	kill -KILL "$(cat "$S/pid")"
	if wait $pull; then echo "it ended before it was killed"; return 1; fi
	touch -d '2 days ago' "$S"/root/tmp/blob-*
	run_as nosub $R pull -q "127.0.0.1:$PORT/small:1"
	run_as nosub $R rmi --all
	assert_store_empty
}

@test "two pulls of one image do the work once" {
	faulty r --fault slow:0.02 "big=$IMG/big"
	local pulls=()
	for i in 1 2 3; do
		as nosub $R pull -q "127.0.0.1:$PORT/big:1" >"$IMG/out.$i" 2>&1 3>&- &
		pulls+=($!)
	done
	wait "${pulls[@]}"
	[ "$(sort -u "$IMG"/out.? | wc -l)" -eq 1 ]
	[[ $(cat "$IMG/out.1") =~ ^[0-9a-f]{64}$ ]]
	[ "$(grep -c "blobs/sha256:$(big_blob)" "$IMG/r.log")" -eq 1 ]
	run_as nosub $R rmi --all
	assert_store_empty
}

@test "basic and token authentication: from --creds, auth.json, config.json, a helper" {
	local home
	home=$(getent passwd "$(account nosub)" | cut -d: -f6)
	for how in basic bearer; do
		[ ! -f "$IMG/r.pid" ] || kill "$(cat "$IMG/r.pid")"
		faulty r --fault "$how:me:secret" "small=$IMG/small"
		local image=127.0.0.1:$PORT/small:1
		run_as nosub 125 $R pull -q "$image"
		assert_one_line
		assert_output_has "not logged in"
		run_as nosub 125 $R pull -q --creds me:wrong "$image"
		assert_one_line
		run_as nosub $R pull -q --creds me:secret "$image"
		run_as nosub $R rmi --all

		local auth
		auth=$(printf me:secret | base64)
		echo "{\"auths\":{\"127.0.0.1:$PORT\":{\"auth\":\"$auth\"}}}" >"$IMG/auth.json"
		run_as nosub $R pull -q --authfile "$IMG/auth.json" "$image"
		run_as nosub $R rmi --all
		SUITE_ENV="REGISTRY_AUTH_FILE=$IMG/auth.json" run_as nosub $R pull -q "$image"
		run_as nosub $R rmi --all
		mkdir -p "$IMG/docker"
		chmod 755 "$IMG/docker"
		cp "$IMG/auth.json" "$IMG/docker/config.json"
		SUITE_ENV="DOCKER_CONFIG=$IMG/docker" run_as nosub $R pull -q "$image"
		run_as nosub $R rmi --all

		printf '#!/bin/sh\nread -r host\necho "{\\"ServerURL\\":\\"$host\\",\\"Username\\":\\"me\\",\\"Secret\\":\\"secret\\"}"\n' \
			>"$IMG/docker-credential-test"
		chmod 755 "$IMG/docker-credential-test"
		echo '{"credsStore":"test"}' >"$IMG/docker/config.json"
		SUITE_ENV="DOCKER_CONFIG=$IMG/docker PATH=$BIN:$IMG:/usr/bin:/bin" run_as nosub $R pull -q "$image"
		run_as nosub $R rmi --all
	done
}

@test "registries.conf: mirrors first, then the registry; aliases; search; blocked; errors" {
	faulty r "small=$IMG/small" "mirrored/small=$IMG/small" "library/small=$IMG/small"
	local conf=$IMG/registries.conf
	export SUITE_ENV="CONTAINERS_REGISTRIES_CONF=$conf"
	cat >"$conf" <<-END
		unqualified-search-registries = ["127.0.0.1:1", "127.0.0.1:$PORT"] # tried in order
		[[registry]]
		prefix = "example.com/team"
		location = "127.0.0.1:1/nowhere"
		[[registry.mirror]]
		location = "127.0.0.1:$PORT/mirrored"
		[[registry]]
		prefix = "bad.example.com"
		blocked = true
		[aliases]
		"short" = "127.0.0.1:$PORT/small"
	END
	run_as nosub $R pull -q --retry 0 example.com/team/small:1
	run_as nosub $R images --format '{{.Repository}}'
	[ "$output" = example.com/team/small ]
	run_as nosub $R rmi --all
	run_as nosub $R pull -q short:1
	run_as nosub $R images --format '{{.Repository}}'
	[ "$output" = "127.0.0.1:$PORT/small" ]
	run_as nosub $R rmi --all
	run_as nosub $R pull -q --retry 0 small:1
	run_as nosub $R rmi --all
	run_as nosub 125 $R pull -q bad.example.com/x
	assert_one_line
	assert_output_has blocks
	echo 'nonsense = ["x"]' >"$conf"
	run_as nosub 125 $R pull -q small:1
	assert_one_line
	assert_output_has "line 1"
}

@test "no HOME, no XDG variables, an unreadable working folder, umask 077" {
	faulty r "small=$IMG/small"
	run as nosub env -u HOME bash -c "umask 077; cd /; $R pull -q 127.0.0.1:$PORT/small:1"
	[ "$status" -eq 0 ]
	[ "$(stat -c %a "$(top_layer)/diff")" = 755 ]
	[ "$(stat -c %a "$(top_layer)/diff/etc")" = 755 ]
}
