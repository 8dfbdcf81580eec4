#!/usr/bin/env bats
# slirp-net: the resolver inside, and egress rules that go by names

load helpers.bash
load slirp_box.bash

setup() {
	box_setup
	cat >"$dir/named.py" <<-'END'
		# named.py ADDR SUFFIX-ADDR: every *.test is SUFFIX-ADDR, over UDP and TCP; big.test is long
		import socket, struct, sys, threading
		def answer(q):
		    labels, at = [], 12
		    while q[at]: labels.append(q[at + 1:at + 1 + q[at]].decode()); at += q[at] + 1
		    name, end = ".".join(labels), at + 5
		    kind = struct.unpack(">H", q[at + 1:at + 3])[0]
		    rr = b""; n = 0
		    if kind == 1 and name.endswith("test"):
		        for _ in range(200 if name == "big.test" else 1):
		            rr += b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4" + socket.inet_aton(sys.argv[2]); n += 1
		    if kind == 28 and name.endswith("test"):
		        rr += b"\xc0\x0c\0\x1c\0\1\0\0\0\5\0\x10" + socket.inet_pton(10, "2001:db8::2"); n += 1
		    return q[:2] + b"\x81\x80\0\1" + struct.pack(">H", n) + b"\0\0\0\0" + q[12:end] + rr
		fam = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
		u = socket.socket(fam, socket.SOCK_DGRAM); u.bind((sys.argv[1], 53))
		t = socket.socket(fam); t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); t.bind((sys.argv[1], 53)); t.listen()
		def tcp():
		    while 1:
		        c, _ = t.accept(); f = c.makefile("rwb")
		        try:
		            while 1:
		                h = f.read(2)
		                if len(h) < 2: break
		                a = answer(f.read(struct.unpack(">H", h)[0])); f.write(struct.pack(">H", len(a)) + a); f.flush()
		        except OSError: pass
		threading.Thread(target=tcp, daemon=True).start()
		while 1:
		    q, a = u.recvfrom(4096); r = answer(q)
		    u.sendto(r if len(r) <= 1232 else r[:2] + b"\x83\x80\0\1\0\0\0\0\0\0" + q[12:len(q)], a)
	END
	cat >"$dir/hosts.sh" <<-'END'
		# a resolv.conf of our own that can be replaced
		mkdir etc; for f in passwd group nsswitch.conf ld.so.cache hosts services protocols; do cp /etc/$f etc; done
		mount -t tmpfs tmpfs /etc; cp etc/* /etc
		echo "nameserver $1" >/etc/resolv.conf
	END
	cat >"$dir/try.py" <<-'END'
		import socket, sys
		try: socket.create_connection((sys.argv[1], int(sys.argv[2])), 2).close(); print(*sys.argv[1:], "open")
		except OSError: print(*sys.argv[1:], "closed")
	END
	sed -i 's,^mkfifo ready,\[ ! -e pre ] || . ./pre\nmkfifo ready,' "$dir/box"
}

teardown() { rm -rf "$dir"; }

@test "the resolver follows resolv.conf: UDP, TCP for long answers, IPv6 upstream, a dead first server" {
	cat >"$dir/pre" <<<'. ./hosts.sh 127.0.0.1; python3 named.py 127.0.0.1 192.0.2.2 & d1=$!; python3 named.py ::1 192.0.2.3 & d2=$!; sleep 0.4'
	in_box -6 -- '
		d() { $N dig +time=3 +tries=1 +short "$@"; }
		echo "one $(d @10.0.2.3 a.test)"
		echo "tcp $(d +tcp @10.0.2.3 a.test)"
		echo "long $(d @10.0.2.3 big.test | sort | uniq -c)"
		echo "six $(d @fd00::3 a.test AAAA)"
		echo "nameserver ::1" >/etc/resolv.conf.new; mv /etc/resolv.conf.new /etc/resolv.conf; sleep 0.3
		echo "two $(d @10.0.2.3 a.test)"
		(echo "nameserver 127.0.0.99"; echo "nameserver ::1") >/etc/resolv.conf; sleep 0.3
		echo "three $(d @10.0.2.3 a.test)"
		kill $d1 $d2'
	assert_output_has 'one 192.0.2.2'
	assert_output_has 'tcp 192.0.2.2'
	[[ $output =~ long\ +200\ 192.0.2.2 ]]
	assert_output_has 'six 2001:db8::2'
	assert_output_has 'two 192.0.2.3'
	assert_output_has 'three 192.0.2.3'
}

@test "--disable-dns: nobody answers there" {
	in_box --disable-dns -- '$N dig +time=1 +tries=1 @10.0.2.3 a.test || echo silent'
	assert_output_has silent
}

@test "egress by name: only what our resolver gave for an allowed name, and only its port" {
	cat >"$dir/pre" <<<'. ./hosts.sh 127.0.0.1; python3 named.py 127.0.0.1 192.0.2.2 & d1=$!; sleep 0.4'
	in_box -6 --egress 'allow=ok.test:80' --egress 'allow=*.wild.test' --flow-log flows -- '
		for p in 80 81 82; do python3 -m http.server -b :: $p >/dev/null 2>&1 & pids="${pids:-} $!"; done; sleep 0.5
		try() { $N timeout 4 python3 try.py "$@"; }
		d() { $N dig +time=2 +tries=1 +noall +comments "$@" | grep -o "status: [A-Z]*"; }
		echo literal; try 192.0.2.2 80; try 2001:db8::2 80; try 198.51.100.1 80
		echo "name $(d @10.0.2.3 secret.test)" "$(d +tcp @10.0.2.3 secret.test)" "$(d @10.0.2.3 wild.test)"
		echo "name $(d @10.0.2.3 ok.test)"
		try 192.0.2.2 80; try 192.0.2.2 81
		$N dig +tcp +short @10.0.2.3 x.wild.test AAAA; try 2001:db8::2 81; try 198.51.100.9 80
		echo udp; echo q | $N timeout 1 nc -u -w1 192.0.2.3 53 || :
		$N ping -c1 -W1 192.0.2.2 >/dev/null && echo ping-out || echo ping-closed
		kill $pids $d1; sleep 0.2; cat flows'
	assert_output_has '192.0.2.2 80 closed'
	assert_output_has '2001:db8::2 80 closed'
	assert_output_has '198.51.100.1 80 closed'
	assert_output_has 'name status: REFUSED'
	[[ $output != *'status: NOERROR status'* ]]
	assert_output_has 'name status: NOERROR'
	assert_output_has '192.0.2.2 80 open'
	assert_output_has '192.0.2.2 81 closed'
	assert_output_has '2001:db8::2 81 open'
	assert_output_has '198.51.100.9 80 closed'
	assert_output_has ping-closed
	assert_output_has '"event":"deny","proto":"dns"'
	assert_output_has '"name":"secret.test"'
	assert_output_has '"event":"open","proto":"tcp","direction":"out"'
	assert_output_has '"event":"close"'
	assert_output_has '"name":"ok.test"'
}
