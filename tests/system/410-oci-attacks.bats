# runner-oci under attack: each known hole of runtimes is tried on ours

load helpers
load oci

setup() { oci_setup nosub; }
teardown() { oci_teardown; }

@test "CVE-2019-5736: the container cannot reach our program file" {
	local before
	# one that the container's root could write: it belongs to the same user
	mkdir "$DIR/rt"
	cp "$BIN/runner-oci" "$DIR/rt/"
	chown -R "$(account nosub):" "$DIR/rt"
	before=$(sha256sum <"$DIR/rt/runner-oci")
	# a program that is a script of /proc/self/exe runs what runs us, with a
	# loader of the image, which keeps the file and writes it when it is idle
	printf '#!/proc/self/exe\n' >"$DIR/b/rootfs/evil"
	chmod 755 "$DIR/b/rootfs/evil"
	mkdir "$DIR/b/rootfs/lib64"
	# a loader gets the program's auxiliary vector: no C library can start so
	cc -nostdlib -static-pie -fPIE -O1 -fno-stack-protector -o "$DIR/b/rootfs/lib64/ld-linux-x86-64.so.2" -x c - <<-'END'
		static long call(long n, const void *a, long b, long c)
		{
			long r;
			__asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
			return r;
		}
		void _start(void)
		{
			const char *argv[4], sh[] = "/bin/sh", c[] = "-c", name[] = "sh",
				text[] = "sleep 0.3; echo loader; readlink /proc/self/fd/9; echo x >/proc/self/fd/9";
			argv[0] = name; argv[1] = c; argv[2] = text; argv[3] = 0;
			call(33, (void *)call(2, "/proc/self/exe", 0, 0), 9, 0);
			call(59, sh, (long)argv, 0);
			call(60, 0, 0, 0);
		}
	END
	cmd . /evil
	run as nosub "$DIR/rt/runner-oci" --root "$DIR/state" run -b "$DIR/b" c1
	[ "$before" = "$(sha256sum <"$DIR/rt/runner-oci")" ]
	# the attack is a real one: it came as far as a copy of our program
	assert_output_has loader
	assert_output_has "memfd:"
}

@test "nothing of ours can be seen or attached to while we enter a container" {
	cmd . sh -c 'while :; do for p in /proc/[0-9]*; do
		l=$(readlink $p/exe 2>/dev/null); case $l in *runner-oci*) echo "$l" >>/found;; esac; done; echo >>/looked; done'
	oci run -d -b "$DIR/b" c1 </dev/null >/dev/null 2>&1
	for _ in $(seq 40); do oci exec c1 true; done
	oci delete --force c1
	[ ! -e "$DIR/b/rootfs/found" ]
	# the eye was open, and looked often
	[ "$(wc -l <"$DIR/b/rootfs/looked")" -gt 40 ]
}

@test "CVE-2024-21626: no descriptor and no working folder of the host leaks" {
	cmd . ls /proc/self/fd
	run_oci run -b "$DIR/b" c1
	[ "$(echo $output)" = "0 1 2 3" ] # 3 is ls reading the folder
	for n in 3 4 5 6 7 8; do
		cmd ".process.cwd = \"/proc/self/fd/$n\"" ls
		run oci run -b "$DIR/b" c1
		[ "$status" -ne 0 ] || { echo "fd $n: $output"; false; }
		[[ $output != *state.json* ]]
	done
	cmd . sleep 100
	oci run -d -b "$DIR/b" c1 </dev/null >/dev/null 2>&1
	run_oci exec c1 ls /proc/self/fd
	[ "$(echo $output)" = "0 1 2 3" ]
	for n in 3 4 5 6 7 8; do
		run oci exec --cwd "/proc/self/fd/$n" c1 ls ../../../../etc/shadow
		[ "$status" -ne 0 ] || { echo "fd $n: $output"; false; }
	done
	oci delete --force c1
}

