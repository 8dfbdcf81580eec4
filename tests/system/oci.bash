# Helpers for the 4NN bats files: load helpers; load oci

# oci_setup KIND: $DIR/b, a bundle with busybox that KIND owns, with the config
# of `spec --rootless` and no terminal; $DIR/state records
oci_setup() {
	KIND=$1
	need_root
	DIR=$(scratch "$KIND")
	chmod 0755 "$DIR"
	mkdir -p "$DIR"/b/rootfs/{bin,etc,proc,sys,dev,tmp,root,data}
	cp /bin/busybox "$DIR/b/rootfs/bin/"
	for applet in sh ls cat true id sleep env tty stat echo readlink touch mkdir ln rm mount \
		unshare kill sync ps dd head wc cut; do
		ln -s busybox "$DIR/b/rootfs/bin/$applet"
	done
	echo 'root:x:0:0:root:/root:/bin/sh' >"$DIR/b/rootfs/etc/passwd"
	echo inside >"$DIR/b/rootfs/etc/where"
	chown -R "$(account "$KIND"):" "$DIR"
	as "$KIND" runner-oci spec --rootless --bundle "$DIR/b"
	cp "$DIR/b/config.json" "$DIR/base.json"
	cfg '.process.terminal = false | .root.readonly = false'
	cp "$DIR/b/config.json" "$DIR/base.json"
}

oci_teardown() {
	[ -n "${DIR:-}" ] || return 0
	for c in $(oci list -q 2>/dev/null); do may_fail "the test broke it" oci delete --force "$c"; done
	rm -rf "$DIR"
}

# cfg FILTER: the base config changed by jq
cfg() {
	jq "$1" "$DIR/base.json" >"$DIR/new.json"
	cat "$DIR/new.json" >"$DIR/b/config.json"
}

# cmd FILTER WORD…: the base config, changed, with these words as the program
cmd() {
	local filter=$1 words
	shift
	words=$(python3 -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "$@")
	cfg ".process.args = $words | $filter"
}

oci() { as "$KIND" runner-oci --root "$DIR/state" "$@"; }
# run_oci [STATUS] WORD…
run_oci() {
	local want=0
	[[ $1 =~ ^[0-9]+$ ]] && { want=$1; shift; }
	run_as "$KIND" "$want" runner-oci --root "$DIR/state" "$@"
}
nothing_left() {
	[ -z "$(oci list -q)" ] || { echo "containers left:"; oci list; return 1; }
}
