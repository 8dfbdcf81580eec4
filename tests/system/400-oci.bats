# runner-oci by an ordinary user with one id: life, fields, errors

load helpers
load oci

setup() { oci_setup nosub; }
teardown() { oci_teardown; }

@test "run: output, exit code, nothing left" {
	cmd . sh -c 'echo hello; exit 7'
	run_oci 7 run --bundle "$DIR/b" c1
	[ "$output" = hello ]
	nothing_left
}

@test "run: codes of signals and of programs that cannot be executed" {
	local made code=0
	cmd . sleep 100
	oci run -b "$DIR/b" c1 </dev/null >/dev/null 2>&1 3>&- &
	made=$!
	wait_for 5 eval '[ "$(oci state c1 | jq -r .status)" = running ]'
	oci kill c1 KILL
	wait $made || code=$?
	[ "$code" = 137 ]
	cmd . nothere
	run_oci 127 run -b "$DIR/b" c1
	assert_one_line
	assert_output_has nothere
	cmd . /etc/where
	run_oci 126 run -b "$DIR/b" c1
	assert_output_has /etc/where
	printf '#!/no/interpreter\n' >"$DIR/b/rootfs/script"
	chmod 755 "$DIR/b/rootfs/script"
	cmd . /script
	run_oci 127 run -b "$DIR/b" c1
	nothing_left
}

@test "create, state, start, kill, delete" {
	cmd . sh -c 'trap "exit 3" TERM; while :; do sleep 0.05; done'
	oci create -b "$DIR/b" --pid-file "$DIR/pid" c1 </dev/null >/dev/null 2>&1
	run_oci state c1
	[ "$(jq -r .status <<<"$output")" = created ]
	[ "$(jq -r .pid <<<"$output")" = "$(cat "$DIR/pid")" ]
	run_oci 1 create -b "$DIR/b" c1
	assert_output_has "already exists"
	oci start c1
	run_oci 1 start c1
	assert_output_has "is running"
	[ "$(oci state c1 | jq -r .status)" = running ]
	run_oci 1 delete c1
	sleep 0.2 # for the trap to be set
	oci kill c1 TERM
	wait_for 5 eval '[ "$(oci state c1 | jq -r .status)" = stopped ]'
	run_oci 1 kill c1
	assert_output_has "container not running"
	oci delete c1
	run_oci 1 state c1
	assert_output_has "does not exist"
	oci delete --force c1
}

@test "exec: output, code, user's environment, missing programs" {
	cmd . sleep 100
	oci run -d -b "$DIR/b" c1 </dev/null >/dev/null 2>&1
	run_oci 5 exec -e A=b c1 sh -c 'echo $A $HOME; exit 5'
	[ "$output" = "b /root" ]
	run_oci 127 exec c1 nothere
	run_oci 126 exec c1 /etc/where
	# to the kernel that number means "unchanged"
	for words in '-u 4294967295' '-u 0:4294967295' '-g 4294967295'; do
		run_oci 1 exec $words c1 id
		assert_one_line
	done
	run_oci ps --format json c1
	[ "$(jq length <<<"$output")" = 1 ]
	oci kill --all c1 KILL
	wait_for 5 eval '[ "$(oci state c1 | jq -r .status)" = stopped ]'
	run_oci 1 exec c1 true
	assert_output_has "container not running"
	oci delete c1
}

@test "a field that cannot be honoured is an error that names it" {
	while read -r filter field; do
		cfg "$filter"
		run_oci 1 run -b "$DIR/b" c1
		assert_one_line
		assert_output_has "$field"
	done <<-'END'
		.linux.intelRdt={"closID":"x"} linux.intelRdt
		.linux.intelRdt={"enableMonitoring":true} linux.intelRdt
		.linux.resources.memory.useHierarchy=false memory.useHierarchy
		.vm={"hypervisor":{"path":"/bin/qemu"}} vm:
		.linux.netDevices={"lo":{"name":"no/name"}} netDevices.lo
		.linux.netDevices={"eth0":{}} linux.netDevices
		.linux.netDevices={"lo":{}}|.linux.namespaces|=map(select(.type!="network")) netDevices
		.linux.memoryPolicy={"mode":"MPOL_X"} memoryPolicy.mode
		.linux.memoryPolicy={"mode":"MPOL_BIND"} linux.memoryPolicy
		.linux.memoryPolicy={"mode":"MPOL_BIND","nodes":"0-"} memoryPolicy.nodes
		.linux.memoryPolicy={"mode":"MPOL_BIND","nodes":"0","flags":["X"]} memoryPolicy.flags
		.process.execCPUAffinity={"initial":"9999"} execCPUAffinity.initial
		.linux.personality={"domain":"LINUX","flags":["X"]} personality.flags
		.linux.sysctl={"vm.swappiness":"1"} vm.swappiness
		.linux.namespaces|=map(select(.type!="mount")) namespaces
		.linux.namespaces+=[{"type":"network","path":"/etc/passwd"}] namespaces
		.process.cwd="relative" process.cwd
		.process.args=[] process.args
		.process.user.uid=5 process.user.uid
		.process.selinuxLabel="x" selinuxLabel
		.process.apparmorProfile="x" apparmorProfile
		.mounts+=[{"destination":"/x","type":"bind","source":"/etc","options":["bind","r0"]}] 'r0'
		.mounts+=[{"destination":"/x","type":"bind","source":"/etc","options":["bind","context=x"]}] 'context'
		.mounts+=[{"destination":"/x","type":"bind","source":"/etc","options":["rbind","uid=0"]}] 'uid'
		.mounts+=[{"destination":"/x","type":"tmpfs","options":["nosuchoption"]}] nosuchoption
		.mounts+=[{"destination":"/x","type":"bind","source":"/nosuch"}] /nosuch
		.mounts+=[{"destination":"/x"}] /x
		.linux.seccomp={"defaultAction":"SCMP_ACT_NOTIFY"} seccomp
		.ociVersion="9.9" ociVersion
	END
	nothing_left
}

