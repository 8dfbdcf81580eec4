# SPDX-License-Identifier: Apache-2.0
"""ociimage: write OCI image layouts, layer by layer, in one pass"""
import gzip
import hashlib
import io
import json
import os
import tarfile


class Layer:
    """one tar, hashed plain and compressed while it is written"""

    def __init__(self, folder, number):
        self.path = os.path.join(folder, "layer%d.tmp" % number)
        self.file = open(self.path, "wb")
        self.gzip = gzip.GzipFile(fileobj=self.file, mode="wb", compresslevel=6, mtime=0)
        self.plain = hashlib.sha256()
        self.size = 0
        self.tar = tarfile.open(fileobj=self, mode="w|", format=tarfile.PAX_FORMAT)

    def write(self, data):
        self.plain.update(data)
        self.size += len(data)
        return self.gzip.write(data)

    def close(self, blobs):
        self.tar.close()
        self.gzip.close()
        self.file.close()
        digest = file_digest(self.path)
        os.rename(self.path, os.path.join(blobs, digest))
        return digest, self.plain.hexdigest()


def file_digest(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            h.update(block)
    return h.hexdigest()


def write_blob(blobs, value):
    data = json.dumps(value, sort_keys=True).encode()
    digest = hashlib.sha256(data).hexdigest()
    with open(os.path.join(blobs, digest), "wb") as f:
        f.write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}


def write_image(out, layers, blobs, cmd):
    """config, manifest and index of the layers [(digest, diff id)]"""
    config = write_blob(blobs, {
        "architecture": "amd64", "os": "linux", "config": {"Cmd": cmd, "Env": ["PATH=/usr/bin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + diff for _, diff in layers]},
        "history": [{"created_by": "bench"} for _ in layers]})
    manifest = write_blob(blobs, {
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": dict(config, mediaType="application/vnd.oci.image.config.v1+json"),
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                    "digest": "sha256:" + digest,
                    "size": os.path.getsize(os.path.join(blobs, digest))} for digest, _ in layers]})
    with open(os.path.join(out, "oci-layout"), "w") as f:
        f.write('{"imageLayoutVersion":"1.0.0"}')
    index = {"schemaVersion": 2, "manifests": [dict(
        manifest, mediaType="application/vnd.oci.image.manifest.v1+json",
        annotations={"org.opencontainers.image.ref.name": "latest"})]}
    with open(os.path.join(out, "index.json"), "w") as f:
        json.dump(index, f)


def new(out, fill, cmd, layers=1):
    """an image at OUT whose layer tars fill(number, tar) writes"""
    blobs = os.path.join(out, "blobs", "sha256")
    os.makedirs(blobs, exist_ok=True)
    done = []
    for number in range(layers):
        layer = Layer(out, number)
        fill(number, layer.tar)
        done.append(layer.close(blobs))
    write_image(out, done, blobs, cmd)


def add_file(tar, name, data=b"", mode=0o644):
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = len(data), mode, 1700000000
    tar.addfile(info, io.BytesIO(data))


def add_dir(tar, name):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.mtime = tarfile.DIRTYPE, 0o755, 1700000000
    tar.addfile(info)


def add_link(tar, name, to):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mtime = tarfile.SYMTYPE, to, 1700000000
    tar.addfile(info)
