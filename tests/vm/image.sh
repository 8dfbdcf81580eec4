#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# image.sh DIR: make what the virtual machine boots (root only): DIR/root.img,
# a Debian 12 disk; DIR/vmlinuz, Debian's cloud kernel; DIR/initrd, which
# loads the disk's driver and mounts it. Made again only when this script, the
# packages or the guest's files changed.
#
# Everything comes from the mirrors that apt uses here.
set -eu
dir=$1
here=$(cd "$(dirname "$0")" && pwd)
size=${VM_DISK:-4G}

# what runs the guest, what our programs link, what the tests call
packages=(
	systemd systemd-sysv dbus dbus-user-session libpam-systemd udev kmod login passwd util-linux mount
	apparmor procps psmisc iproute2 e2fsprogs
	libslirp0 libnl-3-200 libnl-route-3-200 libnftables1 libfuse3-3 libcap2 libseccomp2 libjansson4
	libarchive13 libzstd1 libcurl4 libssl3 libisal2 libsubid4 libglib2.0-0 fuse3 libcap2-bin
	ca-certificates uidmap
	bats curl tmux skopeo docker-registry busybox-static netcat-openbsd python3 jq attr acl iperf3
	strace bind9-dnsutils iputils-ping podman buildah crun slirp4netns fuse-overlayfs gcc libc6-dev
	man-db mandoc libcmocka0 tcpdump
	nftables zstd slurmd slurmctld slurm-client munge
	selinux-policy-default policycoreutils
)
list=$(IFS=,; echo "${packages[*]}")
stamp=$(cat "$0" "$here"/guest/* | sha256sum | cut -c1-32)
[ "$(cat "$dir/stamp" 2>/dev/null)" = "$stamp" ] && [ -s "$dir/root.img" ] && exit 0

[ "$(id -u)" = 0 ] || { echo "image.sh: making the disk needs root" >&2; exit 1; }
mkdir -p "$dir"
rm -f "$dir/stamp"
work=$(mktemp -d "$dir/work.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
chmod 0755 "$work"

# the kernel, without its maintainer scripts: they would make an initrd of 30 MB
kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ { print $2; exit }')
echo "vm: kernel $kernel"
(mkdir "$work/deb" && cd "$work/deb" && apt-get -o APT::Sandbox::User=root download -qq "$kernel")
dpkg-deb -x "$work"/deb/*.deb "$work/kernel"
version=$(basename "$work"/kernel/lib/modules/*)
cp "$work"/kernel/boot/vmlinuz-* "$dir/vmlinuz"
# merged /usr
mkdir -p "$work/modules/usr/lib"
mv "$work/kernel/lib/modules" "$work/modules/usr/lib/modules"

# a Debian whose init is systemd, for containers
inner=$dir/debian-systemd.tar
if [ ! -s "$inner" ]; then
	echo "vm: Debian with systemd, for containers"
	mmdebstrap --quiet --format=tar --variant=minbase --include=systemd,systemd-sysv,dbus,procps \
		--customize-hook='rm -rf "$1"/var/cache/apt/*.bin "$1"/var/lib/apt/lists/* "$1"/usr/share/doc/*' \
		--customize-hook=': >"$1/etc/machine-id"' bookworm "$inner.new"
	mv "$inner.new" "$inner"
fi

echo "vm: root disk"
mmdebstrap --quiet --format=directory --mode=root --variant=minbase --include="$list" \
	--aptopt='APT::Install-Recommends "false"' \
	--customize-hook="tar -C '$work/modules' -c . | tar -C \"\$1\" --keep-directory-symlink -x" \
	--customize-hook="chroot \"\$1\" depmod $version" \
	--customize-hook="mkdir -p \"\$1/srv\" && cp '$inner' \"\$1/srv/\"" \
	--customize-hook="cp -R '$here/guest' \"\$1/opt/vm\"" \
	--customize-hook='chroot "$1" bash /opt/vm/setup.sh' \
	bookworm "$work/root"

# the tiny initrd: the cloud kernel has ext4 built in and the disk as modules
ird=$work/initrd
mkdir -p "$ird"/{bin,dev,proc,mnt}
cp "$work/root/bin/busybox" "$ird/bin/busybox"
n=0
while read -r word path _; do
	[ "$word" = insmod ] || continue
	n=$((n + 1))
	cp "$work/root$path" "$ird/$(printf %02d $n)-$(basename "$path")"
done < <(for m in virtio_pci virtio_blk; do chroot "$work/root" modprobe -S "$version" --show-depends "$m"; done | awk '!seen[$0]++')
cat >"$ird/init" <<-'END'
	#!/bin/busybox sh
	for m in /*.ko; do /bin/busybox insmod $m; done
	/bin/busybox mount -t devtmpfs dev /dev
	n=0
	until [ -b /dev/vdb ] || [ $n = 600 ]; do n=$((n + 1)); /bin/busybox usleep 50000; done
	/bin/busybox mount -t ext4 /dev/vda /mnt
	/bin/busybox mount -o move /dev /mnt/dev
	exec /bin/busybox switch_root /mnt /sbin/init
END
chmod 0755 "$ird/init"
(cd "$ird" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$dir/initrd"

rm -f "$dir/root.img"
truncate -s "$size" "$dir/root.img"
mke2fs -q -t ext4 -O ^has_journal -E lazy_itable_init=1 -d "$work/root" "$dir/root.img"
echo "$stamp" >"$dir/stamp"
echo "vm: $(du -h "$dir/root.img" | cut -f1) disk, kernel $version"
