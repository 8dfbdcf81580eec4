#!/usr/bin/env bats
# pull, load, images, rmi as people use them, against a real registry

load helpers
load images

setup_file() {
	need_root
	images_setup
	layout bb bb:1 busybox hello -- --config '{"Cmd":["/bin/cat","/etc/greeting"],"Env":["PATH=/bin"],"Labels":{"a":"b"}}'
	layout small small:1 hello -- --compress zstd
	layout plain plain:1 hello base whiteouts -- --compress plain
	layout arm arm:1 base -- --arch arm64
	python3 "$MKIMAGE" index "$IMG/multi" multi:1 "$IMG/arm" "$IMG/small"
	chmod -R a+rX "$IMG"
	registry reg
	echo "$PORT" >"$IMG/reg.port"
	for name in bb small plain; do
		skopeo copy -q --dest-tls-verify=false "oci:$IMG/$name:$name:1" "docker://localhost:$PORT/$name:1"
	done
	skopeo copy -q --format v2s2 --dest-tls-verify=false "oci:$IMG/bb:bb:1" "docker://localhost:$PORT/docker:1"
	skopeo copy -q --all --dest-tls-verify=false "oci:$IMG/multi:multi:1" "docker://localhost:$PORT/multi:1"
}

teardown_file() { images_teardown; }

setup() {
	PORT=$(cat "$IMG/reg.port")
	REG=localhost:$PORT
}

teardown() { [ -z "${S:-}" ] || drop_store "${KIND:-nosub}"; }

# every kind of account: pull, list, run, remove
whole_life() {
	KIND=$1
	store_of "$KIND"
	run_as "$KIND" $R pull -q "$REG/bb:1"
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	local id=$output
	run_as "$KIND" $R images
	assert_output_has "${id:0:12}"
	run_as "$KIND" $R images -q --no-trunc
	[ "$output" = "sha256:$id" ]
	run_as "$KIND" $R run --rm --network none "$REG/bb:1"
	[ "$output" = hello ]
	run_as "$KIND" $R run --rm --network none "${id:0:6}"
	[ "$output" = hello ]
	run_as "$KIND" $R rmi "$REG/bb:1"
	assert_output_has "Deleted: sha256:$id"
	assert_store_empty
}

@test "pull, images, run, rmi: with subordinate ids" { whole_life sub; }
@test "pull, images, run, rmi: with one id" { whole_life nosub; }
@test "pull, images, run, rmi: as root" { whole_life root; }

@test "pull by digest, of an index and of its manifest" {
	KIND=sub; store_of sub
	local digest inner
	digest=$(skopeo inspect --tls-verify=false --raw "docker://$REG/multi:1" | sha256sum | cut -d' ' -f1)
	run_as sub $R pull -q "$REG/multi@sha256:$digest"
	run_as sub $R images --digests
	assert_output_has "sha256:$digest"
	run_as sub $R images -q "$REG/multi@sha256:$digest"
	run_as sub 1 $R rmi "$REG/multi@sha256:${digest//[0-9]/0}"
	assert_one_line
	run_as sub $R rmi "$REG/multi@sha256:$digest"
	assert_store_empty
}

@test "pull: a platform of a multi-arch image, and one that is not there" {
	KIND=sub; store_of sub
	run_as sub $R pull -q "$REG/multi:1"
	local here=$output
	run_as sub $R pull -q --platform linux/arm64 "$REG/multi:1"
	[ "$output" != "$here" ]
	run_as sub 125 $R pull -q --platform linux/s390x "$REG/multi:1"
	assert_one_line
	assert_output_has "linux/s390x"
	assert_output_has "linux/arm64"
}

@test "pull: zstd, uncompressed and Docker schema 2" {
	KIND=nosub; store_of nosub
	run_as nosub $R pull -q "$REG/small:1" "$REG/plain:1" "$REG/docker:1"
	[ "${#lines[@]}" -eq 3 ]
}

@test "pull again fetches nothing, and a moved tag leaves the old image without name" {
	KIND=nosub; store_of nosub
	run_as nosub $R pull "$REG/bb:1"
	run_as nosub $R pull "$REG/bb:1"
	assert_output_has "already here"
	skopeo copy -q --dest-tls-verify=false "oci:$IMG/small:small:1" "docker://$REG/moved:1"
	run_as nosub $R pull -q "$REG/moved:1"
	local old=$output
	skopeo copy -q --dest-tls-verify=false "oci:$IMG/plain:plain:1" "docker://$REG/moved:1"
	run_as nosub $R pull -q "$REG/moved:1"
	[ "$output" != "$old" ]
	run_as nosub $R images --filter dangling=true -q --no-trunc
	[ "$output" = "sha256:$old" ]
	run_as nosub $R rmi "${old:0:12}"
}

