#!/usr/bin/env bats
# tag, save, login, logout; an image that a container uses; the image of the README

load helpers
load images

setup_file() {
	need_root
	images_setup
	layout bb bb:1 busybox hello -- --config '{"Cmd":["/bin/cat","/etc/greeting"],"Env":["PATH=/bin"]}'
}

teardown_file() { images_teardown; }

setup() { KIND=nosub; store_of nosub; }
teardown() {
	[ ! -f "$IMG/r.pid" ] || { kill "$(cat "$IMG/r.pid")"; rm -f "$IMG/r.pid"; }
	drop_store "$KIND"
}

@test "tag: more names; rmi takes one after the other" {
	run_as nosub $R load -q -i "$IMG/bb"
	run_as nosub $R tag bb:1 other localhost:5000/x:2
	run_as nosub $R images --format '{{.Repository}}:{{.Tag}}'
	[ "${#lines[@]}" -eq 3 ]
	local id
	id=$(as nosub $R images -q bb)
	run_as nosub 125 $R rmi "$id"
	assert_one_line
	assert_output_has "3 names"
	run_as nosub $R rmi bb:1 other
	[[ $output != *Deleted* ]]
	run_as nosub $R rmi localhost:5000/x:2
	assert_output_has Deleted
	assert_store_empty
	run_as nosub 125 $R tag bb:1 again
	assert_one_line
}

@test "save: what docker, podman and skopeo read, and load again" {
	run_as nosub $R load -q -i "$IMG/bb"
	run_as nosub $R tag bb:1 team/second:2
	local id
	id=$(as nosub $R images -q --no-trunc bb)
	run_as nosub $R save -o "$S/both.tar" bb:1 team/second:2
	[ "$(tar tf "$S/both.tar" | grep -c blobs/)" -eq 4 ]
	skopeo inspect "docker-archive:$S/both.tar:bb:1" | grep -q '"Layers"'
	mkdir "$S/oci"
	tar -C "$S/oci" -xf "$S/both.tar"
	[ "$(jq -r '.manifests | length' "$S/oci/index.json")" -eq 2 ]
	[ "$(skopeo inspect --config --raw "oci:$S/oci:1" | sha256sum | cut -d' ' -f1)" = "${id#sha256:}" ]
	run_as nosub $R rmi --all --force
	assert_store_empty
	run_as nosub $R load -q -i "$S/both.tar"
	[ "$(as nosub $R images -q --no-trunc bb)" = "$id" ]
	[ "$(as nosub $R images -q --no-trunc team/second:2)" = "$id" ]
	# through a pipe
	run_as nosub bash -c "$R save bb:1 | $R --root $S/root2 load -q"
	[ "$output" = "Loaded image: docker.io/library/bb:1" ]
	run_as nosub 125 $R save -o "$S/none.tar" nothing
	assert_one_line
	[ ! -e "$S/none.tar" ]
	run_as nosub 125 $R save -o /nonexistent/x bb:1
	assert_one_line
}

@test "login and logout: checked first, kept in auth.json, forgotten" {
	faulty r --fault basic:me:secret "bb=$IMG/bb"
	local reg=127.0.0.1:$PORT
	export SUITE_ENV="REGISTRY_AUTH_FILE=$S/auth.json"
	run_as nosub 125 $R login -u me -p wrong "$reg"
	assert_one_line
	[ ! -e "$S/auth.json" ]
	run as nosub $R login -u me --password-stdin "$reg" <<<secret
	[ "$status" -eq 0 ]
	assert_output_has "$S/auth.json"
	[ "$(stat -c %a "$S/auth.json")" = 600 ]
	run_as nosub $R login --get-login "$reg"
	[ "$output" = me ]
	run_as nosub $R pull -q "$reg/bb:1"
	# skopeo understands the file
	as nosub env REGISTRY_AUTH_FILE="$S/auth.json" skopeo inspect --raw --tls-verify=false "docker://$reg/bb:1" | grep -q layers
	run_as nosub $R logout "$reg"
	run_as nosub 125 $R logout "$reg"
	assert_one_line
	run_as nosub 125 $R pull -q "$reg/bb:1"
	assert_one_line
	assert_output_has "not logged in"
	run_as nosub 125 $R login -u me -p x 'not a registry'
	assert_one_line
	run_as nosub 125 $R login "$reg" </dev/null
	assert_one_line
}

@test "an image that a container uses stays, with --force without its name" {
	KIND=sub; drop_store nosub; store_of sub
	run_as sub $R load -q -i "$IMG/bb"
	run_as sub $R create --name user --network none bb:1 /bin/true
	run_as sub 2 $R rmi bb:1
	assert_one_line
	assert_output_has "uses it"
	run_as sub $R rmi --force bb:1
	run_as sub $R images -q
	[ -z "$output" ]
	[ "$(find "$S/root/layers" -mindepth 2 -maxdepth 2 -type d | wc -l)" -ge 2 ]
	run_as sub $R rm user
	assert_store_empty
}

@test "Debian with nginx, made by mmdebstrap, through a registry: the page arrives" {
	command -v mmdebstrap >/dev/null || skip "needs mmdebstrap and Debian's mirror"
	KIND=sub; drop_store nosub; store_of sub
	"$TREE/tests/images/debian-nginx.sh" "$IMG/debian"
	chmod -R a+rX "$IMG/debian"
	registry reg
	skopeo copy -q --dest-tls-verify=false "oci:$IMG/debian:debian-nginx:12" "docker://localhost:$PORT/debian-nginx:12"
	run_as sub $R pull -q "localhost:$PORT/debian-nginx:12"
	local port
	port=$(free_port)
	run_as sub $R run -d --name web -p "$port:80" "localhost:$PORT/debian-nginx:12"
	wait_for 10 curl -sf "http://127.0.0.1:$port/"
	[ "$(curl -s "http://127.0.0.1:$port/")" = "nginx in a container" ]
	run_as sub $R exec web ps -o user= -C nginx
	assert_output_has root
	assert_output_has www-data
	run_as sub $R stop web
	run_as sub $R rm web
	run_as sub $R rmi "localhost:$PORT/debian-nginx:12"
	assert_store_empty
}
