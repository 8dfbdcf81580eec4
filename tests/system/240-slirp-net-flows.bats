#!/usr/bin/env bats
# slirp-net: how connections live and end, and what is left when they have

load helpers.bash
load slirp_box.bash

setup() {
	box_setup
	cat >"$dir/ends.py" <<-'END'
		# ends.py serve PORT | try HOST PORT: half-close and reset in both directions, urgent data, bulk
		import socket, struct, sys, threading, time
		RESET = struct.pack("ii", 1, 0)
		def rst(s): s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET); s.close()
		def drain(s):
		    n = 0
		    while 1:
		        d = s.recv(1 << 16)
		        if not d: return n
		        n += len(d)
		def serve(c):
		    what = c.recv(1)
		    if what == b"h": n = drain(c); time.sleep(0.2); c.sendall(b"%d" % n); c.close()      # client ends first, we go on
		    if what == b"s": c.sendall(b"bye"); c.shutdown(1); print("server got", drain(c), flush=True)
		    if what == b"r": c.sendall(b"x"); time.sleep(0.2); rst(c)
		    if what == b"c":
		        try: drain(c); print("server saw end", flush=True)
		        except ConnectionResetError: print("server saw reset", flush=True)
		    if what == b"u":
		        c.recv(2); time.sleep(0.3); print("server urgent", c.recv(1, socket.MSG_OOB), flush=True); c.sendall(b"k")
		    if what == b"b": c.sendall(b"z" * 10000000); c.close()
		if sys.argv[1] == "serve":
		    s = socket.socket(socket.AF_INET6); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("::", int(sys.argv[2]))); s.listen()
		    while 1: threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
		def dial(): return socket.create_connection((sys.argv[2], int(sys.argv[3])), 10)
		s = dial(); s.sendall(b"h" + b"x" * 100000); s.shutdown(1); print("half", s.recv(99))
		s = dial(); s.sendall(b"s"); print("their half", s.recv(99), s.recv(1)); s.sendall(b"y" * 50000); s.close()
		s = dial(); s.sendall(b"r"); print("then", s.recv(1))
		try: print("no reset", s.recv(1))
		except ConnectionResetError: print("client saw reset")
		s = dial(); s.sendall(b"cxx"); time.sleep(0.2); rst(s)
		s = dial(); s.sendall(b"uab"); time.sleep(0.1); s.send(b"!", socket.MSG_OOB); print("urgent", s.recv(1))
		s = dial(); s.sendall(b"b"); print("bulk", drain(s)); time.sleep(0.3)
	END
}

teardown() { rm -rf "$dir"; }

ends_are_passed_on() {
	assert_output_has "half b'100000'"
	assert_output_has "their half b'bye' b''"
	assert_output_has 'server got 50000'
	assert_output_has 'client saw reset'
	assert_output_has 'server saw reset'
	assert_output_has 'bulk 10000000'
}

@test "half-close, reset, urgent data and bulk, outbound" {
	in_box -6 -- 'python3 ends.py serve 7000 & sleep 0.4; $N python3 ends.py try 192.0.2.2 7000; $N python3 ends.py try 2001:db8::2 7000 | tail -1; kill %%'
	ends_are_passed_on
	assert_output_has "server urgent b'!'"
}

@test "half-close, reset, urgent data and bulk, published" {
	in_box --publish 7001:7000 -- '$N python3 ends.py serve 7000 & sleep 0.4; $NB python3 ends.py try 198.51.100.1 7001; kill %%'
	ends_are_passed_on
	assert_output_has "server urgent b'!'"
}

@test "without the splice path it carries, publishes and resolves too" {
	for way in --no-splice '--no-splice --no-tun'; do
		in_box -6 $way --publish 7001:7000 --publish 7002:7002/udp -- '
			python3 ends.py serve 7003 & $N python3 ends.py serve 7000 & sleep 0.5
			$N python3 ends.py try 192.0.2.2 7003 | tail -1; $NB python3 ends.py try 198.51.100.1 7001 | tail -1
			$N python3 peers.py udp 7002 1 & sleep 0.4; python3 ask.py udp 127.0.0.1 7002
			$N ping -c1 -W2 10.0.2.2 | grep -c "1 received"; kill %1 %2 || :'
		[ "$(grep -c 'bulk 10000000' <<<"$output")" = 2 ]
		assert_output_has 'other 10.0.2.2'
		rm -f "$dir/ready"
	done
}

@test "without --configure: DHCP, and an idle tap device of that name gives way" {
	cat >"$dir/lease" <<<'#!/bin/sh
[ "$1" = bound ] && echo "lease $ip $router $dns"'
	chmod +x "$dir/lease"
	sed -i 's/slirp-net -c /slirp-net /; s,^mkfifo ready,$N ip tuntap add name tap0 mode tap; $N ip link set tap0 up\nmkfifo ready,' "$dir/box"
	in_box -- '$N ip -d link show tap0 | grep -o veth; $N ip -br link show tap0 | grep -o ",UP,"
		$N busybox udhcpc -q -n -i tap0 -s ./lease 2>/dev/null'
	assert_output_has veth
	assert_output_has 'lease 10.0.2.15 10.0.2.2 10.0.2.3'
}