@test "identity: names, capabilities, limits, umask, no_new_privs, oom" {
	cmd '.hostname = "box" | .domainname = "dom" | .process.user.umask = 63
		| .process.oomScoreAdj = 500
		| .process.capabilities |= map_values(["CAP_KILL"])
		| .process.rlimits = [{"type":"RLIMIT_NOFILE","soft":77,"hard":78}]' \
		sh -c 'cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname; umask; ulimit -n
			cat /proc/self/oom_score_adj; grep -E "CapEff|CapBnd|NoNew" /proc/self/status' 2>/dev/null
	ln -sf busybox "$DIR/b/rootfs/bin/grep"
	run_oci run -b "$DIR/b" c1
	[ "$(echo "$output" | tr '\n\t' '  ')" = \
		"box dom 0077 77 500 CapEff: 0000000000000020 CapBnd: 0000000000000020 NoNewPrivs: 1 " ]
}

@test "scheduler, io priority, personality; labels on a host without the module" {
	local applet
	for applet in uname ionice; do ln -sf busybox "$DIR/b/rootfs/bin/$applet"; done
	cmd '.process.scheduler = {"policy":"SCHED_BATCH","nice":7} |
		.process.ioPriority = {"class":"IOPRIO_CLASS_BE","priority":6} |
		.linux.personality = {"domain":"LINUX32"}' \
		sh -c 'cut -d" " -f19,41 /proc/self/stat; ionice -p $$; uname -m'
	run_oci run -b "$DIR/b" c1
	[ "$(tr '\n' ' ' <<<"$output")" = "7 3 best-effort: prio 6 i686 " ]
	cmd '.process.scheduler = {"policy":"SCHED_FIFO","priority":1}' true
	run_oci 1 run -b "$DIR/b" c1
	assert_output_has process.scheduler
	grep -q selinuxfs /proc/filesystems && skip "this host has SELinux"
	cmd '.linux.mountLabel = "x" | .process.apparmorProfile = "unconfined"' echo ran
	run_oci run -b "$DIR/b" c1
	assert_output_has "linux.mountLabel: this host has no SELinux"
	assert_output_has ran
	cmd '.process.selinuxLabel = "x"' true
	run_oci 1 run -b "$DIR/b" c1
	assert_output_has "this host has no SELinux"
}

@test "memory policy, of the container's programs and of exec's" {
	[ -r /proc/self/numa_maps ] || skip "a kernel without NUMA"
	ln -sf busybox "$DIR/b/rootfs/bin/grep"
	cmd '.linux.memoryPolicy = {"mode":"MPOL_BIND","nodes":"0","flags":["MPOL_F_STATIC_NODES"]}' \
		sh -c 'grep -c " bind=static:0 " /proc/self/numa_maps; exec sleep 100'
	oci run -d -b "$DIR/b" c1 </dev/null >"$DIR/out" 2>&1
	wait_for 5 test -s "$DIR/out"
	[ "$(cat "$DIR/out")" -ge 5 ]
	run_oci exec c1 grep -c " bind=static:0 " /proc/self/numa_maps
	[ "$output" -ge 5 ]
	oci delete --force c1
	cmd . cat /proc/self/numa_maps
	run_oci run -b "$DIR/b" c1
	assert_output_has " default "
}

