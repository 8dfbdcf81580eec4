# make install, the programs from there, make uninstall

bats_require_minimum_version 1.5.0

setup_file() {
	load helpers
	need_root
	DEST=$(mktemp -d "/tmp/$SUITE_PREFIX-test.XXXXXX")
	chmod 0755 "$DEST"
	export DEST
	# what the shell of the person installing is like must not matter
	(umask 077; make_ install >"$DEST/log" 2>&1)
}

# make_ TARGET: "-o all" installs the programs under test as they are
make_() {
	env -u MAKEFLAGS -u MAKELEVEL make -C "$TREE" --no-print-directory -o all "$@" DESTDIR="$DEST"
}

teardown_file() { rm -rf "$DEST"; }

setup() { load helpers; }

@test "everything is installed, and everybody can read it" {
	for p in runner runner-oci slirp-net fuse-overlay uidmap newuidmap newgidmap; do
		[ -x "$DEST/usr/local/bin/$p" ] && [ ! -u "$DEST/usr/local/bin/$p" ]
		[ -f "$DEST/usr/local/share/man/man1/$p.1" ]
	done
	[ -f "$DEST/usr/local/share/man/man1/runner-run.1" ]
	[ -f "$DEST/usr/local/share/bash-completion/completions/runner" ]
	[ -f "$DEST/usr/local/share/runner/images/hello/index.json" ]
	run find "$DEST/usr/local" ! -perm -o+r -o -type d ! -perm -o+x
	[ -z "$output" ]
}

@test "the installed programs find each other and the built-in image" {
	dir=$(scratch nosub)
	r="$DEST/usr/local/bin/runner --root $dir/root --runroot $dir/run"
	run_as nosub 2 $r run --rm --network none hello --help
	assert_output_has "usage: hello"
	run_as nosub $r info --format '{{.SlirpNet}} {{.FuseOverlay}} {{.Uidmap}}'
	[ "$output" = "$DEST/usr/local/bin/slirp-net $DEST/usr/local/bin/fuse-overlay $DEST/usr/local/bin/uidmap" ]
	run_as nosub 2 $r run --rm hello --help
	assert_output_has "usage: hello"
	rm -rf "$dir"
}

@test "install-caps lets the installed mappings map a range" {
	make_ install-caps
	dir=$(scratch sub)
	r="$DEST/usr/local/bin/runner --root $dir/root --runroot $dir/run"
	run_as sub 2 $r run --rm --network none hello --help
	run_as sub $r info --format '{{.Ids}}'
	[ "$output" = range ]
	wait_for 5 as sub "$DEST/usr/local/bin/uidmap" run rm -rf "$dir/root" "$dir/run"
	wait_for 5 rm -rf "$dir"
}

@test "uninstall leaves no file" {
	make_ uninstall
	run find "$DEST/usr/local" ! -type d
	[ -z "$output" ]
	[ ! -e "$DEST/usr/local/share/runner" ]
}