@test "CVE-2021-30465: links in the image do not lead mounts outside" {
	mkdir "$DIR/victim"
	ln -s "$DIR/victim" "$DIR/b/rootfs/abs"
	ln -s ../../../../../../../../..$DIR/victim "$DIR/b/rootfs/rel"
	ln -s /proc/self/cwd/../../../../ "$DIR/b/rootfs/magic"
	# the mount is where the link leads inside the root, and nowhere else
	for t in abs rel magic abs/deeper/still; do
		cmd ".mounts += [{\"destination\":\"/$t\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"}]" \
			cat /proc/self/mountinfo
		run oci run -b "$DIR/b" c1
		[ -z "$(ls -A "$DIR/victim")" ]
		[ "$t" = magic ] || assert_output_has " $DIR/victim${t#???} "
		rm -rf "$DIR/b/rootfs$DIR"
	done
	# a link that the image swaps in is a link to the image's own folder
	mkdir -p "$DIR/b/rootfs$DIR/victim"
	cmd '.mounts += [{"destination":"/abs","type":"tmpfs","source":"tmpfs"}]' cat /proc/self/mountinfo
	run_oci run -b "$DIR/b" c1
	assert_output_has " $DIR/victim "
	# a thread that swaps folder and link while we mount
	mkdir "$DIR/b/rootfs/swap"
	as nosub sh -c "cd $DIR/b/rootfs; while [ ! -e stop ]; do mv -T swap s2; ln -s $DIR/victim swap; rm swap; mv -T s2 swap; done" &
	local ran=0 failed=0
	for _ in $(seq 25); do
		cmd '.mounts += [{"destination":"/swap/in","type":"tmpfs","source":"tmpfs"}]' true
		if oci run -b "$DIR/b" c1 >/dev/null 2>&1; then ran=$((ran + 1)); else failed=$((failed + 1)); fi
	done
	touch "$DIR/b/rootfs/stop"
	wait
	# both are right; neither alone would say that there was a race to lose
	echo "ran $ran, failed $failed"
	[ "$ran" -gt 0 ]
	[ -z "$(ls -A "$DIR/victim")" ]
}

@test "CVE-2025-31133: masked paths are covered by the host's null device, not the image's" {
	# no /dev of its own: the image's null is a link to a file of its choice
	ln -sf /proc/sys/kernel/core_pattern "$DIR/b/rootfs/dev/null"
	cmd '.mounts |= map(select(.destination | startswith("/dev") | not))' \
		sh -c 'cat /proc/keys | wc -c; stat -c %t:%T /proc/keys'
	run_oci run -b "$DIR/b" c1
	[ "$(echo $output)" = "0 1:3" ]
}

@test "CVE-2025-52565: a fake /dev/pts is no terminal" {
	mkdir -p "$DIR/b/rootfs/dev/pts"
	echo fake >"$DIR/b/rootfs/dev/pts/ptmx"
	cmd '.process.terminal = true | .mounts |= map(select(.destination | startswith("/dev") | not))' true
	run_oci 1 run -b "$DIR/b" c1
	assert_output_has "not of a devpts"
	rm "$DIR/b/rootfs/dev/pts/ptmx"
	ln -s /etc/where "$DIR/b/rootfs/dev/pts/ptmx"
	run_oci 1 run -b "$DIR/b" c1
	nothing_left
}

@test "CVE-2025-52881: writes to procfs go to a procfs" {
	# a tmpfs at /proc with the files a runtime writes to
	cmd '.mounts |= map(if .destination == "/proc" then {"destination":"/proc","type":"tmpfs","source":"tmpfs"} else . end)
		| .linux.maskedPaths = [] | .linux.readonlyPaths = []
		| .linux.sysctl = {"kernel.shmmni":"99"} | .process.oomScoreAdj = 700
		| .mounts += [{"destination":"/realproc","type":"proc","source":"proc"}]' \
		cat /realproc/sys/kernel/shmmni /realproc/self/oom_score_adj
	run_oci run -b "$DIR/b" c1
	[ "$(echo $output)" = "99 700" ]
	# proc itself is only mounted on a real folder
	rmdir "$DIR/b/rootfs/proc"
	ln -s tmp "$DIR/b/rootfs/proc"
	cmd . true
	run_oci 1 run -b "$DIR/b" c1
	assert_output_has "not a real folder"
}

@test "exec does not follow an init into namespaces of its making" {
	cmd '.process.capabilities |= map_values(["CAP_SYS_ADMIN","CAP_SYS_CHROOT"])' \
		unshare -m sleep 100
	oci run -d -b "$DIR/b" c1 </dev/null >/dev/null 2>&1
	sleep 0.3
	run_oci 1 exec c1 true
	assert_output_has "left its mount namespace"
	oci delete --force c1
	cmd '.process.capabilities |= map_values(["CAP_SYS_ADMIN","CAP_SYS_CHROOT"])' sleep 100
	oci run -d -b "$DIR/b" c1 </dev/null >/dev/null 2>&1
	oci exec c1 true
	oci delete --force c1
}
