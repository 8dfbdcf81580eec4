# Helpers for the 5NN bats files: load helpers; load images

MKIMAGE=$TREE/tests/images/mkimage.py
REGISTRY=$TREE/tests/images/registry.py

# images_setup: $IMG, a folder that every account can read
images_setup() {
	IMG=$(mktemp -d "/tmp/$SUITE_PREFIX-images.XXXXXX")
	chmod 0755 "$IMG"
	export IMG
}

images_teardown() {
	local file
	for file in "$IMG"/*.pid; do
		[ ! -f "$file" ] || may_fail "the test stopped it" kill "$(cat "$file")"
	done
	wait_for 5 rm -rf "$IMG"
}

# layer KIND: a tar of that kind, made once
layer() {
	[ -f "$IMG/$1.tar" ] || python3 "$MKIMAGE" tar "$1" "$IMG/$1.tar"
	echo "$IMG/$1.tar"
}

# layout NAME REF KIND… [-- OPTIONS]: an OCI layout folder $IMG/NAME of layers of these kinds
layout() {
	local name=$1 ref=$2 layers=()
	shift 2
	while [ $# -gt 0 ] && [ "$1" != -- ]; do layers+=("$(layer "$1")"); shift; done
	[ $# -eq 0 ] || shift
	python3 "$MKIMAGE" layout "$IMG/$name" "$ref" "${layers[@]}" "$@"
	chmod -R a+rX "$IMG/$name"
}

# faulty NAME [--fault F]… REPO=LAYOUT…: start a registry with faults; sets PORT
faulty() {
	local name=$1
	shift
	rm -f "$IMG/$name.port"
	python3 "$REGISTRY" --port-file "$IMG/$name.port" --log "$IMG/$name.log" "$@" 3>&- >/dev/null 2>&1 &
	echo $! >"$IMG/$name.pid"
	wait_for 10 test -f "$IMG/$name.port"
	PORT=$(cat "$IMG/$name.port")
}

# registry NAME: start docker-registry; sets PORT
registry() {
	PORT=$(free_port)
	mkdir -p "$IMG/$1-data"
	cat >"$IMG/$1.yml" <<-END
		version: 0.1
		log: {level: error, accesslog: {disabled: true}}
		storage: {filesystem: {rootdirectory: $IMG/$1-data}}
		http: {addr: "127.0.0.1:$PORT"}
	END
	docker-registry serve "$IMG/$1.yml" 3>&- >/dev/null 2>&1 &
	echo $! >"$IMG/$1.pid"
	wait_for 10 curl -sf "http://127.0.0.1:$PORT/v2/"
}

# store_of KIND: a store of the account's own for this test; sets S, and R (the command)
store_of() {
	S=$(scratch "$1")
	R="runner --root $S/root --runroot $S/run"
}

# drop_store KIND: remove it as its owner sees it (files of subordinate ids)
drop_store() {
	[ "$1" = root ] || may_fail "no namespace, or a container is just ending" as "$1" uidmap run rm -rf "$S"
	wait_for 5 rm -rf "$S"
}

# tree KIND IMAGE: the folder of the image's top layer
top_layer() {
	find "$S/root/layers" -mindepth 2 -maxdepth 2 -type d -name '[0-9a-f]*' | head -n 1
}

# assert_store_empty: no blob, layer, record or temporary is left
assert_store_empty() {
	local left
	left=$(find "$S/root/blobs" "$S/root/images" "$S/root/names" "$S/root/tmp" -type f 2>/dev/null
		find "$S/root/layers" -mindepth 2 -maxdepth 2 -type d -name '[0-9a-f]*' 2>/dev/null
		find "$S/root/tmp" -mindepth 1 2>/dev/null)
	[ -z "$left" ] || { echo "left in the store:"; echo "$left"; return 1; }
}
