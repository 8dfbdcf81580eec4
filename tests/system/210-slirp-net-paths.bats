#!/usr/bin/env bats
# slirp-net: what the container and its clients see, in a host of its own (a network namespace
# with two addresses, a neighbour host, and both families)

load helpers.bash

load slirp_box.bash

setup() { box_setup; }

teardown() { rm -rf "$dir"; }

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
		python3 try.py >host & p=$!; $N python3 try.py >guest; wait $p; cat guest; diff host guest && echo same'
	assert_output_has '192.0.2.2 ECONNREFUSED'
	assert_output_has '2001:db8::2 ECONNREFUSED'
	assert_output_has '203.0.114.1 TIMEOUT'
	assert_output_has same
}
