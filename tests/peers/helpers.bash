# Helpers for the bats files that run other engines on ours: load helpers

load ../system/helpers.bash

# a busybox root folder: busybox_root DIR
busybox_root() {
	local applet
	mkdir -p "$1"/{bin,etc,proc,sys,dev,tmp,root,run,var}
	cp /bin/busybox "$1/bin/"
	for applet in $(busybox --list); do
		[ -e "$1/bin/$applet" ] || ln -s busybox "$1/bin/$applet"
	done
	echo 'root:x:0:0:root:/root:/bin/sh' >"$1/etc/passwd"
}

# podman_home ENGINE-LINES: $D for Debian's podman as the ordinary user: home, an
# image of busybox to import, a configuration with these lines of [engine]
podman_home() {
	D=$(scratch sub)
	export D
	chmod 0755 "$D"
	mkdir "$D/home"
	busybox_root "$D/root"
	tar -C "$D/root" -cf "$D/image.tar" .
	cat >"$D/containers.conf" <<-END
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		$1
		[containers]
		log_driver = "k8s-file"
	END
	printf '[storage]\ndriver = "vfs"\n' >"$D/storage.conf"
}

# box2 CMD…: with cgroup2 alone at its place
box2() {
	unshare -m --propagation private sh -c 'umount -R /sys/fs/cgroup &&
		mount -t cgroup2 cgroup2 /sys/fs/cgroup && mount --make-rshared / && exec "$@"' box "$@"
}

# box CMD…: as the user, in a group that is the user's; $D has its home and configuration
box() {
	local name id more=()
	[ ! -e "$D/registries.conf" ] || more=(CONTAINERS_REGISTRIES_CONF="$D/registries.conf")
	name=$(account sub) id=$(id -u "$(account sub)")
	box2 bash -c 'mkdir -p "$1/self" && chown -R "$2" "$1" && echo $$ >"$1/self/cgroup.procs" &&
		cd "$3" && shift 3 && exec "$@"' in "/sys/fs/cgroup$CG" "$id" "$D/home" \
		timeout -k 5 "${BOX_SECS:-90}" setpriv --reuid "$id" --regid "$(id -g "$name")" --init-groups \
		env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME="$D/home" USER="$name" TERM=xterm \
		TMPDIR="$D/run" XDG_RUNTIME_DIR="$D/run" CONTAINERS_CONF="$D/containers.conf" \
		CONTAINERS_STORAGE_CONF="$D/storage.conf" "${more[@]}" "$@"
}

# debian_base FILE: a tar of a small Debian, made once a clone
debian_base() {
	local cache=$TREE/build/cache/debian-base.tar
	if [ ! -f "$cache" ]; then
		mkdir -p "${cache%/*}"
		mmdebstrap --quiet --variant=minbase bookworm "$cache.$$.tar" 2>/dev/null &&
			mv "$cache.$$.tar" "$cache" || return 1
	fi
	ln -s "$cache" "$1"
}