datagram_scripts() {
	cat >"$dir/echo.py" <<-'END'
		# echo.py PORT: send datagrams back, and say from where each came and how long it was
		import socket, sys
		s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.setsockopt(41, 26, 0); s.bind(("::", int(sys.argv[1])))
		while 1: d, a = s.recvfrom(70000); print("from", *a[:2], len(d), flush=True); s.sendto(d, a)
	END
	cat >"$dir/sizes.py" <<-'END'
		# sizes.py HOST PORT SIZE…: each there and back, from one socket
		import os, socket, sys
		s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)
		s.connect((sys.argv[1], int(sys.argv[2])))
		for n in map(int, sys.argv[3:]):
		    d = os.urandom(n); s.send(d); print("same" if s.recv(70000) == d else "DIFFERENT", n)
		s.settimeout(0.3)
		try: print("TWICE", len(s.recv(70000)))
		except TimeoutError: pass
	END
}

@test "datagrams of every size, both ways, over both families, from one port of the host" {
	datagram_scripts
	sizes='0 1 1400 1452 1453 1472 1473 1480 1481 9000 20000 65000'
	in_box -6 -- 'python3 echo.py 7100 >echo.log & sleep 0.4
		$N python3 sizes.py 192.0.2.2 7100 '"$sizes"' 65507; $N python3 sizes.py 2001:db8::2 7100 '"$sizes"' 65507 65527
		echo "ports $(cut -d" " -f 2,3 echo.log | sort -u | wc -l)"; kill %%'
	[ "$(grep -c '^same' <<<"$output")" = 27 ]
	[[ $output != *DIFFERENT* && $output != *TWICE* ]]
	assert_output_has 'ports 2'
}

@test "datagrams of every size over published ports; none arrives twice" {
	datagram_scripts
	in_box -6 --mtu=1280 --publish 7001:7000/udp -- '$N python3 echo.py 7000 >echo.log & sleep 0.4
		$NB python3 sizes.py 198.51.100.1 7001 0 1200 1253 9000 65507; $NB python3 sizes.py 2001:db8:1::1 7001 0 1200 1233 9000 65507
		cat echo.log; kill %%'
	[ "$(grep -c '^same' <<<"$output")" = 10 ]
	[[ $output != *DIFFERENT* && $output != *TWICE* ]]
	assert_output_has 'from 2001:db8:1::9'
}

@test "datagrams in fragments obey egress rules; large pings are answered" {
	datagram_scripts
	in_box -6 --egress allow=192.0.2.2:7100/udp --egress 'allow=[2001:db8::2]:7100/udp' -- 'python3 echo.py 7100 >/dev/null & python3 echo.py 7102 >denied.log & sleep 0.4
		for a in 192.0.2.2 2001:db8::2; do $N python3 sizes.py $a 7100 9000; $N python3 sizes.py $a 7102 9000 2>&1 | tail -1; done
		wc -c denied.log; $N ping -c1 -W2 -s 9000 10.0.2.2 | grep -o "1 received"; kill %1 %2'
	[ "$(grep -c 'same 9000' <<<"$output")" = 2 ]
	[ "$(grep -cE 'No route to host|Permission denied' <<<"$output")" = 2 ]
	assert_output_has '0 denied.log'
	assert_output_has '1 received'
}

@test "datagrams: nobody listening is told" {
	cat >"$dir/udp.py" <<-'END'
		import socket, sys
		t = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
		t.settimeout(5); t.connect((sys.argv[1], 7101)); t.send(b"x" * int(sys.argv[2]))
		try: print("answer?", t.recv(9))
		except ConnectionRefusedError: print("refused")
	END
	in_box -6 -- 'for n in 1 9000; do $N python3 udp.py 192.0.2.2 $n; $N python3 udp.py 2001:db8::2 $n; done'
	[ "$(grep -c refused <<<"$output")" = 4 ]
}

