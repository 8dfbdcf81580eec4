#!/usr/bin/env bats
# slirp-net: what the container and its clients see, in a host of its own (a network namespace
# with two addresses, a neighbour host, and both families)

load helpers.bash

setup() {
	need_root
	dir=$(scratch sub)
	cat >"$dir/box" <<-'END'
		# the host: d0 has 192.0.2.2 and 2001:db8::2; a neighbour n at 198.51.100.9 and 2001:db8:1::9
		set -eu
		cd "$1"; script=$2; shift 2
		ip link set lo up
		ip link add d0 type veth peer name d1; ip link set d1 up; ip addr add 192.0.2.2/24 dev d0; ip addr add 2001:db8::2/64 dev d0 nodad; ip link set d0 up
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
		trap 'kill $n $c $s 2>/dev/null || :; wait' EXIT
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

teardown() { rm -rf "$dir"; }

# in_box OPTIONS… -- SCRIPT
in_box() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	run_as sub unshare -rnm bash "$dir/box" "$dir" "$2" "${options[@]}"
}

@test "a published server sees the client's own address: TCP and UDP, IPv4 and IPv6" {
	in_box -6 --publish 8080:80 --publish 8080:80/udp -- '
		$N python3 peers.py tcp 80 6 & $N python3 peers.py udp 80 6 & sleep 0.5
		for p in tcp udp; do
			python3 ask.py $p 192.0.2.2 8080; python3 ask.py $p 2001:db8::2 8080
			$NB python3 ask.py $p 198.51.100.1 8080; $NB python3 ask.py $p 2001:db8:1::1 8080
			$NB python3 ask.py $p 192.0.2.2 8080
			python3 ask.py $p 127.0.0.1 8080
		done'
	[ "$(grep -c ^true <<<"$output")" = 10 ]
	# loopback cannot be shown to another host: it appears as the gateway
	[ "$(grep -c '^other 10.0.2.2 ' <<<"$output")" = 2 ]
}

@test "connect(2) fails in the container as it does on the host" {
	in_box -6 -- '
		ip route add unreachable 203.0.113.0/24; ip route add unreachable 2001:db8:5::/64; ip neigh replace 192.0.2.1 lladdr 02:00:00:00:00:99 dev d0 nud permanent; ip route add 203.0.114.0/24 via 192.0.2.1
		cat >try.py <<-"PY"
			import socket, sys, errno
			for host, port in ("192.0.2.2", 81), ("203.0.113.5", 80), ("198.18.0.1", 80), ("2001:db8::2", 81), ("2001:db8:5::1", 80), ("203.0.114.1", 80), ("192.0.2.77", 80):
			    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET); s.settimeout(4.5)
			    try: s.connect((host, port)); print(host, "connected")
			    except TimeoutError: print(host, "TIMEOUT")
			    except OSError as e: print(host, errno.errorcode.get(e.errno, e))
		PY
		python3 try.py >host; $N python3 try.py >guest; cat guest; diff host guest && echo same'
	assert_output_has '192.0.2.2 ECONNREFUSED'
	assert_output_has '2001:db8::2 ECONNREFUSED'
	assert_output_has '203.0.114.1 TIMEOUT'
	assert_output_has same
}
