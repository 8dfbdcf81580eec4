# Debian's podman with slirp-net as its network_cmd_path, and RootlessKit with it
# under the name slirp4netns; each test in a network namespace of its own

load helpers

setup_file() {
	[ "$(id -u)" = 0 ] || skip "needs root to prepare"
	command -v podman conmon rootlesskit >/dev/null || skip "needs podman, conmon and rootlesskit"
	podman_home "network_cmd_path = \"$BINDIR_UNDER_TEST/slirp-net\""
	export CG=/$SUITE_PREFIX-slirp-$$
	# the control socket lies in there, and its path has to be short
	R=$(mktemp -d /tmp/pXXXX)
	export R
	mkdir "$D/bin"
	ln -s "$BINDIR_UNDER_TEST/slirp-net" "$D/bin/slirp4netns"
	cat >"$D/dns.py" <<-'END'
		# answers every question for an address with 192.0.2.77
		import socket
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.53", 53)); open("dns-ready", "w")
		while 1:
		    q, a = s.recvfrom(512); end = q.index(0, 12) + 5
		    n = 1 if q[end - 3] == 1 else 0
		    s.sendto(q[:2] + b"\x81\x80\0\1\0" + bytes([n]) + b"\0\0\0\0" + q[12:end] +
		             (b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\x4d" if n else b""), a)
	END
	echo 'nameserver 127.0.0.53' >"$D/resolv.conf"
	chown -R "$(account sub):" "$D" "$R"
	box 'podman import -q ../image.tar bb'
}

teardown_file() {
	[ -n "${D:-}" ] || return 0
	may_fail "no storage where the import failed" box 'podman unshare rm -rf "$HOME/.local"'
	may_fail "no pause process" box 'podman system migrate'
	rm -rf "$D" "$R"
	may_fail "the folder goes with the box where nobody made one" unshare -m sh -c '
		umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
		exec find "/sys/fs/cgroup$1" -depth -type d -exec rmdir {} \;' rm "$CG"
}

# box SCRIPT: as the user, in a cgroup2 folder of the user's, with a network and a resolver of its own
box() {
	local name id
	name=$(account sub) id=$(id -u "$(account sub)")
	unshare -nm --propagation private bash -c 'umount -R /sys/fs/cgroup &&
		mount -t cgroup2 cgroup2 /sys/fs/cgroup && mount --make-rshared / &&
		mount --bind "$4/resolv.conf" "$(readlink -f /etc/resolv.conf)" &&
		mkdir -p "$1/self" && chown -R "$2" "$1" && echo $$ >"$1/self/cgroup.procs" &&
		ip link set lo up && ip addr add 192.0.2.2/32 dev lo && cd "$3" && { rm -f dns-ready; python3 "$4/dns.py" & dns=$!; shift 4
		until [ -e dns-ready ]; do sleep 0.05; done
		"$@"; s=$?; kill $dns; exit $s; }' in "/sys/fs/cgroup$CG" "$id" "$D/home" "$D" \
		timeout -k 5 90 setpriv --reuid "$id" --regid "$(id -g "$name")" --init-groups \
		env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME="$D/home" USER="$name" TERM=xterm \
		TMPDIR="$R" XDG_RUNTIME_DIR="$R" CONTAINERS_CONF="$D/containers.conf" D="$D" \
		CONTAINERS_STORAGE_CONF="$D/storage.conf" bash -c "$1" </dev/null
}

@test "podman: outbound, names, and every option of its slirp4netns network" {
	run box '(echo from-host | timeout 30 nc -l 192.0.2.2 7000 -N) & (echo from-loopback | timeout 30 nc -l 127.0.0.1 7001 -N) & sleep 0.3
		podman run --rm --network slirp4netns:enable_ipv6=true,allow_host_loopback=true,cidr=10.9.0.0/24,mtu=1400 bb sh -c "
			ip addr show tap0; cat /etc/resolv.conf; nc -w 3 192.0.2.2 7000 </dev/null; nc -w 3 10.9.0.2 7001 </dev/null; nslookup name.test."
		for i in $(seq 50); do pgrep -u $(id -u) slirp-net || { echo gone; break; }; sleep 0.1; done'
	echo "$output"
	[ "$status" = 0 ]
	for word in 'mtu 1400' 'inet 10.9.0.100/24' 'inet6 fd00::' 'nameserver 10.9.0.3' from-host from-loopback 192.0.2.77 gone; do
		[[ $output == *"$word"* ]] || { echo "missing: $word"; return 1; }
	done
}

@test "podman: published tcp and udp, by rootlessport and by slirp4netns" {
	run box 'for how in rootlesskit slirp4netns; do
			podman run -d --name web --network slirp4netns:port_handler=$how -p 7002:80 -p 7003:53/udp bb sh -c "
				echo page-$how >/tmp/index.html; httpd -h /tmp -p 80; exec sleep 60" >id
			pid=$(podman inspect -f "{{.State.Pid}}" web)
			timeout 15 nsenter -t $pid -U --preserve-credentials -n python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((str(), 53)); d, a = s.recvfrom(99); s.sendto(d, a)" &
			for i in $(seq 20); do curl -sSm 5 http://127.0.0.1:7002/ && break; sleep 0.2; done; 
			# until the server inside is there
			for i in $(seq 20); do echo udp-$how | timeout 3 nc -u -w 1 127.0.0.1 7003 | grep udp && break; sleep 0.2; done
			podman rm -f -t 0 web >/dev/null
		done; for i in $(seq 50); do pgrep -u $(id -u) slirp-net || { echo gone; break; }; sleep 0.1; done'
	echo "$output"
	for word in page-rootlesskit page-slirp4netns udp-rootlesskit udp-slirp4netns gone; do
		[[ $output == *"$word"* ]] || { echo "missing: $word"; return 1; }
	done
}

@test "rootlesskit --net=slirp4netns: outbound, names, ports by its driver and by ours" {
	run box 'export PATH=$D/bin:$PATH
		for how in builtin slirp4netns; do
			(echo from-host-$how | timeout 20 nc -l 127.0.0.1 7004 -N) &
			timeout 20 rootlesskit --net=slirp4netns --disable-host-loopback=false --copy-up=/etc --port-driver=$how -p 127.0.0.1:7005:80/tcp sh -c "
				nc -w 3 10.0.2.2 7004 </dev/null; busybox nslookup name.test. | grep 192.0; echo inside-$how | timeout 10 nc -l -p 80 -N" &
			for i in $(seq 40); do sleep 0.2; timeout 3 nc 127.0.0.1 7005 </dev/null | grep inside && break; done
			wait %2
		done'
	echo "$output"
	for word in from-host-builtin inside-builtin from-host-slirp4netns inside-slirp4netns 192.0.2.77; do
		[[ $output == *"$word"* ]] || { echo "missing: $word"; return 1; }
	done
}