@test "exec: processors before and after the cgroup" {
	[ "$(nproc)" -ge 2 ] || skip "needs two processors"
	ln -sf busybox "$DIR/b/rootfs/bin/grep"
	local here first second list='grep Cpus_allowed_list: /proc/self/status'
	here=$(sed -n 's/^Cpus_allowed_list:[^0-9]*//p' /proc/self/status)
	first=${here%%[-,]*} second=${here##*[-,]}
	cmd ".process.execCPUAffinity = {\"initial\":\"$first\",\"final\":\"$second\"}" \
		sh -c "$list; exec sleep 100"
	oci run -d -b "$DIR/b" c1 </dev/null >"$DIR/out" 2>&1
	wait_for 5 test -s "$DIR/out"
	[ "$(cut -f2 "$DIR/out")" = "$here" ]
	run_oci exec c1 $list
	[ "$(cut -f2 <<<"$output")" = "$second" ]
	jq ".process | .args = [\"grep\",\"Cpus_allowed_list:\",\"/proc/self/status\"] |
		.execCPUAffinity = {\"initial\":\"$first\"}" "$DIR/b/config.json" >"$DIR/p.json"
	chmod 644 "$DIR/p.json"
	run_oci exec --process "$DIR/p.json" c1
	[ "$(cut -f2 <<<"$output")" = "$first" ]
	# the file says nothing of it: the container's own counts
	jq 'del(.execCPUAffinity)' "$DIR/p.json" >"$DIR/p2.json"
	chmod 644 "$DIR/p2.json"
	run_oci exec --process "$DIR/p2.json" c1
	[ "$(cut -f2 <<<"$output")" = "$second" ]
	jq '.execCPUAffinity = {"final":"8191"}' "$DIR/p.json" >"$DIR/p3.json"
	chmod 644 "$DIR/p3.json"
	run_oci 1 exec --process "$DIR/p3.json" c1
	assert_output_has "execCPUAffinity.final"
	jq '.execCPUAffinity = {"initial":"8191"}' "$DIR/p.json" >"$DIR/p3.json"
	run_oci 1 exec --process "$DIR/p3.json" c1
	assert_output_has "execCPUAffinity.initial"
	oci delete --force c1
}

@test "seccomp: what each action does to a program" {
	local row
	for row in KILL:159 KILL_THREAD:159 KILL_PROCESS:159 TRAP:159 LOG:0 ALLOW:0 ERRNO:1 TRACE:1; do
		cmd ".linux.seccomp = {\"defaultAction\":\"SCMP_ACT_LOG\",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],
			\"syscalls\":[{\"names\":[\"mkdir\",\"mkdirat\"],\"action\":\"SCMP_ACT_${row%:*}\"}]}" mkdir /tmp/made
		run_oci "${row#*:}" run -b "$DIR/b" c1
		rm -rf "$DIR/b/rootfs/tmp/made"
	done
	assert_output_has "Function not implemented" # TRACE without a tracer
}

@test "mounts: files, folders, missing targets, links, recursive read-only, copy-up" {
	mkdir -p "$DIR/src/sub"
	echo data >"$DIR/src/file"
	ln -s /data/deep/er "$DIR/b/rootfs/link"
	ln -s ../../../../../../../outside "$DIR/b/rootfs/up"
	cmd '.mounts += [
		{"destination":"/new/file","type":"bind","source":"@DIR@/src/file","options":["bind","ro"]},
		{"destination":"/link/x","type":"bind","source":"@DIR@/src","options":["rbind","rro"]},
		{"destination":"/up","type":"tmpfs","source":"tmpfs","options":["mode=700","size=64k"]},
		{"destination":"/etc","type":"tmpfs","source":"tmpfs","options":["tmpcopyup"]}]' \
		sh -c 'cat /new/file /link/x/file /etc/where; touch /outside/here && echo up
			touch /link/x/no 2>/dev/null || echo ro; touch /etc/yes && echo rw
			(echo x >/new/file) 2>/dev/null || echo ro'
	sed -i "s|@DIR@|$DIR|" "$DIR/b/config.json"
	run_oci run -b "$DIR/b" c1
	[ "$(echo $output)" = "data data inside up ro rw ro" ]
	[ ! -e "$DIR/b/rootfs/etc/yes" ]
	[ ! -e /outside ]
}

@test "mounts: ro is of the mount alone, rro of those below it too" {
	local option want
	mkdir -p "$DIR/src/sub"
	for option in ro rro; do
		cmd 'del(.linux.uidMappings, .linux.gidMappings) | .linux.namespaces |= map(select(.type != "user")) | .mounts += [{"destination":"/mnt","type":"bind","source":"@DIR@/src","options":["rbind","@OPT@"]}]' \
			sh -c 'for d in /mnt /mnt/sub; do (echo >$d/no) 2>/dev/null && echo rw || echo ro; done'
		sed -i "s|@DIR@|$DIR|; s|@OPT@|$option|" "$DIR/b/config.json"
		# a mount below the source, of a namespace of the user's own
		run_as nosub 0 unshare -rm sh -c "mount -t tmpfs below $DIR/src/sub && exec runner-oci --root $DIR/state run -b $DIR/b c1"
		want='ro ro'
		[ $option = rro ] || want='ro rw'
		[ "$(echo $output)" = "$want" ] || { echo "$option: $output"; false; }
	done
}

@test "a bind mount's mode= and size=, and flags of a whole file system, are told" {
	cmd '.mounts += [{"destination":"/mnt","type":"bind","source":"/etc","options":["bind","size=1k","mode=755","sync"]}]' \
		echo ran
	run_oci run -b "$DIR/b" c1
	assert_output_has "mounts: /mnt: option 'size' means nothing for a bind mount"
	assert_output_has "mounts: /mnt: option 'mode' means"
	assert_output_has "mounts: /mnt: option 'sync' means"
	assert_output_has ran
}

@test "dev, proc, sys: nodes, links, masked and read-only paths" {
	cmd . sh -c 'for n in null zero full random urandom tty; do [ -c /dev/$n ] || echo no $n; done
		echo x >/dev/null; readlink /dev/ptmx; readlink /dev/fd
		cat /proc/keys | wc -c; (echo 1 >/proc/sys/kernel/panic) 2>/dev/null || echo ro
		ls /sys/firmware | wc -l; touch /sys/x 2>/dev/null || echo ro'
	run_oci run -b "$DIR/b" c1
	[ "$(echo $output)" = "pts/ptmx /proc/self/fd 0 ro 0 ro" ] || { echo "$output"; false; }
	[ "$(stat -c %u /dev/null)" = 0 ]
}

@test "sysctl of a namespace of its own" {
	cmd '.linux.sysctl = {"net.ipv4.ip_forward":"1","kernel.shmmni":"77"}' \
		cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni
	run_oci run -b "$DIR/b" c1
	[ "$(echo $output)" = "1 77" ]
}

@test "time namespace with offsets" {
	cmd '.linux.namespaces += [{"type":"time"}] | .linux.timeOffsets = {"boottime":{"secs":1000000000}}' \
		cut -d. -f1 /proc/uptime
	run_oci run -b "$DIR/b" c1
	[ "$output" -gt 1000000000 ]
}

@test "hooks: all six, in order, with the state on stdin; time-out and failure" {
	for h in prestart createRuntime createContainer startContainer poststart poststop; do
		hooks="${hooks:-}\"$h\":[{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\",\"echo $h >>$DIR/log; cat >$DIR/st.$h\"]}],"
	done
	# startContainer runs inside: it writes where both see it
	mkdir "$DIR/b/rootfs$DIR" -p && chown -R "$(account nosub):" "$DIR"
	cmd ".hooks = {${hooks%,}} | .mounts += [{\"destination\":\"$DIR\",\"source\":\"$DIR\",\"type\":\"bind\",\"options\":[\"bind\"]}]" \
		sh -c "echo program >>$DIR/log"
	run_oci run -b "$DIR/b" c1
	[ "$(sort "$DIR/log" | tr '\n' ' ')" = "createContainer createRuntime poststart poststop prestart program startContainer " ]
	[ "$(sed -n '1,4p' "$DIR/log" | tr '\n' ' ')" = "prestart createRuntime createContainer startContainer " ]
	[ "$(jq -r .id "$DIR/st.createContainer")" = c1 ]
	[ "$(jq -r .status "$DIR/st.poststop")" = stopped ]

	cmd '.hooks = {"createRuntime":[{"path":"/bin/sleep","args":["sleep","30"],"timeout":1}]}' true
	run_oci 1 run -b "$DIR/b" c1
	assert_output_has "time-out"
	cmd '.hooks = {"prestart":[{"path":"/bin/false"}]}' true
	run_oci 1 run -b "$DIR/b" c1
	assert_output_has /bin/false
	nothing_left
}

@test "run: a signal that comes before it waits is the program's, too" {
	cmd ".hooks = {\"poststart\":[{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\",\"sleep 0.5; kill -TERM \$PPID\"]}]}" \
		sh -c 'trap "echo told; exit 9" TERM; sleep 20 & wait'
	run_oci 9 run -b "$DIR/b" c1
	[ "$output" = told ]
	nothing_left
}

@test "run, exec, hooks: a caller that ignores the ends of its children" {
	cmd '.hooks = {"prestart":[{"path":"/bin/true"}]}' sh -c 'exit 4'
	run_as "$KIND" 4 env --ignore-signal=CHLD runner-oci --root "$DIR/state" run -b "$DIR/b" c1
	cmd . sleep 100
	oci run -d -b "$DIR/b" c1 </dev/null >/dev/null 2>&1
	run_as "$KIND" 3 env --ignore-signal=CHLD runner-oci --root "$DIR/state" exec c1 sh -c 'exit 3'
	run_as "$KIND" env --ignore-signal=CHLD runner-oci --root "$DIR/state" delete --force c1
	nothing_left
}

@test "run: signals that come at the end of the program change neither its code nor what is left" {
	cmd . sh -c 'exec sleep 100'
	oci run -b "$DIR/b" c1 </dev/null >/dev/null 2>&1 3>&- &
	local started=$! init pid code=0
	wait_for 5 eval '[ "$(oci state c1 | jq -r .status)" = running ]'
	init=$(oci state c1 | jq .pid)
	pid=$(awk '$1 == "PPid:" { print $2 }' "/proc/$init/status")
	kill -STOP "$pid"
	kill -KILL "$init"
	# it takes one signal each time it wakes: with the end there are still some
	kill -TERM "$pid"; kill -HUP "$pid"; kill -USR1 "$pid"
	kill -CONT "$pid"
	wait "$started" || code=$?
	[ "$code" = 137 ]
	nothing_left
}

@test "terminal: through a console socket, and relayed by run" {
	cat >"$DIR/recv.py" <<-'END'
		import socket, array, os, sys
		s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(1)
		c, _ = s.accept()
		m, anc, _, _ = c.recvmsg(100, 100)
		fd = array.array('i', anc[0][2][:4])[0]
		out = b''
		try:
		    while True:
		        b = os.read(fd, 100)
		        if not b: break
		        out += b
		except OSError: pass
		open(sys.argv[2], 'wb').write(out)
	END
	cmd '.process.terminal = true | .process.consoleSize = {"height":33,"width":99}' sh -c 'tty; stty size; [ -c /dev/console ] && echo console'
	ln -sf busybox "$DIR/b/rootfs/bin/stty"
	as nosub python3 "$DIR/recv.py" "$DIR/sock" "$DIR/out" &
	wait_for 5 test -S "$DIR/sock"
	run_oci 1 create -b "$DIR/b" c1
	assert_output_has "console-socket"
	oci create -b "$DIR/b" --console-socket "$DIR/sock" c1 </dev/null
	oci start c1
	wait
	[ "$(tr -d '\r' <"$DIR/out" | tr '\n' ' ')" = "/dev/pts/0 33 99 console " ]
	oci delete --force c1
}

@test "seccomp: errno, and an agent behind listenerPath that gets the descriptor" {
	cmd '.linux.seccomp = {"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
		{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":77}]}' mkdir /x
	run_oci 1 run -b "$DIR/b" c1
	assert_output_has "bad state"
	cat >"$DIR/agent.py" <<-'END'
		import socket, array, os, sys, json
		s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(1)
		c, _ = s.accept()
		m, anc, _, _ = c.recvmsg(65536, 100)
		fd = array.array('i', anc[0][2][:4])[0]
		d = json.loads(m); d['link'] = os.readlink('/proc/self/fd/%d' % fd)
		json.dump(d, open(sys.argv[2], 'w'))
	END
	cmd '.linux.seccomp = {"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"LISTEN","listenerMetadata":"meta",
		"syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_NOTIFY"}]}' echo ran
	sed -i "s|LISTEN|$DIR/agent|" "$DIR/b/config.json"
	as nosub python3 "$DIR/agent.py" "$DIR/agent" "$DIR/got" &
	wait_for 5 test -S "$DIR/agent"
	run_oci run -b "$DIR/b" c1
	[ "$output" = ran ]
	wait
	[ "$(jq -r '.metadata, .fds[0], .state.id, .link' "$DIR/got" | tr '\n' ' ')" = \
		"meta seccompFd c1 anon_inode:seccomp notify " ]
}

