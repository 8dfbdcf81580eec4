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

# may_fail REASON CMD…: in a teardown: its failure is told with the reason, and fails nothing
may_fail() {
	local why=$1 code=0
	shift
	"$@" || code=$?
	[ "$code" = 0 ] || echo "# teardown: code $code of: $* ($why)" >&3
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
