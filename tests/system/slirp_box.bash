# A host of its own for slirp-net's tests: load slirp_box.bash, box_setup in setup, then in_box

box_setup() {
	need_root
	dir=$(scratch sub)
	cat >"$dir/box" <<-'END'
		# the host: d0 has 192.0.2.2 and 2001:db8::2; a neighbour n at 198.51.100.9 and 2001:db8:1::9
		set -eu
		cd "$1"; script=$2; shift 2
		ip link set lo up
		ip link add d0 type veth peer name d1; ip link set d1 up; ip addr add 192.0.2.2/24 dev d0; ip addr add 2001:db8::2/64 dev d0 nodad; ip link set d0 up
		trap 'kill $(jobs -p) 2>/dev/null || :; wait' EXIT
		unshare -n sleep 100 & n=$!
		unshare -n sleep 100 & c=$!
		for p in $n $c; do while [ "$(readlink /proc/$p/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done; done
		ip link add h0 type veth peer name n0 netns $n
		ip addr add 198.51.100.1/24 dev h0; ip addr add 2001:db8:1::1/64 dev h0 nodad; ip link set h0 up
		NB="nsenter -t $n -n"; N="nsenter -t $c -n"
		$NB ip link set lo up; $NB ip addr add 198.51.100.9/24 dev n0; $NB ip addr add 2001:db8:1::9/64 dev n0 nodad; $NB ip link set n0 up
		$NB ip route add default via 198.51.100.1; $NB ip -6 route add default via 2001:db8:1::1
		mkfifo ready
		slirp-net -c -r 7 "$@" --netns-type=path /proc/$c/ns/net tap0 7>ready & s=$!
		trap 'kill $(jobs -p) 2>/dev/null || :; wait' EXIT
		read -rn1 byte <ready
		eval "$script"
		kill -TERM $s; wait $s
	END
	cat >"$dir/peers.py" <<-'END'
		# peers.py tcp|udp PORT N: answer N clients with the address each comes from
		import socket, sys
		kind = socket.SOCK_STREAM if sys.argv[1] == "tcp" else socket.SOCK_DGRAM
		s = socket.socket(socket.AF_INET6, kind); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.setsockopt(41, 26, 0); s.bind(("::", int(sys.argv[2])))
		if sys.argv[1] == "tcp": s.listen()
		for _ in range(int(sys.argv[3])):
		    if sys.argv[1] == "tcp":
		        c, a = s.accept(); c.sendall(("%s %d\n" % a[:2]).replace("::ffff:", "").encode()); c.close()
		    else:
		        d, a = s.recvfrom(99); s.sendto(("%s %d\n" % a[:2]).replace("::ffff:", "").encode(), a)
	END
	cat >"$dir/ask.py" <<-'END'
		# ask.py tcp|udp HOST PORT [SOURCE]: print "true" when the server saw our own address
		import socket, sys
		fam = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
		s = socket.socket(fam, socket.SOCK_STREAM if sys.argv[1] == "tcp" else socket.SOCK_DGRAM)
		s.settimeout(5)
		if len(sys.argv) > 4: s.bind((sys.argv[4], 0))
		s.connect((sys.argv[2], int(sys.argv[3])))
		if sys.argv[1] == "udp": s.send(b"?")
		a = s.getsockname(); got = s.recv(99).decode().strip()
		print("true" if got == "%s %d" % a[:2] else "other", got)
	END
}


# in_box OPTIONS… -- SCRIPT: in a network namespace with two addresses, a neighbour host ($NB enters
# it) and both families, start slirp-net on a container's namespace ($N enters it), run SCRIPT
in_box() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	run_as sub unshare -rnm bash "$dir/box" "$dir" "$2" "${options[@]}"
}
