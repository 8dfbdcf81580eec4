#!/usr/bin/env bats
# --storage-opt mount_program=: the overlay program that carries a container

load helpers
load images
load run

setup_file() { run_setup sub; }
teardown_file() { run_teardown; }

@test "the named program is the root file system, ours or another; what it wrote stays" {
	need_fuse
	for program in "$BIN/fuse-overlay" /usr/bin/fuse-overlayfs; do
		rr sub --storage-opt "mount_program=$program" run --network none --name forced bb:1 \
			sh -c 'echo changed >/etc/greeting; rm -r /data; ln /bin/busybox /b; grep " / " /proc/mounts'
		assert_output_has "fuse.$(basename "$program")"
		rr sub inspect -f '{{.Rungs.RootFs}}' forced
		[ "$output" = fuse-overlay ]
		rr sub --storage-opt "mount_program=$program" start -a forced
		rr sub rm forced
	done
	rr sub run --rm --network none bb:1 cat /etc/greeting /data/seed
	[ "$output" = $'hello\nseed' ]
}

@test "a program that cannot be run is one line, and nothing stays" {
	rr sub 125 --storage-opt mount_program=/nonexistent run --rm --network none bb:1 true
	assert_one_line
	assert_output_has /nonexistent
	rr sub ps -aq
	[ -z "$output" ]
}