@test "NOTIFY_SOCKET: the program's READY=1 reaches ours, nothing else does" {
	cat >"$DIR/listen.py" <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); s.settimeout(10)
		for i in range(int(sys.argv[3])):
		    open(sys.argv[2], 'a').write(s.recv(4096).decode() + '\n')
	END
	cc -static -o "$DIR/b/rootfs/bin/say" -x c - <<-'END'
		#include <stdlib.h>
		#include <string.h>
		#include <sys/socket.h>
		#include <sys/un.h>
		int main(int argc, char **argv)
		{
			struct sockaddr_un a = { AF_UNIX, "" };
			strncpy(a.sun_path, getenv("NOTIFY_SOCKET"), sizeof(a.sun_path) - 1);
			int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
			for (int i = 1; i < argc; i++)
				if (sendto(fd, argv[i], strlen(argv[i]), 0, (void *)&a, sizeof(a)) < 0)
					return 1;
			return 0;
		}
	END
	as nosub python3 "$DIR/listen.py" "$DIR/host" "$DIR/got" 3 &
	wait_for 5 test -S "$DIR/host"
	cmd . sh -c 'say MAINPID=1 WATCHDOG=trigger READY=1 && sleep 0.2; rm $NOTIFY_SOCKET; echo $NOTIFY_SOCKET'
	SUITE_ENV="NOTIFY_SOCKET=$DIR/host" run_oci run -b "$DIR/b" c1
	assert_output_has "$DIR/host/notify"
	assert_output_has "Read-only file system"
	# create and start: start returns when it is ready, and names the main process
	cmd . sh -c 'sleep 0.3; say READY=1; sleep 100'
	SUITE_ENV="NOTIFY_SOCKET=$DIR/host" oci create -b "$DIR/b" c1 </dev/null >"$DIR/log" 2>&1
	SUITE_ENV="NOTIFY_SOCKET=$DIR/host" run_oci start c1
	wait
	[ "$(cat "$DIR/got")" = "READY=1
READY=1
MAINPID=$(oci state c1 | jq .pid)" ]
	oci delete --force c1
	# one that ends without a word holds nobody up
	cmd . true
	SUITE_ENV="NOTIFY_SOCKET=$DIR/host" oci create -b "$DIR/b" c1 </dev/null >"$DIR/log" 2>&1
	SUITE_ENV="NOTIFY_SOCKET=$DIR/host" run_oci start c1
	oci delete c1
}

