#!/usr/bin/env bats
# A real image end to end: Debian by mmdebstrap with nginx in it, through a
# registry, run with a published port

load helpers
load images
load run

setup_file() {
	need_root
	run_setup
	# A mirror is needed for the packages; where there is none, nothing of this can be shown.
	# once a clone: it takes a minute
	cache=$TREE/build/cache/debian-nginx.tar
	[ ! -f "$cache" ] || cp "$cache" "$IMG/debian.tar"
	[ -f "$IMG/debian.tar" ] || mmdebstrap --quiet --variant=minbase --include=nginx-light,procps \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		bookworm "$IMG/debian.tar" 2>"$IMG/mmdebstrap.log" || { tail -n 3 "$IMG/mmdebstrap.log" >&3; touch "$IMG/no-debian"; return 0; }
	[ -f "$cache" ] || { mkdir -p "${cache%/*}"; cp "$IMG/debian.tar" "$cache.$$" && mv "$cache.$$" "$cache"; }
	python3 "$MKIMAGE" layout "$IMG/debian" nginx:1 "$IMG/debian.tar" --config \
		'{"Cmd":["nginx","-g","daemon off;"],"Env":["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],"ExposedPorts":{"80/tcp":{}},"StopSignal":"SIGQUIT"}'
	chmod -R a+rX "$IMG"
	registry reg
	echo "$PORT" >"$IMG/reg.port"
	skopeo copy -q --dest-tls-verify=false "oci:$IMG/debian:nginx:1" "docker://localhost:$PORT/nginx:1"
}

teardown_file() { run_teardown; }

setup() { [ ! -e "$IMG/no-debian" ] || skip "mmdebstrap has no mirror here"; }

whole_story() {
	local kind=$1 port reg
	port=$(free_port)
	reg=localhost:$(cat "$IMG/reg.port")
	rr "$kind" pull -q "$reg/nginx:1"
	rr "$kind" run -d --name web -p "$port:80" "$reg/nginx:1"
	wait_for 10 curl -sf -m 3 -o "$BATS_TEST_TMPDIR/page" "http://127.0.0.1:$port/"
	grep -q 'Welcome to nginx' "$BATS_TEST_TMPDIR/page"
	rr "$kind" exec web tail -n 1 /var/log/nginx/access.log
	assert_output_has 'GET / HTTP/1.1'
	# the true client, or the gateway for loopback
	assert_output_has 10.0.2.2
	rr "$kind" exec web sh -c 'for p in /proc/[0-9]*; do stat -c %U $p; done'
	assert_output_has www-data
	rr "$kind" logs web
	rr "$kind" stop web
	rr "$kind" inspect -f '{{.State.ExitCode}}' web
	[ "$output" = 0 ]
	rr "$kind" rm web
	nothing_left "$kind"
}

@test "nginx from a registry: with subordinate ids" { whole_story sub; }
@test "nginx from a registry: as root" { whole_story root; }
@test "nginx from a registry: with one id" { whole_story nosub; }

@test "apt-get works in it" {
	rr sub run --rm --network none "localhost:$(cat "$IMG/reg.port")/nginx:1" sh -c 'dpkg --audit && apt-get check -q'
}
