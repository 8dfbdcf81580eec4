#!/usr/bin/env bats
# images that lie, are damaged or mean harm: one line, nothing left, nothing outside touched

load helpers
load images

setup_file() {
	need_root
	images_setup
}

teardown_file() { images_teardown; }

setup() { rm -f /tmp/mkimage-escaped /tmp/mkimage-escaped2; }

teardown() {
	rm -f /tmp/mkimage-escaped /tmp/mkimage-escaped2
	[ -z "${FULL:-}" ] || umount "$FULL"
	[ -z "${S:-}" ] || drop_store "${KIND:-sub}"
}

# refused KIND-OF-ACCOUNT LAYER TEXT: loading it fails in one line that has TEXT
refused() {
	KIND=$1
	[ -d "$IMG/$2" ] || layout "$2" "$2:1" "$2"
	[ -n "${S:-}" ] || store_of "$1"
	run_as "$1" 125 $R load -q -i "$IMG/$2"
	assert_one_line
	assert_output_has "$3"
	assert_store_empty
}

# accepted KIND-OF-ACCOUNT LAYER: it loads; T is its tree
accepted() {
	KIND=$1
	[ -d "$IMG/$2" ] || layout "$2" "$2:1" "$2"
	[ -n "${S:-}" ] || store_of "$1"
	run_as "$1" $R load -q -i "$IMG/$2"
	T=$(top_layer)/diff
	[ -d "$T" ]
}

# in_ns KIND CMD…: as the container's root sees files
in_ns() {
	local kind=$1
	shift
	run as "$kind" uidmap run "$@"
}

@test "names that lead out are refused" {
	for kind in sub nosub root; do
		S=
		refused "$kind" dotdot "leads out of the layer"
		refused "$kind" hardlink "leads out of the layer"
		drop_store "$kind"; S=
	done
	[ ! -e /tmp/mkimage-escaped ]
}

@test "absolute names and dots are inside" {
	accepted sub absolute
	in_ns sub cat "$T/etc/absolute"
	[ "$output" = inside ]
	in_ns sub ls "$T/dot/file" "$T/y"
	[ "$status" -eq 0 ]
}

@test "writing through a link that leads out stays inside" {
	for kind in sub nosub root; do
		S=
		accepted "$kind" symlink
		[ ! -e /tmp/mkimage-escaped ]
		[ ! -e /tmp/mkimage-escaped2 ]
		[ "$(find "$T/tmp" -type f | wc -l)" -eq 2 ]
		drop_store "$kind"; S=
	done
}

@test "a file in place of a link replaces the link" {
	accepted sub symlink_overwrite
	in_ns sub stat -c %F "$T/passwd"
	[ "$output" = "regular file" ]
	grep -q root: /etc/passwd
}

@test "a hard link through a link that leads out finds nothing" {
	refused root hardlink_symlink "hard link to 'etc/shadow'"
	[ "$(stat -c %h /etc/shadow)" -eq 1 ]
}

@test "whiteouts of no name, and a file for a folder, are refused" {
	refused nosub badwhiteout "is no whiteout"
	refused nosub through_file "its folder"
}

@test "damaged archives: truncated, garbage" {
	refused nosub truncated "Truncated"
	refused nosub garbage "is no tar archive"
	# the outer archive
	head -c 5000 "$(layer busybox)" >"$IMG/short.tar"
	run_as nosub 125 $R load -q -i "$IMG/short.tar"
	assert_one_line
	run_as nosub 125 $R load -q -i "$(layer garbage)"
	assert_one_line
	run_as nosub 125 $R load -q -i /dev/null
	assert_one_line
	run_as nosub 125 $R load -q -i "$IMG/nonexistent"
	assert_one_line
	assert_output_has nonexistent
	assert_store_empty
}

