#!/usr/bin/env bats
# Whole images where only one id exists: who programs are and who owns files is recorded

load helpers
load images
load run

setup_file() {
	run_setup nosub sub
	layout ow ow:1 busybox owners
	for kind in nosub sub; do r $kind load -q -i "$IMG/ow"; done
}
teardown_file() { run_teardown; }
teardown() { nothing_left nosub; }

R="run --rm --network none"

@test "fuse-overlay with one id: owners it cannot show hinder nobody" {
	need_fuse
	rr nosub --storage-opt rootfs=fuse-overlay $R ow:1 sh -c \
		'stat -c %u:%g /srv /srv/file; echo y >/srv/file; cat /srv/file; echo new >/srv/new; mv /srv/new /srv/newer; cat /srv/newer'
	[ "$(echo $output)" = "0:0 0:0 y new" ] || { echo "$output"; false; }
}