@test "features and spec are JSON that says what it should" {
	run_oci features
	[ "$(jq -r .ociVersionMax <<<"$output")" = 1.3.0 ]
	[ "$(jq '.linux.namespaces | length' <<<"$output")" = 8 ]
	[ "$(jq -c .linux.intelRdt <<<"$output")" = '{"enabled":false,"schemata":false,"monitoring":false}' ]
	[ "$(jq '.linux.netDevices.enabled and (.linux.memoryPolicy.modes | length == 7)' <<<"$output")" = true ]
	# this kernel has all that are known; one that has none of them says so
	[ "$(jq '.linux.seccomp | .supportedFlags == .knownFlags and (.knownFlags | length == 4)' <<<"$output")" = true ]
	run as nosub strace -qq -o /dev/null -e inject=seccomp:error=EINVAL runner-oci features
	[ "$(jq -c .linux.seccomp.supportedFlags <<<"$output")" = '[]' ]
	run_oci 1 spec --bundle "$DIR/b"
	assert_output_has config.json
	run_oci spec --rootless --bundle "$DIR/b" --file other.json
	[ "$(jq .process.terminal "$DIR/b/other.json")" = true ]
}

@test "limits that cgroup2 does not have are errors, without a cgroup too; 0 processes counts since 1.3" {
	while read -r res field; do
		cfg ".linux.resources = $res"
		run_oci 1 --cgroup-manager=disabled run -b "$DIR/b" c1
		assert_one_line
		assert_output_has "linux.resources.$field: cgroup2 has no such limit"
	done <<-'END'
		{"memory":{"swappiness":0}} memory.swappiness
		{"memory":{"kernel":1}} memory.kernel
		{"memory":{"kernelTCP":1}} memory.kernelTCP
		{"memory":{"disableOOMKiller":true}} memory.disableOOMKiller
		{"cpu":{"realtimeRuntime":1}} cpu.realtimeRuntime
		{"cpu":{"realtimePeriod":1}} cpu.realtimePeriod
		{"blockIO":{"leafWeight":10}} blockIO.leafWeight
		{"blockIO":{"weightDevice":[{"major":8,"minor":0,"leafWeight":10}]}} blockIO.leafWeight
		{"network":{"classID":1}} network.classID
		{"network":{"priorities":[{"name":"lo","priority":1}]}} network.priorities
	END
	cmd '.linux.resources = {"memory":{"kernel":0,"disableOOMKiller":false},"cpu":{"realtimeRuntime":0}}' echo ran
	run_oci run -b "$DIR/b" c1
	[ "$output" = ran ]
	# what is to be enforced needs a group, which this user does not have here
	cmd '.linux.resources = {"pids":{"limit":0}}' echo ran
	run_oci --cgroup-manager=cgroupfs run -b "$DIR/b" c1
	[ "$output" = ran ]
	local res
	for res in '{"pids":{"limit":0}}' '{"cpu":{"idle":1}}' '{"rdma":{"x":{"hcaHandles":1}}}'; do
		cmd ".ociVersion = \"1.3.0\" | .linux.resources = $res" echo ran
		run_oci --cgroup-manager=cgroupfs run -b "$DIR/b" c1
		assert_output_has "limits are not enforced"
	done
	nothing_left
}

