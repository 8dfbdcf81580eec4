#!/usr/bin/env bats
# Every line under EXAMPLES of runner-*.1 that this machine can run is run as it stands,
# but for the port, which is a free one

load helpers
load images
load run

setup_file() {
	run_setup sub
	# "runner" of the examples works on the test's store
	mkdir "$IMG/bin"
	printf '#!/bin/sh\nexec %s/runner --root %s/sub/root --runroot %s/sub/run "$@"\n' "$BIN" "$STORES" "$STORES" \
		>"$IMG/bin/runner"
	chmod 0755 "$IMG/bin" "$IMG/bin/runner"
	mkdir "$STORES/sub/here"
	cp -r "$IMG/bb" "$STORES/sub/here/layout"
	chown -R "$(account sub):" "$STORES/sub/here"
	PORT=$(free_port)
	export PORT
}
teardown_file() { run_teardown; }
teardown() { r sub rm -fa >/dev/null; nothing_left sub; }

# what needs a registry, another host or another engine, or is run by another file
not_here() {
	cat <<-'END'
		docker save app | runner load
		runner login -u me --password-stdin registry.example <secret
		runner logout registry.example
		runner pull debian:12
		runner pull -q localhost:5000/app@sha256:9f86d081884c7d65...
		runner pull --platform linux/arm64 alpine
		runner save app:1 | ssh other runner load
	END
}

# examples PAGE: its lines
examples() {
	awk '/^\.Sh EXAMPLES/ { on = 1; next } /^\.Sh/ { on = 0 }
		on && sub(/^\.Dl /, "") { print; next }
		on && !/^\./ { print }' "$TREE/docs/man/$1" | sed 's/\\e/\\/g; s/\\-/-/g'
}

pages() { (cd "$TREE/docs/man" && ls runner-*.1 | grep -v '^runner-oci\.1$'); }

# type LINE: as a person would, at a terminal when it asks for one
type_line() {
	local line=${1//8080/$PORT} tool=(bash -c)
	# emulated, the next command takes longer than that to be there
	[ "${SUITE_IN_VM:-0}" = 0 ] || line=${line//sleep 1;/sleep 20;}
	case $line in
	*" -it "*) tool=(script -qec) ;;
	esac
	echo exit | as sub env PATH="$IMG/bin:$PATH" bash -c 'cd "$1"; shift; "$@"' - "$STORES/sub/here" \
		"${tool[@]}" "$line" $([ "${tool[0]}" = bash ] || echo /dev/null) 3>&-
}

# before PAGE LINE: what the line takes for granted
before() {
	r sub tag bb:1 busybox debian:12 localhost:5000/app:1 >/dev/null
	case $1:$2 in
	runner-run.1:* | runner-create.1:* | runner-start.1:* | runner-attach.1:* | runner-wait.1:*) return 0 ;;
	esac
	[ -z "$(r sub ps -aq --filter name=www)" ] || r sub rename www web
	r sub start web 2>/dev/null || r sub run -d --name web -p "$PORT:80" hello
	case $1:$2 in
	*:"runner rm web" | *:"runner rm --all" | *:"runner rmi --all"*) r sub stop -t 0 web ;;
	*"logs -f"*) (sleep 1; r sub stop -t 0 web) >/dev/null 2>&1 3>&- & ;;
	*:"runner port web" | *:curl*) wait_for 5 curl -sf -m 3 "http://127.0.0.1:$PORT/" ;;
	runner-exec.1:*) r sub rm -f web; r sub run -d --name web bb:1 sleep 100 ;;
	esac
}

@test "the pages' examples run" {
	ran=0
	while read -r page; do
		while IFS= read -r line; do
			[ -n "$line" ] && ! not_here | grep -qxF -- "$line" || continue
			before "$page" "$line" >/dev/null
			status=0
			output=$(type_line "$line" 2>&1) || status=$?
			[ "$status" -eq 0 ] || { echo "$page: $line: status $status"; echo "$output"; return 1; }
			ran=$((ran + 1))
		done < <(examples "$page")
		r sub rm -fa >/dev/null
		[ -n "$(r sub images -q)" ] || r sub load -q -i "$IMG/bb"
	done < <(pages)
	[ "$ran" -ge 45 ]
}

@test "what is left out is still on a page" {
	all=$(while read -r page; do examples "$page"; done < <(pages))
	while IFS= read -r line; do
		grep -qxF -- "$line" <<<"$all" || { echo "on no page: $line"; return 1; }
	done < <(not_here)
}

# block PAGE N: the Nth block of lines under EXAMPLES, as a shell script: commands without
# their "$ ", continued lines, no output
block() {
	awk -v want="$2" '/^\.Sh EXAMPLES/ { on = 1; next } /^\.Sh/ { on = 0 }
		on && /^\.Bd/ { n++; next } /^\.Ed/ { go = 0 }
		on && n == want && /^\$ / { go = 1; print substr($0, 3); go = /\\e$/ || gsub("\047", "&") % 2; next }
		on && n == want && go { print; if (/\047/) go = 0 }' "$TREE/docs/man/$1" | sed 's/\\e/\\/g; s/\\-/-/g'
}

# run_block KIND PAGE N: as that account, in a folder of its own
run_block() {
	block "$2" "$3" >"$BATS_TEST_TMPDIR/script"
	[ -s "$BATS_TEST_TMPDIR/script" ]
	dir=$(scratch "$1")
	first=$(awk -F: -v n="$(account sub)" '$1 == n { print $2; exit }' /etc/subuid)
	run as "$1" bash -ec "cd $dir; trap 'kill \$(jobs -p) 2>/dev/null || true' EXIT
		$(sed "s/100000/$first/g; s/ &\$/ & sleep 0.3/" "$BATS_TEST_TMPDIR/script")"
	wait_for 5 rm -rf "$dir"
	[ "$status" = 0 ] || { cat "$BATS_TEST_TMPDIR/script"; echo "status $status: $output"; return 1; }
}

@test "the other programs' pages: uidmap, newuidmap, fuse-overlay, runner-oci" {
	run_block nosub uidmap.1 1
	assert_output_has 'mode        single: the own id alone'
	assert_output_has "# usermod --add-subuids"
	for kind in sub nosub; do
		run_block $kind uidmap.1 3
		[ "$output" = "$(id -u "$(account $kind)")" ]
		run_block $kind fuse-overlay.1 1
		[ "$output" = $'hello\nmore\nhello\nmore' ]
	done
	run_block sub uidmap.1 4
	[ "$(echo $output)" = "0 $first 2" ]
	run_block sub newuidmap.1 1
	[ "$(echo $output)" = "0 $(id -u "$(account sub)") 1 1 $first 65536" ]
	dir=$(scratch nosub)
	as nosub mkdir -p "$dir/b/rootfs/bin"
	as nosub cp /bin/busybox "$dir/b/rootfs/bin/sh"
	for line in $(grep -o '^.Dl runner-oci .*' "$TREE/docs/man/runner-oci.1" | tr ' ' '_'); do
		line=${line//_/ }
		run as nosub bash -c "cd $dir; export XDG_RUNTIME_DIR=$dir; echo exit 7 | script -qec '${line#.Dl }' /dev/null"
		case $line in
		*spec*) [ "$status" = 0 ] && [ -f "$dir/b/config.json" ] ;;
		*run*) [ "$status" = 7 ] ;;
		esac
	done
	wait_for 5 rm -rf "$dir"
}