tos_script() {
	cat >"$dir/tos.py" <<-'END'
		# tos.py serve PORT: say which TOS byte connections and datagrams came with; datagrams go back with it plus 4
		# tos.py try HOST PORT BYTE: one of each
		import socket, sys, threading
		def watch(s): s.setsockopt(0, 13, 1) if s.family == 2 else s.setsockopt(41, 66, 1)
		def mark(s, n): s.setsockopt(0, 1, n) if s.family == 2 else s.setsockopt(41, 67, n)
		def seen(anc): return [d[0] for l, t, d in anc if (l, t) in ((0, 1), (41, 67))]
		def tcp(s):
		    while 1: c = s.accept()[0]; o = c.getsockopt(0, 9, 99) if s.family == 2 else c.getsockopt(41, 6, 99); c.sendall(b"%d" % o[16] if o else b"none"); c.close()
		def udp(s):
		    while 1: d, anc, _, a = s.recvmsg(99, 99); n = seen(anc)[0]; mark(s, n + 4); s.sendto(b"%d" % n, a)
		if sys.argv[1] == "serve":
		    for family, any in ((2, "0.0.0.0"), (10, "::")):
		        for kind, fn in ((1, tcp), (2, udp)):
		            s = socket.socket(family, kind); s.setsockopt(1, 2, 1); family == 10 and s.setsockopt(41, 26, 1); s.bind((any, int(sys.argv[2])))
		            kind == 1 and s.listen(); watch(s); threading.Thread(target=fn, args=(s,)).start()
		    threading.Event().wait()
		family = 10 if ":" in sys.argv[2] else 2; to = (sys.argv[2], int(sys.argv[3])); n = int(sys.argv[4])
		s = socket.socket(family, 1); s.settimeout(5); mark(s, n); s.connect(to); print("tcp", s.recv(9).decode())
		u = socket.socket(family, 2); u.settimeout(5); mark(u, n); watch(u); u.sendto(b"?", to); d, anc, _, _ = u.recvmsg(99, 99); print("udp", d.decode(), "back", *seen(anc))
		mark(u, 0); u.sendto(b"?", to); d, anc, _, _ = u.recvmsg(99, 99); print("udp", d.decode(), "back", *seen(anc))
	END
}

# the class of traffic, 184 = EF; datagrams also keep ECN's bits
tos_is_carried() {
	[ "$(grep -c '^tcp 184$' <<<"$output")" = 2 ]
	[ "$(grep -c '^udp 185 back 189$' <<<"$output")" = 2 ]
	[ "$(grep -c '^udp 0 back 4$' <<<"$output")" = 2 ]
}

@test "DSCP of connections and datagrams, outbound" {
	tos_script
	in_box -6 -- 'python3 tos.py serve 7200 & sleep 0.5; for a in 192.0.2.2 2001:db8::2; do $N python3 tos.py try $a 7200 185; done; kill %%'
	tos_is_carried
}

@test "DSCP of connections and datagrams, published" {
	tos_script
	in_box -6 --publish 7001:7200 --publish 7001:7200/udp -- '$N python3 tos.py serve 7200 & sleep 0.5; for a in 198.51.100.1 2001:db8:1::1; do $NB python3 tos.py try $a 7001 185; done; kill %%'
	tos_is_carried
}

@test "a host with one family only" {
	sed -i 's,^mkfifo ready,sysctl -qw net.ipv6.conf.all.disable_ipv6=1\nmkfifo ready,' "$dir/box"
	in_box -6 --publish 7001:80 -- 'python3 -m http.server -b 0.0.0.0 7003 >/dev/null 2>&1 & $N python3 -m http.server -b 0.0.0.0 80 >/dev/null 2>&1 & sleep 0.6
		again="--retry 20 --retry-all-errors --retry-delay 1"
		$N curl $again -so /dev/null -w "out %{http_code}\n" http://192.0.2.2:7003/; curl $again -so /dev/null -w "in %{http_code}\n" http://127.0.0.1:7001/
		$N curl -sm 3 http://[2001:db8::2]:7003/ || echo six $?; kill %1 %2 || :'
	assert_output_has 'out 200'
	assert_output_has 'in 200'
	assert_output_has 'six 7'
}

@test "1200 short connections leave no descriptor and no memory behind" {
	in_box --publish 7001:80 -- '
		cat >srv.py <<-"PY"
			import socket, sys
			s = socket.socket(); s.setsockopt(1, 2, 1); s.bind(("0.0.0.0", int(sys.argv[1]))); s.listen(128)
			while 1: c = s.accept()[0]; c.recv(9); c.send(b"k"); c.close()
		PY
		cat >cli.py <<-"PY"
			import socket, sys
			for _ in range(300):
			    s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5); s.send(b"q"); s.recv(9); s.close()
		PY
		python3 srv.py 7003 & $N python3 srv.py 80 & sleep 0.5
		count() { echo "$1 $(ls /proc/$s/fd | wc -l) $(awk "/VmRSS/{print \$2}" /proc/$s/status)"; }
		$N python3 cli.py 192.0.2.2 7003; $NB python3 cli.py 198.51.100.1 7001; sleep 0.2; count first
		$N python3 cli.py 192.0.2.2 7003; $NB python3 cli.py 198.51.100.1 7001; sleep 0.2; count second
		kill %1 %2 || :'
	first=($(grep ^first <<<"$output")) second=($(grep ^second <<<"$output"))
	[ "$((second[1] - first[1]))" -le 32 ] # sockets held ready for the next clients
	# the address sanitizer keeps what was freed for a while
	[ "${VARIANT:-release}" = asan ] || [ "$((second[2] - first[2]))" -le 200 ]
}
