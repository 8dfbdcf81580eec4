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
