# uidmap agent: what programs do with ids: executions, threads, attacks, life

load helpers
load oci
load agent

setup() { agent_setup; }
teardown() { agent_teardown; }

# compile NAME: a static program into the container's /bin
compile() { cc -static -pthread -O1 -D_GNU_SOURCE -o "$DIR/b/rootfs/bin/$1" -x c -; }

# ids: prints its ids
ids_program() {
	compile ids <<-'END'
	#include <stdio.h>
	#include <unistd.h>
	int main(void)
	{
		unsigned r, e, s, gr, ge, gs;
		getresuid(&r, &e, &s);
		getresgid(&gr, &ge, &gs);
		printf("%u %u %u / %u %u %u\n", r, e, s, gr, ge, gs);
		return 0;
	}
	END
}

@test "exec: setuid and setgid files, not with no_new_privs; saved ids follow" {
	ids_program
	inside "" sh -c 'cp /bin/ids /data/sid; chown 7:8 /data/sid; chmod 6755 /data/sid
		su www-data -c "/data/sid; /bin/ids"; /data/sid; chmod 755 /data/sid; /data/sid'
	[ "$output" = "33 7 7 / 33 8 8
33 33 33 / 33 33 33
0 7 7 / 0 8 8
0 0 0 / 0 0 0" ]
	cfg '.process.noNewPrivileges = true'
	cp "$DIR/b/config.json" "$DIR/base.json"
	inside "" sh -c 'chmod 6755 /data/sid; su www-data -c /data/sid'
	[ "$output" = "33 33 33 / 33 33 33" ]
}

@test "exec: the first program has the metadata's ids, a setuid one its owner's" {
	ids_program
	inside "uid=33,gid=4" ids
	[ "$output" = "33 33 33 / 4 4 4" ]
	inside "" sh -c 'cp /bin/ids /data/sid; chown 7:8 /data/sid; chmod 4755 /data/sid'
	inside "uid=33,gid=4" /data/sid
	[ "$output" = "33 7 7 / 4 4 4" ]
}

@test "exec: one that fails leaves the ids as they were" {
	compile failing <<-'END'
	#include <stdio.h>
	#include <unistd.h>
	int main(void)
	{
		unsigned r, e, s;
		char *argv[] = { "x", NULL };
		if (setresuid(0, 33, 0) < 0)
			return 1;
		execv("/data/junk", argv);
		getresuid(&r, &e, &s);
		printf("%u %u %u %d\n", r, e, s, setresuid(0, 0, 0));
		if (setresuid(33, 33, 33) < 0)
			return 1;
		execv("/data/sjunk", argv);
		getresuid(&r, &e, &s);
		printf("%u %u %u\n", r, e, s);
		return 0;
	}
	END
	inside "" sh -c 'cd /data; printf "\177ELFjunk" >junk; cp junk sjunk; chmod 755 junk; chmod 4755 sjunk; failing'
	[ "$output" = "0 33 0 0
33 33 33" ]
}

@test "threads: glibc changes the ids of all, and they stay alike; fork twice keeps them" {
	compile threads <<-'END'
	#include <grp.h>
	#include <pthread.h>
	#include <stdatomic.h>
	#include <stdio.h>
	#include <sys/wait.h>
	#include <unistd.h>
	static atomic_int stop, bad;
	static void *look(void *arg)
	{
		unsigned r, e, s;
		while (!stop) {
			getresuid(&r, &e, &s);
			if (r != 0 && r != 33)
				bad++;
		}
		return arg;
	}
	int main(void)
	{
		gid_t g[] = { 4, 33 };
		pthread_t t[4];
		for (int i = 0; i < 4; i++)
			pthread_create(&t[i], NULL, look, NULL);
		for (int i = 0; i < 50; i++)
			if (seteuid(33) || geteuid() != 33 || seteuid(0) || geteuid() != 0)
				bad++;
		if (setgroups(2, g) || setresgid(33, 33, 33) || setresuid(33, 33, 33))
			bad++;
		stop = 1;
		for (int i = 0; i < 4; i++)
			pthread_join(t[i], NULL);
		if (setuid(0) == 0 || getgroups(0, NULL) != 2)
			bad++;
		printf("bad %d\n", bad);
		fflush(stdout);
		int p[2];
		char c;
		if (pipe(p))
			return 1;
		if (fork() == 0) {
			if (fork() == 0) {
				while (getppid() != 1) /* an orphan */
					usleep(1000);
				printf("orphan %u %u\n", getuid(), getegid());
				fflush(stdout);
			}
			_exit(0);
		}
		close(p[1]);
		while (read(p[0], &c, 1) > 0)
			;
		return 0;
	}
	END
	inside "" threads
	[ "${lines[0]}" = "bad 0" ]
	inside "" sh -c 'threads; sleep 0.3'
	[ "${lines[1]}" = "orphan 33 33" ]
}

@test "capabilities: given up with root, and by name" {
	compile caps <<-'END'
	#include <errno.h>
	#include <linux/capability.h>
	#include <stdio.h>
	#include <sys/prctl.h>
	#include <sys/syscall.h>
	#include <unistd.h>
	static unsigned long long effective(void)
	{
		struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
		struct __user_cap_data_struct d[2];
		return syscall(SYS_capget, &h, d) ? 1 : (unsigned long long)d[1].effective << 32 | d[0].effective;
	}
	int main(void)
	{
		struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
		struct __user_cap_data_struct d[2] = { { 1 << CAP_SETUID, 1 << CAP_SETUID, 0 } };
		printf("%d", effective() != 0);
		prctl(PR_SET_KEEPCAPS, 1);
		if (setresuid(33, 33, 33))
			return 1;
		printf("%d", effective() != 0);
		printf("%d", syscall(SYS_capset, &h, d) == 0 && effective() == 1 << CAP_SETUID);
		printf("%d", setresuid(5, 5, 5) == 0);
		d[0].permitted = 0xff;
		printf("%d", syscall(SYS_capset, &h, d) < 0 && errno == EPERM);
		printf("%d\n", setresgid(5, 5, 5) < 0 && chown("/data", 1, 1) < 0);
		return 0;
	}
	END
	inside "" caps
	[ "$output" = 101111 ]
}

@test "limits: the one that has the record looks unlimited, and cannot be used to become another" {
	compile limits <<-'END'
	#include <errno.h>
	#include <stdio.h>
	#include <sys/resource.h>
	#include <sys/syscall.h>
	#include <unistd.h>
	int main(void)
	{
		struct rlimit l = { 0, 0 }, low = { 1ull << 62, 1ull << 62 }, bad = { 2, 1 }, other = { 7, 7 };
		int n = 0;
		if (setresgid(33, 33, 33) || setresuid(33, 33, 33))
			return 1;
		n += getrlimit(RLIMIT_RTTIME, &l) == 0 && l.rlim_cur == RLIM_INFINITY && l.rlim_max == RLIM_INFINITY;
		n += setrlimit(RLIMIT_RTTIME, &l) == 0;
		/* what every record looks like is below this */
		for (unsigned long long turn = (1ull << 43) - 1; turn > (1ull << 43) - 9; turn--) {
			low.rlim_cur = low.rlim_max = turn << 20;
			n += setrlimit(RLIMIT_RTTIME, &low) < 0 && errno == EPERM;
			n += syscall(SYS_setrlimit, RLIMIT_RTTIME, &low) < 0 && errno == EPERM;
			n += prlimit(getpid(), RLIMIT_RTTIME, &low, NULL) < 0 && errno == EPERM;
		}
		n += setrlimit(RLIMIT_RTTIME, &bad) < 0 && errno == EINVAL;
		n += setrlimit(RLIMIT_CORE, &other) == 0 && getrlimit(RLIMIT_CORE, &l) == 0 && l.rlim_max == 7;
		n += syscall(SYS_getrlimit, RLIMIT_RTTIME, &l) == 0 && l.rlim_cur == RLIM_INFINITY;
		printf("%d %u\n", n, getuid());
		return 0;
	}
	END
	inside "" limits
	[ "$output" = "29 33" ]
}

@test "sockets: the peer's recorded ids" {
	compile peer <<-'END'
	#include <stdio.h>
	#include <sys/socket.h>
	#include <sys/un.h>
	#include <unistd.h>
	int main(void)
	{
		struct sockaddr_un a = { AF_UNIX, "/data/sock" };
		struct ucred c;
		socklen_t n = sizeof(c);
		int s = socket(AF_UNIX, SOCK_STREAM, 0), p[2], t;
		char b;
		if (pipe(p) || bind(s, (void *)&a, sizeof(a)) || listen(s, 1))
			return 1;
		pid_t pid = fork();
		if (pid == 0) {
			if (setgid(44) || setuid(33) || connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, sizeof(a)))
				_exit(1);
			(void)!read(p[0], &b, 1);
			_exit(0);
		}
		t = accept(s, NULL, NULL);
		if (getsockopt(t, SOL_SOCKET, SO_PEERCRED, &c, &n))
			return 2;
		printf("%u %u %d\n", c.uid, c.gid, c.pid == pid);
		return 0;
	}
	END
	inside "" peer
	[ "$output" = "33 44 1" ]
}

@test "paths: folders of its own, descriptors, another root" {
	inside "" sh -c 'mkdir -p /data/r/bin /data/r/x /data/r/proc; cp /bin/busybox /data/r/bin; ln -s busybox /data/r/bin/chown
		ln -s busybox /data/r/bin/stat; ln -s /x /data/r/abs; touch /data/f; ln -s /data/f /data/l
		chroot /data/r chown 12:13 /abs; chroot /data/r stat -c %u:%g /x /abs/../x
		stat -c %u:%g /data/r/x; cd /data/r/x; chown 14 .; stat -c %u . ../x; chown 15 ../../l; stat -c %u /data/f
		exec 5</data/f; stat -L -c %u /proc/self/fd/5; chown 16 /dev/fd/5 2>/dev/null || chown 16 /proc/self/fd/5; stat -c %u /data/f'
	[ "$output" = "12:13
12:13
12:13
14
14
15
15
16" ]
}

@test "paths: a mount namespace made by clone3, whose flags no filter sees" {
	compile away <<-'END'
	#include <linux/sched.h>
	#include <signal.h>
	#include <stdio.h>
	#include <sys/mount.h>
	#include <sys/stat.h>
	#include <sys/syscall.h>
	#include <sys/wait.h>
	#include <unistd.h>
	int main(void)
	{
		struct clone_args a = { .flags = CLONE_NEWNS, .exit_signal = SIGCHLD };
		struct stat st;
		int status = 0;
		pid_t pid = syscall(SYS_clone3, &a, sizeof(a));
		if (pid == 0) {
			if (mount("/data/a", "/data/b", NULL, MS_BIND, NULL))
				_exit(1);
			_exit(chown("/data/b/x", 5, 6) || stat("/data/b/x", &st) || st.st_uid != 5 ? 2 : 0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || stat("/data/a/x", &st))
			return 3;
		printf("%d %u:%u\n", status, st.st_uid, st.st_gid);
		return 0;
	}
	END
	cfg '.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])'
	cp "$DIR/b/config.json" "$DIR/base.json"
	inside "" sh -c 'mkdir /data/a /data/b; touch /data/a/x; away'
	[ "$output" = "0 5:6" ]
}

@test "attack: paths and memory that change meanwhile reach nothing outside" {
	touch "$DIR/outside"
	mkdir "$DIR/b/rootfs/data/d"
	chown "$(account nosub)": "$DIR/outside" "$DIR/b/rootfs/data/d"
	ln -s "$DIR/outside" "$DIR/b/rootfs/data/out"
	compile attack <<-'END'
	#include <fcntl.h>
	#include <pthread.h>
	#include <stdatomic.h>
	#include <stdio.h>
	#include <string.h>
	#include <sys/stat.h>
	#include <unistd.h>
	static atomic_int stop;
	static volatile char path[64];
	static void *flip(void *outside)
	{
		/* names in memory and on the disk change all the time */
		while (!stop) {
			strcpy((char *)path, "/data/d/../../../../../../../../");
			strcat((char *)path, outside);
			symlink("../../../../../../..", "/data/d/up");
			strcpy((char *)path, "/data/d/up");
			unlink("/data/d/up");
			mkdir("/data/d/up", 0755);
			rmdir("/data/d/up");
			strcpy((char *)path, "/proc/1/root/../../../data/out");
		}
		return NULL;
	}
	int main(int argc, char **argv)
	{
		pthread_t t;
		struct stat st;
		char inside[128];
		pthread_create(&t, NULL, flip, argv[1]);
		for (int i = 0; i < 4000; i++) {
			chown((char *)path, 66, 66);
			lchown((char *)path, 66, 66);
			chmod((char *)path, 0777);
			stat((char *)path, &st);
			snprintf(inside, sizeof(inside), "/data/d/up/%s", argv[1]);
			chown(inside, 66, 66);
			snprintf(inside, sizeof(inside), "../../../../../../../../../%s", argv[1]);
			chown(inside, 66, 66);
			chown(argv[1], 66, 66);
			chown("/data/out", 66, 66);
			fchownat(99, "x", 1, 1, 0);
			chown((char *)8, 1, 1);
			stat("/data", (void *)8);
			mknod("/data/d/up/tmp/dev", S_IFBLK | 0777, 0x700);
			unlink("/tmp/dev");
		}
		stop = 1;
		pthread_join(t, NULL);
		puts("done");
		return 0;
	}
	END
	inside "" attack "$DIR/outside"
	[ "$output" = done ]
	run getfattr -d -m - "$DIR/outside"
	[[ $output != *override* ]]
	[ "$(stat -c %a "$DIR/outside")" = 644 ]
	[ ! -e /tmp/dev ]
}

@test "life: bad messages close the connection only; the agent goes with its container" {
	agent_begin --log-level error
	as nosub python3 - "$DIR/agent.sock" <<-'END'
	import os, socket, sys
	for text in (b"no", b"{}", b'{"pid":1,"fds":["seccompFd"]}', b'{"pid":0', b"", b'{"pid":1,"fds":["seccompFd"],"metadata":"uid=x"}'):
	    s = socket.socket(socket.AF_UNIX)
	    s.connect(sys.argv[1])
	    if text:
	        s.send(text)
	    s.shutdown(socket.SHUT_WR)
	    assert s.recv(1) == b"", "closed"
	for fd in (0, os.open("/", os.O_RDONLY)):
	    s = socket.socket(socket.AF_UNIX)
	    s.connect(sys.argv[1])
	    socket.send_fds(s, [b'{"pid":%d,"fds":["seccompFd"]}' % os.getpid()], [fd])
	    s.recv(1)
	END
	kill -0 "$AGENT"
	[ "$(grep -c 'connection refused' "$DIR/agent.out")" -ge 6 ]
	cmd '.linux.seccomp.listenerMetadata = "uid=5"' id -u
	run_oci run -b "$DIR/b" c1
	[ "$output" = 5 ]
	agent_end
}

@test "life: the agent confines itself: no new rights, few capabilities, a filter in every thread" {
	[ "${VARIANT:-release}" != asan ] && [ "${VARIANT:-release}" != tsan ] || skip "sanitizers call what they like"
	cmd . sleep 100
	agent_begin
	oci run -d -b "$DIR/b" c1 </dev/null >/dev/null 2>&1
	local pid task
	for pid in $(pgrep -u "$(account nosub)" -x uidmap); do
		wait_for 5 eval "[ \$(ls /proc/$pid/task | wc -l) = 2 ]"
		for task in /proc/$pid/task/*; do
			grep -qx "Seccomp:.2" "$task/status"
			grep -qx "NoNewPrivs:.1" "$task/status"
			# the configuration has mknod, so it may bind devices
			grep -qx "CapPrm:.00000000802c001e" "$task/status"
		done
	done
	[ -n "$task" ]
	# its socket, its container's root, /proc, the listener, the standard three
	[ "$(ls /proc/$pid/fd | wc -l)" -le 9 ]
	oci kill c1 KILL
	wait_for 5 eval '[ "$(oci state c1 | jq -r .status)" = stopped ]'
	oci delete c1
	agent_end
}

@test "life: --exit-fd and --ready-fd; options that are wrong" {
	as nosub bash -c "exec 5> >(cat >'$DIR/ready'); exec 6< <(sleep 0.5); timeout 10 uidmap agent --socket '$DIR/s' --ready-fd 5 --exit-fd 6; echo \$? >'$DIR/rc'"
	[ "$(cat "$DIR/rc")" = 0 ]
	[ "$(cat "$DIR/ready")" = 1 ]
	[ ! -e "$DIR/s" ]
	run_as nosub 2 uidmap agent
	assert_one_line
	run_as nosub 2 uidmap agent --socket "$DIR/s" --mode slow
	assert_one_line
	run_as nosub 1 uidmap agent --socket "$DIR/none/s"
	assert_one_line
	run_as nosub 1 uidmap agent --socket "$DIR/s" --root-owners "$DIR/none"
	assert_one_line
}

@test "root-owners: links get their owners; commands that join have their own" {
	ln -s x "$DIR/b/rootfs/data/link"
	mkfifo "$DIR/b/rootfs/data/pipe"
	printf '%s\n' '3:4:0777 data/link' '5:6:0644 data/pipe' '7:7:0777 data/gone' >"$DIR/owners"
	cmd . sleep 100
	agent_begin --root-owners "$DIR/owners"
	oci run -d -b "$DIR/b" c1 </dev/null >/dev/null 2>&1
	run_oci exec c1 stat -c %u:%g /data/link /data/pipe
	[ "$output" = $'3:4\n5:6' ]
	run_oci exec c1 su www-data -c id
	assert_output_has "uid=33(www-data)"
	oci kill c1 KILL
	wait_for 5 eval '[ "$(oci state c1 | jq -r .status)" = stopped ]'
	oci delete c1
	agent_end
}

@test "mode fast: ids and owners, but no call for stat" {
	rm -rf "$DIR"
	AGENT_MODE=fast agent_setup
	inside "mode=fast" sh -c 'touch /data/f; chown 33 /data/f && stat -c %u /data/f; su www-data -c "id -u"'
	[ "$output" = $'0\n33' ]
	[ "$(getfattr --only-values -n user.containers.override_stat "$DIR/b/rootfs/data/f")" = 33:0:0644 ]
}

@test "new files: one that gets its name when it is whole" {
	compile unnamed <<-'END'
	#include <fcntl.h>
	#include <stdio.h>
	#include <sys/stat.h>
	#include <unistd.h>
	int main(void)
	{
		struct stat st;
		char self[32];
		int fd;
		if (setresgid(34, 34, 34) || setresuid(33, 33, 33))
			return 1;
		for (int way = 0; way < 2; way++) {
			fd = open("/data", O_TMPFILE | O_WRONLY, 0640);
			snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
			if (fd < 0)
				return 2;
			/* before Linux 6.10 the first way was the host root's */
			if (way == 0 && linkat(fd, "", AT_FDCWD, "/data/a", AT_EMPTY_PATH) == 0)
				continue;
			if (linkat(AT_FDCWD, self, AT_FDCWD, way ? "/data/b" : "/data/a", AT_SYMLINK_FOLLOW))
				return 2;
		}
		if (link("/data/a", "/data/c") || link("/data/root", "/data/d"))
			return 3;
		for (const char *n = "abcd"; *n; n++) {
			snprintf(self, sizeof(self), "/data/%c", *n);
			if (stat(self, &st))
				return 4;
			printf("%u:%u ", st.st_uid, st.st_gid);
		}
		puts("");
		return 0;
	}
	END
	inside "" sh -c 'touch /data/root; unnamed'
	[ "$output" = "33:34 33:34 33:34 0:0 " ]
}

@test "new files: more at once than are remembered; threads that make nothing and never call again" {
	compile many <<-'END'
	#include <fcntl.h>
	#include <pthread.h>
	#include <stdio.h>
	#include <sys/stat.h>
	#include <unistd.h>
	static void *fail(void *arg)
	{
		/* the name is free, but the flags are refused */
		(void)arg;
		open("/data/never", O_CREAT | O_DIRECTORY | O_RDWR, 0600);
		pause();
		return NULL;
	}
	int main(void)
	{
		pthread_attr_t attr;
		pthread_t t;
		struct stat st;
		char name[32];
		int bad = 0;
		if (setresgid(33, 33, 33) || setresuid(33, 33, 33))
			return 1;
		pthread_attr_init(&attr);
		pthread_attr_setstacksize(&attr, 65536);
		for (int i = 0; i < 300; i++)
			if (pthread_create(&t, &attr, fail, NULL))
				return 2;
		for (int i = 0; i < 300; i++) {
			snprintf(name, sizeof(name), "/data/m%d", i);
			close(open(name, O_CREAT | O_WRONLY, 0600));
		}
		for (int i = 0; i < 300; i++) {
			snprintf(name, sizeof(name), "/data/m%d", i);
			bad += stat(name, &st) || st.st_uid != 33;
		}
		printf("bad %d\n", bad);
		fflush(stdout);
		_exit(0);
	}
	END
	inside "" many
	[ "$output" = "bad 0" ]
}
