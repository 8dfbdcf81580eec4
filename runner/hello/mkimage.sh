#!/bin/sh
# mkimage.sh PROGRAM FOLDER: an OCI image layout with PROGRAM as its only program
#
# Formats: OCI image-spec 1.0, image-layout.md, manifest.md, config.md. The
# same input gives the same bytes: times, owners and order are fixed.
set -eu
program=$1 out=$2
case $(uname -m) in
x86_64) arch=amd64 ;;
aarch64) arch=arm64 ;;
*) arch=$(uname -m) ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022
root=$work/root
mkdir -p "$root/etc" "$root/tmp" "$work/layout/blobs/sha256"
chmod 1777 "$root/tmp"
cp "$program" "$root/hello"
chmod 0755 "$root/hello"
echo 'root:x:0:0:root:/:/hello' >"$root/etc/passwd"
echo 'nobody:x:65534:65534:nobody:/:/hello' >>"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"

# blob FILE: move it under its digest; sets digest and size
blob() {
	digest=$(sha256sum "$1" | cut -d' ' -f1)
	size=$(wc -c <"$1")
	mv "$1" "$work/layout/blobs/sha256/$digest"
}

tar -C "$root" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$work/layer.tar" .
diff_id=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
gzip -n -9 "$work/layer.tar"
blob "$work/layer.tar.gz"
layer_digest=$digest layer_size=$size

cat >"$work/config.json" <<JSON
{"created":"1970-01-01T00:00:00Z","architecture":"$arch","os":"linux","config":{"Entrypoint":["/hello"],"Env":["PATH=/"],"ExposedPorts":{"80/tcp":{}},"WorkingDir":"/","Labels":{"org.opencontainers.image.title":"hello","org.runner.rungs":"1"}},"rootfs":{"type":"layers","diff_ids":["sha256:$diff_id"]},"history":[{"created":"1970-01-01T00:00:00Z","created_by":"built-in"}]}
JSON
blob "$work/config.json"
config_digest=$digest config_size=$size

cat >"$work/manifest.json" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:$config_digest","size":$config_size},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:$layer_digest","size":$layer_size}]}
JSON
blob "$work/manifest.json"

cat >"$work/layout/index.json" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:$digest","size":$size,"platform":{"architecture":"$arch","os":"linux"},"annotations":{"org.opencontainers.image.ref.name":"hello"}}]}
JSON
echo '{"imageLayoutVersion":"1.0.0"}' >"$work/layout/oci-layout"

rm -rf "$out"
mkdir -p "$(dirname "$out")"
mv "$work/layout" "$out"
chmod -R a+rX "$out"