@test "kill and delete by regular expression; words of crun and runc that are refused" {
	local name word
	cmd . sleep 100
	for name in aa ab b c d e; do oci run -d -b "$DIR/b" $name </dev/null >/dev/null 2>&1; done
	oci kill --regex '^a' KILL
	wait_for 5 eval '[ "$(oci list -f json | jq -r "map(select(.status == \"stopped\").id) | sort | join(\" \")")" = "aa ab" ]'
	for name in b c d e; do [ "$(oci state $name | jq -r .status)" = running ]; done
	# all are tried, in whatever order the folder has them; one that cannot be is the error
	run_oci 1 kill -r . KILL
	assert_output_has "container not running"
	for name in b c d e; do wait_for 5 eval '[ "$(oci state $name | jq -r .status)" = stopped ]'; done
	run_oci 1 kill -r '['
	assert_output_has "'[' is no regular expression"
	oci delete -r .
	nothing_left
	for word in checkpoint restore events mounts; do
		run_oci 2 $word c1
		assert_one_line
		assert_output_has "'$word' is not supported"
	done
	for word in --kernel-memory=1 --cpu-rt-period=1 --l3-cache-schema=x --mem-bw-schema=x; do
		run_oci 1 update $word c1
		assert_one_line
	done
	run_oci help kill
	assert_output_has --regex
}

