#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# debian-nginx.sh DIR: a Debian image with nginx as an OCI layout in DIR
#
# Made by mmdebstrap from the mirrors that apt uses here. The tar is kept in
# $IMAGE_CACHE (default /var/cache/runner-tests), because making it takes a minute.
set -eu
dir=$1
here=$(cd "$(dirname "$0")" && pwd)
cache=${IMAGE_CACHE:-/var/cache/runner-tests}
tar=$cache/debian-nginx.tar

if [ ! -s "$tar" ]; then
	mkdir -p "$cache"
	mmdebstrap --quiet --format=tar --variant=minbase --include=nginx-light,procps \
		--customize-hook='echo "nginx in a container" >"$1/var/www/html/index.html"' \
		--customize-hook='rm -rf "$1"/var/cache/apt/*.bin "$1"/var/lib/apt/lists/* "$1"/usr/share/doc/*' \
		bookworm "$tar.new"
	mv "$tar.new" "$tar"
fi
python3 "$here/mkimage.py" layout "$dir" debian-nginx:12 "$tar" --config \
	'{"Cmd":["nginx","-g","daemon off;"],"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],"ExposedPorts":{"80/tcp":{}},"StopSignal":"SIGQUIT"}'