@test "load: folder, OCI archive, docker archive, compressed, through a pipe" {
	KIND=sub; store_of sub
	python3 "$MKIMAGE" archive "$IMG/bb" "$IMG/bb-oci.tar"
	python3 "$MKIMAGE" dockersave "$IMG/bb" saved:2 "$IMG/bb-docker.tar"
	gzip -k "$IMG/bb-docker.tar"
	zstd -q "$IMG/bb-oci.tar"
	local want
	run_as sub $R load -q -i "$IMG/bb"
	[ "$output" = "Loaded image: docker.io/library/bb:1" ]
	want=$(as sub $R images -q bb:1)
	for file in bb-oci.tar bb-docker.tar bb-docker.tar.gz bb-oci.tar.zst; do
		run_as sub $R rmi --all
		run_as sub $R load -q -i "$IMG/$file"
		run_as sub $R images -q
		[ "$output" = "$want" ]
	done
	run_as sub $R rmi --all
	run as sub $R load -q <"$IMG/bb-docker.tar.gz"
	[ "$output" = "Loaded image: docker.io/library/saved:2" ]
	run_as sub $R run --rm --network none saved:2
	[ "$output" = hello ]
	run_as sub $R rmi --all
	assert_store_empty
}

@test "load: what skopeo writes" {
	KIND=nosub; store_of nosub
	skopeo copy -q "oci:$IMG/bb:bb:1" "docker-archive:$IMG/sk-docker.tar:sk:1"
	skopeo copy -q "oci:$IMG/bb:bb:1" "oci-archive:$IMG/sk-oci.tar:sk2:1"
	chmod a+r "$IMG"/sk-*.tar
	run_as nosub $R load -q -i "$IMG/sk-docker.tar"
	[ "$output" = "Loaded image: docker.io/library/sk:1" ]
	run_as nosub $R load -q -i "$IMG/sk-oci.tar"
	[ "$output" = "Loaded image: docker.io/library/sk2:1" ]
}

@test "whiteouts: what an upper layer removes is gone" {
	KIND=nosub; store_of nosub
	layout wh wh:1 busybox base whiteouts
	run_as nosub $R load -q -i "$IMG/wh"
	run_as nosub $R run --rm --network none wh:1 /bin/sh -c 'echo a/* b/* c/* d/*'
	[ "$output" = "a/keep b/new c/new d/new" ]
}

@test "rmi: names, ids, several names, shared layers" {
	KIND=nosub; store_of nosub
	layout two two:1 busybox
	run_as nosub $R load -q -i "$IMG/bb"
	run_as nosub $R load -q -i "$IMG/two"
	run_as nosub $R rmi two:1
	run_as nosub $R run --rm --network none bb:1
	[ "$output" = hello ]
	run_as nosub 1 $R rmi bb:2
	assert_one_line
	assert_output_has "'bb:2'"
	run_as nosub 125 $R rmi bb:2 BAD::
	run_as nosub $R rmi -f bb:2
	run_as nosub $R rmi bb:1
	assert_store_empty
}

@test "images: columns, filters, formats" {
	KIND=nosub; store_of nosub
	run_as nosub $R load -q -i "$IMG/bb"
	run_as nosub $R load -q -i "$IMG/small"
	run_as nosub $R images
	[ "${#lines[@]}" -eq 3 ]
	[[ ${lines[0]} == REPOSITORY*TAG*"IMAGE ID"*CREATED*SIZE ]]
	run_as nosub $R images --format '{{.Repository}}:{{.Tag}}' bb
	[ "$output" = bb:1 ]
	run_as nosub $R images --filter label=a=b --format '{{.Repository}}'
	[ "$output" = bb ]
	run_as nosub $R images --filter 'reference=sm*' --format '{{.Repository}}'
	[ "$output" = small ]
	run_as nosub $R images --format json
	[ "$(echo "${lines[0]}" | jq -r .Tag)" = 1 ]
	run_as nosub 125 $R images --filter nonsense=1
	assert_one_line
	run_as nosub 125 $R images --format '{{.Nonsense}}'
	assert_one_line
}

@test "the built-in image: loaded at first use, gone with rmi, back at next use" {
	KIND=nosub; store_of nosub
	run_as nosub $R images -q
	[ -z "$output" ]
	run_as nosub 127 $R run --rm --network none --entrypoint /nonexistent hello
	run_as nosub $R images --format '{{.Repository}}'
	[ "$output" = localhost/hello ]
	run_as nosub $R rmi hello
	assert_store_empty
}

@test "the store is an OCI layout that skopeo reads" {
	KIND=sub; store_of sub
	run_as sub $R load -q -i "$IMG/bb"
	run_as sub skopeo inspect --raw "oci:$S/root:docker.io/library/bb:1"
	assert_output_has '"layers"'
}