@test "exec that cannot do all it was told to leaves no process" {
	cmd . sleep 100
	oci run -d -b "$DIR/b" c1 </dev/null >/dev/null 2>&1
	run_oci 1 exec --pid-file "$DIR/nothere/pid" c1 sleep 50
	assert_one_line
	run_oci 1 exec -d -t --console-socket "$DIR/nothere" c1 sleep 50
	assert_one_line
	[ "$(oci ps --format json c1 | jq length)" = 1 ]
	oci delete --force c1
}

@test "exec with a terminal: through a console socket, detached too" {
	ln -sf busybox "$DIR/b/rootfs/bin/stty"
	cmd . sleep 100
	oci run -d -b "$DIR/b" c1 </dev/null >/dev/null 2>&1
	cat >"$DIR/talk.py" <<-'END'
		import socket, array, os, sys
		s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(1)
		c, _ = s.accept()
		_, anc, _, _ = c.recvmsg(100, 100)
		fd = array.array('i', anc[0][2][:4])[0]
		os.write(fd, b'stty rows 7 cols 8; echo at $(tty) $(stty size); exit 4\n')
		out = b''
		try:
		    while True:
		        b = os.read(fd, 100)
		        if not b: break
		        out += b
		except OSError: pass
		open(sys.argv[2], 'wb').write(out)
	END
	local detach
	for detach in '' -d; do
		rm -f "$DIR/sock" "$DIR/out"
		as nosub python3 "$DIR/talk.py" "$DIR/sock" "$DIR/out" 3>&- &
		wait_for 5 test -S "$DIR/sock"
		run_oci $([ -z "$detach" ] && echo 4 || echo 0) exec -t $detach --pid-file "$DIR/pid" \
			--console-socket "$DIR/sock" c1 sh
		wait
		grep -q 'at /dev/pts/[0-9] 7 8' "$DIR/out" || { cat "$DIR/out"; false; }
		[ -s "$DIR/pid" ]
	done
	oci delete --force c1
}

@test "exec with a terminal for a console socket keeps no end of it" {
	cmd . sleep 100
	oci run -d -b "$DIR/b" c1 </dev/null >/dev/null 2>&1
	cat >"$DIR/hold.py" <<-'END'
		import socket, array, sys, time
		s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(1)
		c, _ = s.accept()
		_, anc, _, _ = c.recvmsg(100, 100)
		open(sys.argv[2], 'w').write('got')
		time.sleep(60)
	END
	as nosub python3 "$DIR/hold.py" "$DIR/sock" "$DIR/got" 3>&- &
	local holder=$! pid
	wait_for 5 test -S "$DIR/sock"
	as nosub sh -c "echo \$\$ >$DIR/pid; exec runner-oci --root $DIR/state exec -t --console-socket $DIR/sock c1 sleep 50" \
		</dev/null >/dev/null 2>&1 3>&- &
	local waiter=$!
	wait_for 5 test -s "$DIR/got"
	# it waits for the program now
	pid=$(cat "$DIR/pid")
	wait_for 5 eval 'ls -l /proc/'$pid'/fd | grep -q signalfd'
	ls -l "/proc/$pid/fd" >"$DIR/fds"
	! grep -q ptmx "$DIR/fds" || { cat "$DIR/fds"; false; }
	oci delete --force c1
	wait $waiter || [ $? = 137 ]
	kill "$(pgrep -u "$(account nosub)" -f "^python3 $DIR/hold.py")"
	wait $holder || [ $? = 143 ]
}