@test "a folder with a blob changed, missing or too long" {
	KIND=nosub; store_of nosub
	for how in changed missing longer; do
		rm -rf "$IMG/$how"
		layout "$how" "$how:1" busybox
		local blob
		blob=$(find "$IMG/$how/blobs/sha256" -size +100k)
		case $how in
		changed) printf X | dd of="$blob" bs=1 seek=1000 conv=notrunc status=none ;;
		missing) rm "$blob" ;;
		longer) echo more >>"$blob" ;;
		esac
		run_as nosub 125 $R load -q -i "$IMG/$how"
		assert_one_line
		assert_output_has "$(basename "$blob" | cut -c 1-12)"
		assert_store_empty
	done
}

@test "a layer that is not the one the config names" {
	KIND=nosub; store_of nosub
	layout swap swap:1 base
	local config
	config=$(grep -l diff_ids "$IMG"/swap/blobs/sha256/*)
	python3 - "$IMG/swap" "$config" <<-'END'
		import hashlib, json, os, sys
		folder, config = sys.argv[1:]
		c = json.load(open(config))
		c["rootfs"]["diff_ids"] = ["sha256:" + "0" * 64]
		def put(obj):
		    data = json.dumps(obj).encode()
		    d = hashlib.sha256(data).hexdigest()
		    open(f"{folder}/blobs/sha256/{d}", "wb").write(data)
		    return "sha256:" + d, len(data)
		index = json.load(open(f"{folder}/index.json"))
		m = json.load(open(f"{folder}/blobs/sha256/" + index["manifests"][0]["digest"][7:]))
		m["config"]["digest"], m["config"]["size"] = put(c)
		index["manifests"][0]["digest"], index["manifests"][0]["size"] = put(m)
		json.dump(index, open(f"{folder}/index.json", "w"))
	END
	run_as nosub 125 $R load -q -i "$IMG/swap"
	assert_one_line
	assert_output_has "digest mismatch"
	assert_store_empty
}

@test "owners: real with a range, recorded with one id" {
	accepted sub owners
	in_ns sub stat -c '%u:%g %a %F' "$T/srv" "$T/srv/file" "$T/srv/link" "$T/srv/suid" "$T/closed/inside"
	[ "${lines[0]}" = "33:33 2750 directory" ]
	[ "${lines[1]}" = "33:34 640 regular file" ]
	[ "${lines[2]}" = "33:33 777 symbolic link" ]
	[ "${lines[3]}" = "0:42 4755 regular file" ]
	[ "${lines[4]}" = "1:1 644 regular file" ]
	drop_store sub; S=
	accepted nosub owners
	[ "$(getfattr --absolute-names --only-values -n user.containers.override_stat "$T/srv/file")" = 33:34:0640 ]
	[ "$(getfattr --absolute-names --only-values -n user.containers.override_stat "$T/srv")" = 33:33:2750 ]
	[ "$(getfattr --absolute-names --only-values -n user.containers.override_stat "$T/srv/readonly")" = 33:33:0400 ]
	[ "$(getfattr --absolute-names --only-values -n user.containers.override_stat "$T")" = 0:0:0755 ]
	run getfattr --absolute-names -n user.containers.override_stat "$T/srv/root"
	[ "$status" -ne 0 ]
	# links and fifos cannot carry it
	grep -q '^33:33:0777 srv/link$' "$T/../owners"
	grep -q '^33:33:0600 srv/fifo$' "$T/../owners"
	[ "$(stat -c %U "$T/srv/file")" = "$(account nosub)" ]
}

@test "owners outside the range: recorded, with one line of warning" {
	accepted sub hugeids
	KIND=sub
	assert_output_has "172761424"
	[ "$(printf '%s\n' "$output" | grep -c warning)" -le 1 ]
	in_ns sub stat -c %u "$T/huge" "$T/nobody"
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = 65534 ]
	[ "$(getfattr --absolute-names --only-values -n user.containers.override_stat "$T/huge")" = 172761424:172761424:0644 ]
}

@test "device nodes become records, and as root nodes; 0:0 is no whiteout" {
	accepted nosub devices
	[ "$(getfattr --absolute-names --only-values -n user.containers.override_stat "$T/dev/null")" = 0:0:0666:char-1-3 ]
	[ "$(getfattr --absolute-names --only-values -n user.containers.override_stat "$T/dev/sda")" = 0:6:0660:block-8-0 ]
	[ -f "$T/dev/white" ]
	drop_store nosub; S=
	accepted root devices
	[ "$(stat -c '%F %t:%T' "$T/dev/null")" = "character special file 1:3" ]
	[ -f "$T/dev/white" ]
}

@test "long names, other scripts, newlines, times before 1970 and after 2106" {
	accepted sub names
	in_ns sub ls "$T/grüße/日本語" "$T"/d*/d*/d*/d*/d*/d*/d*/d*/d*/d*/d*/d*/d*/d*/d*/d*/d*/d*/d*/d*/file
	[ "$status" -eq 0 ]
	[ "$(ls "$T" | grep -c '^n\{255\}$')" -eq 1 ]
	drop_store sub; S=
	accepted nosub times
	[ "$(stat -c %Y "$T/old")" = -86400 ]
	[ "$(stat -c %Y "$T/far")" = 8589934592 ]
	[ "$(stat -c %Y "$T/dir")" = 1000000000 ]
	[ "$(stat -c %.Y "$T/dir/file")" = 1234567890.500000000 ] || [ "$(stat -c %.1Y "$T/dir/file")" = 1234567890.5 ]
	drop_store nosub; S=
	# the C locale must not change names
	SUITE_ENV=LC_ALL=C accepted nosub names
	[ -e "$T/grüße/日本語" ]
}

@test "hard links, also to links" {
	accepted nosub links
	[ "$T/one" -ef "$T/two" ]
	[ "$T/one" -ef "$T/deep/er/three" ]
	[ "$(readlink "$T/symtwo")" = one ]
}

@test "attributes: capabilities and the user's own, never overlay's" {
	accepted sub xattrs
	in_ns sub getcap "$T/ping"
	assert_output_has cap_net
	in_ns sub getfattr --absolute-names --only-values -n user.mine "$T/ping"
	[ "$output" = yes ]
	run getfattr --absolute-names -d -m - "$T/ping"
	[[ $output != *overlay* ]]
	[[ $output != *override_stat* ]]
}

@test "a sparse file of 5 GiB stays sparse" {
	accepted nosub sparse
	[ "$(stat -c %s "$T/sparse")" -eq 5368709120 ]
	[ "$(stat -c %b "$T/sparse")" -lt 1000 ]
	[ "$(head -c 5 "$T/sparse")$(tail -c 3 "$T/sparse")" = beginend ]
}

@test "100 000 entries in one folder" {
	accepted nosub bigdir
	[ "$(find "$T/big" -type f | wc -l)" -eq 100000 ]
	run_as nosub $R rmi bigdir:1
	assert_store_empty
}

@test "folders deeper than any path: removed again" {
	refused nosub toodeep "deeper than"
	accepted nosub deep
	run_as nosub $R rmi deep:1
	assert_store_empty
}

@test "a bomb is stopped" {
	KIND=nosub; store_of nosub
	# zstd of zeros in a frame each: 30 GB in 1 MB
	python3 "$MKIMAGE" tar hello "$IMG/bomb.tar"
	layout bomb bomb:1 hello -- --compress zstd
	python3 - "$IMG/bomb" <<-'END'
		import hashlib, json, subprocess, sys, tarfile, io
		folder = sys.argv[1]
		info = tarfile.TarInfo("zeros"); info.size = 30 << 30
		head = info.tobuf(tarfile.GNU_FORMAT)
		z = lambda b: subprocess.run(["zstd", "-q", "-c", "-19"], input=b, capture_output=True).stdout
		frame = z(bytes(64 << 20))
		blob = z(head) + frame * 480 + z(bytes(1024))
		def put(data):
		    d = hashlib.sha256(data).hexdigest()
		    open(f"{folder}/blobs/sha256/{d}", "wb").write(data)
		    return {"digest": "sha256:" + d, "size": len(data)}
		index = json.load(open(f"{folder}/index.json"))
		m = json.load(open(f"{folder}/blobs/sha256/" + index["manifests"][0]["digest"][7:]))
		m["layers"][0].update(put(blob))
		index["manifests"][0].update(put(json.dumps(m).encode()))
		json.dump(index, open(f"{folder}/index.json", "w"))
	END
	run_as nosub 125 $R load -q -i "$IMG/bomb"
	assert_one_line
	assert_output_has "2000 times"
	assert_store_empty
}

@test "a full disk: one line, nothing left, and removal works on it" {
	KIND=nosub
	S=$(scratch nosub)
	FULL=$S
	mount -t tmpfs -o size=2m,mode=0755,uid="$(id -u "$(account nosub)")" tmpfs "$S"
	R="runner --root $S/root --runroot $S/run"
	layout bb bb:1 busybox
	layout small small:1 hello
	run_as nosub $R load -q -i "$IMG/small"
	run_as nosub 125 $R load -q -i "$IMG/bb"
	[ "$(printf '%s\n' "$output" | grep -c .)" -eq 1 ]
	assert_output_has "No space left on device"
	# nothing of it stays: the small one still runs the store
	run_as nosub $R images -q
	[ "${#lines[@]}" -eq 1 ]
	[ "$(find "$S/root/tmp" -mindepth 1 | wc -l)" -eq 0 ]
	run_as nosub 1 dd if=/dev/zero of="$S/fill" bs=4096 status=none
	[ "$(df --output=avail "$S" | tail -n 1)" -eq 0 ]
	run_as nosub $R rmi small:1
	assert_store_empty
}

@test "a store that cannot be written: one line that names it" {
	KIND=nosub; store_of nosub
	layout small small:1 hello
	mkdir "$S/root"
	chmod 0555 "$S/root"
	chown root: "$S/root"
	run_as nosub 125 $R load -q -i "$IMG/small"
	assert_one_line
	assert_output_has "$S/root"
}

@test "a file system without extended attributes: owners go to a file, whiteouts work" {
	KIND=nosub
	S=$(scratch nosub)
	FULL=$S
	mount -t ramfs -o mode=0755 ramfs "$S"
	chown "$(account nosub)": "$S"
	R="runner --root $S/root --runroot $S/run"
	layout bbw bbw:1 busybox base whiteouts owners
	run_as nosub $R load -q -i "$IMG/bbw"
	grep -qx '33:34:0640 srv/file' "$S"/root/layers/*/*/owners
	grep -qx '33:33:2750 srv' "$S"/root/layers/*/*/owners
	[ "$(find "$S"/root/layers -name '.wh..wh..opq' | wc -l)" -eq 3 ]
	grep -q '"wh_files":true' "$S"/root/layers/*/*/layer.json
	run_as nosub $R rmi bbw:1
	assert_store_empty
}

@test "what a cut-short removal left is repaired by the next command" {
	accepted nosub owners
	rm "$T/../layer.json"
	mkdir "$S/root/tmp/dead-1-1-x" "$S/root/tmp/layer-single-x"
	echo x >"$S/root/tmp/layer-single-x/x"
	chown -R "$(account nosub)": "$S/root/tmp"
	layout bb bb:1 busybox owners
	# unpacks the layer again over the garbage
	run_as nosub $R load -q -i "$IMG/bb"
	run_as nosub $R run --rm --network none bb:1 /bin/cat /srv/file
	[ "$output" = x ]
	run_as nosub $R rmi --all --force
	assert_store_empty
}

@test "kill -9 of rmi in the middle: the next rmi finishes it" {
	FILES=15000 SIZE=1 accepted nosub random_data
	as nosub sh -c "echo \$\$ >$S/root/pid; exec $R rmi random_data:1" >/dev/null 2>&1 3>&- &
	local rmi=$!
	wait_for 10 test ! -e "$T/../layer.json"
	kill -KILL "$(cat "$S/root/pid")"
	if wait "$rmi"; then echo "it ended before it was killed"; return 1; fi
	rm "$S/root/pid"
	run_as nosub $R images -q
	[ -z "$output" ]
	layout small small:1 hello
	run_as nosub $R load -q -i "$IMG/small"
	run_as nosub $R rmi small:1
	assert_store_empty
}