@test "a terminal is as large as ours from the first moment" {
	local turn
	ln -sf busybox "$DIR/b/rootfs/bin/stty"
	cmd '.process.terminal = true' stty size
	run as nosub script -qec "stty rows 7 cols 8; runner-oci --root $DIR/state run -b $DIR/b c1" /dev/null
	# the end of script's input may be echoed before it
	assert_output_has "7 8"
	cmd . sleep 100
	oci run -d -b "$DIR/b" c1 </dev/null >/dev/null 2>&1
	for turn in $(seq 10); do
		run as nosub script -qec "stty rows 7 cols 8; runner-oci --root $DIR/state exec -t c1 stty size" /dev/null
		assert_output_has "7 8" || { echo "turn $turn"; false; }
	done
	oci delete --force c1
}

@test "words of labels as the kernel is given them, on a host that only seems to have the modules" {
	local box='del(.linux.uidMappings, .linux.gidMappings) | .linux.namespaces |= map(select(.type != "user"))'
	(cat /proc/filesystems; printf 'nodev\tselinuxfs\n') >"$DIR/filesystems"
	seems() {
		run_as nosub "$1" unshare -rm sh -c "mount --bind $DIR/filesystems /proc/filesystems &&
			mount -t tmpfs none /sys/module && mkdir -p /sys/module/apparmor/parameters &&
			echo Y >/sys/module/apparmor/parameters/enabled && ${*:2}"
	}
	cmd "$box | .process.selinuxLabel = \"user_u:role_r:type_t:s0\"" true
	seems 1 runner-oci --root $DIR/state run -b $DIR/b c1
	assert_one_line
	assert_output_has "process.selinuxLabel: /proc/thread-self/attr/exec: write 'user_u:role_r:type_t:s0'"
	cmd "$box | .process.apparmorProfile = \"no-such-profile\"" true
	seems 1 runner-oci --root $DIR/state run -b $DIR/b c1
	assert_one_line
	assert_output_has "process.apparmorProfile: /proc/thread-self/attr/"
	assert_output_has "exec: write 'exec no-such-profile'"
	# exec's words replace the container's
	cmd "$box" sleep 100
	seems 0 "runner-oci --root $DIR/state run -d -b $DIR/b c1 </dev/null >/dev/null 2>&1;
		runner-oci --root $DIR/state exec --process-label a_u:b_r:c_t:s0 c1 true;
		runner-oci --root $DIR/state exec --apparmor other-profile c1 true;
		runner-oci --root $DIR/state delete --force c1"
	assert_output_has "process.selinuxLabel: /proc/thread-self/attr/exec: write 'a_u:b_r:c_t:s0'"
	assert_output_has "exec: write 'exec other-profile'"
	[ "$(grep -c '^runner-oci: ' <<<"$output")" = 2 ]
}

@test "--rootless: false makes an error of a limit that is not enforced; other words are none" {
	local word
	cmd '.linux.resources = {"pids":{"limit":5}}' echo ran
	for word in true auto; do
		run_oci --cgroup-manager=cgroupfs --rootless=$word run -b "$DIR/b" c1
		assert_output_has "limits are not enforced"
		assert_output_has ran
	done
	run_oci 1 --cgroup-manager=cgroupfs --rootless=false run -b "$DIR/b" c1
	assert_one_line
	assert_output_has "linux.resources: cannot be enforced"
	run_oci 1 --rootless=maybe list
	assert_one_line
	assert_output_has "--rootless: 'maybe'"
	cmd . echo ran
	run_oci --rootless false run -b "$DIR/b" c1
	[ "$output" = ran ]
	nothing_left
}

@test "a spec without mappings, as crun writes it; --config beside or elsewhere" {
	cmd 'del(.linux.uidMappings, .linux.gidMappings)' id -u
	run_oci run -b "$DIR/b" c1
	[ "$output" = 0 ]
	mv "$DIR/b/config.json" "$DIR/b/other.json"
	run_oci 1 run -b "$DIR/b" c1
	run_oci run -b "$DIR/b" --config other.json c1
	[ "$output" = 0 ]
	mv "$DIR/b/other.json" "$DIR/other.json"
	run_oci run -b "$DIR/b" -f "$DIR/other.json" c1
	[ "$output" = 0 ]
}

@test "wrong usage is one line and code 2 or 1" {
	run_oci 2 nosuchcommand
	assert_one_line
	run_oci 1 create
	assert_one_line
	run_oci 1 state ../x
	assert_one_line
	run_oci 1 --cgroup-manager=nosuch list
	assert_one_line
	run_oci 1 run -b /nosuch c1
	assert_one_line
	nothing_left
}
