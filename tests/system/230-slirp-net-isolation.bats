#!/usr/bin/env bats
# slirp-net: what root of the container, with NET_ADMIN and NET_RAW there, cannot do

load helpers.bash
load slirp_box.bash

setup() {
	box_setup
	cat >"$dir/spies.py" <<-'END'
		# listens on the host's loopback, both families, TCP and UDP, and tells who came
		import socket, selectors
		sel = selectors.DefaultSelector()
		for fam, a in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"), (socket.AF_INET, "192.0.2.2"):
		    for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
		        s = socket.socket(fam, kind); s.bind((a, 7777))
		        if kind == socket.SOCK_STREAM: s.listen()
		        sel.register(s, 1, (a, kind.name))
		print("spies up", flush=True)
		while 1:
		    for k, _ in sel.select():
		        print("REACHED", *k.data, flush=True)
		        k.fileobj.accept() if k.data[1] == "SOCK_STREAM" else k.fileobj.recvfrom(99)
	END
	cat >"$dir/attack.py" <<-'END'
		# raw frames to the gateway: every address of the host's loopback, by every protocol
		import socket, struct, sys
		raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); raw.bind(("tap0", 0))
		me = raw.getsockname()[4]; gw = bytes.fromhex(sys.argv[1])
		def csum(b):
		    b += b"\0" * (len(b) % 2); s = sum(struct.unpack(">%dH" % (len(b) // 2), b))
		    while s >> 16: s = (s & 65535) + (s >> 16)
		    return ~s & 65535
		def ip4(src, dst, proto, body, flags=0):
		    h = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 7, flags, 64, proto, 0, socket.inet_aton(src), socket.inet_aton(dst))
		    return b"\x08\0" + h[:10] + struct.pack(">H", csum(h)) + h[12:] + body
		def ip6(src, dst, proto, body):
		    return b"\x86\xdd" + struct.pack(">IHBB16s16s", 6 << 28, len(body), proto, 64, socket.inet_pton(10, src), socket.inet_pton(10, dst)) + body
		def pseudo(fam, src, dst, proto, n): return socket.inet_pton(fam, src) + socket.inet_pton(fam, dst) + struct.pack(">II", n, proto)
		def tcp(fam, src, dst, flags, port=7777):
		    t = struct.pack(">HHIIBBHHH", 4242, port, 1, 1, 0x50, flags, 65535, 0, 0)
		    return t[:16] + struct.pack(">H", csum(pseudo(fam, src, dst, 6, len(t)) + t)) + t[18:]
		def udp(fam, src, dst):
		    u = struct.pack(">HHHH", 4242, 7777, 12, 0) + b"evil"
		    return u[:6] + struct.pack(">H", csum(pseudo(fam, src, dst, 17, len(u)) + u)) + u[8:]
		for src in "10.0.2.100", "127.0.0.1", "10.0.2.2", "192.0.2.2":
		    for dst in "127.0.0.1", "127.1.2.3", "10.0.2.2", "10.0.2.3", "0.0.0.0", "255.255.255.255", "10.0.2.255":
		        for flags in 2, 0x10, 0x12, 0x18, 0x42, 3: raw.send(gw + me + ip4(src, dst, 6, tcp(2, src, dst, flags)))
		        raw.send(gw + me + ip4(src, dst, 17, udp(2, src, dst)))
		        raw.send(gw + me + ip4(src, dst, 17, udp(2, src, dst)[:8], 0x2000)); raw.send(gw + me + ip4(src, dst, 17, b"evil", 1))
		        raw.send(gw + me + ip4(src, dst, 6, tcp(2, src, dst, 0x10, 9)))
		for src in "fd00::100", "::1", "fe80::1":
		    for dst in "::1", "fd00::2", "fd00::3", "::ffff:127.0.0.1", "::127.0.0.1", "fe80::2", "ff02::1":
		        for flags in 2, 0x10: raw.send(gw + me + ip6(src, dst, 6, tcp(10, src, dst, flags)))
		        raw.send(gw + me + ip6(src, dst, 17, udp(10, src, dst)))
		for n in 0, 1, 13, 14, 20, 33, 34, 53, 60: raw.send((gw + me + b"\x08\0" + b"\x45" + b"\xff" * 60)[:max(n, 14)])
	END
}

teardown() { rm -rf "$dir"; }

loopback_is_out_of_reach() {
	in_box -6 --disable-host-loopback "$@" -- '
		python3 spies.py >spied & p=$!; sleep 0.4
		for a in 10.0.2.2 10.0.2.3 127.0.0.1 fd00::2 fd00::3 ::1 ::ffff:10.0.2.2; do
			$N timeout 1 nc -N $a 7777 </dev/null & w="${w:-} $!"; echo x | $N timeout 1 nc -u -w1 $a 7777 & w="$w $!"
		done >/dev/null 2>&1
		wait $w || :
		for gw in 525600000002 52550a000202; do $N python3 attack.py $gw; done; sleep 0.3
		echo still here; kill -0 $s; kill $p; cat spied'
	assert_output_has 'spies up'
	assert_output_has 'still here'
	[[ $output != *REACHED* ]] || { echo "$output"; return 1; }
}

@test "the host's loopback is out of reach for every kind of packet" { loopback_is_out_of_reach; }
@test "the same with libslirp on a tap device" { need_tun; loopback_is_out_of_reach --no-splice; }
@test "the same with libslirp on a packet socket" { loopback_is_out_of_reach --no-splice --no-tun; }

egress_holds() {
	in_box -6 --egress deny "$@" -- '
		python3 spies.py >spied & p=$!; sleep 0.4
		for a in 192.0.2.2 10.0.2.2 fd00::2 2001:db8::2; do
			$N timeout 1 nc -N $a 7777 </dev/null & w="${w:-} $!"; echo x | $N timeout 1 nc -u -w1 $a 7777 & w="$w $!"
		done >/dev/null 2>&1
		wait $w || :
		sed -i "s/\"127.0.0.1\", \"127.1.2.3\"/\"192.0.2.2\", \"127.0.0.1\"/" attack.py; for gw in 525600000002 52550a000202; do $N python3 attack.py $gw; done
		$N ip link set tap0 down; $N ip link set tap0 address 02:00:00:00:00:77; $N ip link set tap0 up
		$N ip addr add 192.0.2.77/24 dev tap0; $N ip route replace default via 10.0.2.2
		$N timeout 1 nc -N 192.0.2.2 7777 </dev/null || :
		$N dig +time=1 +tries=1 @192.0.2.2 a.test >/dev/null || echo no resolver
		sleep 0.3; kill -0 $s; kill $p; cat spied'
	assert_output_has 'spies up'
	assert_output_has 'no resolver'
	[[ $output != *REACHED* ]] || { echo "$output"; return 1; }
}

@test "--egress holds against raw frames, other routes and other resolvers" { egress_holds; }
@test "the same without the splice path" { egress_holds --no-splice; }

@test "the rules are not the container's to see or to change" {
	in_box --disable-host-loopback -- '
		$N nft list ruleset; $N nft flush ruleset; $N ip rule | grep -c fwmark || :
		python3 spies.py >spied & p=$!; sleep 0.4
		$N timeout 1 nc -N 10.0.2.2 7777 </dev/null || echo still closed
		$N timeout 2 nc -vN 192.0.2.2 7777 </dev/null && echo still open
		kill $p'
	[[ $output != *chain* ]]
	assert_output_has 'still closed'
	assert_output_has 'still open'
}

@test "both processes are bare: empty root, no rights, few system calls" {
	in_box --enable-sandbox --enable-seccomp -- '
		b=$(pgrep -P $s); ls /proc/$s/root
		grep -H -E "CapEff|CapBnd|NoNewPrivs|Seccomp:" /proc/$s/status /proc/$b/status | sed "s/.proc.$s/main/; s/.proc.$b/broker/"'
	[ "$(head -2 <<<"$output" | tr '\n' ' ')" = 'etc run ' ]
	[[ $output =~ main/status:CapEff:[[:space:]]*0000000000000400 ]]
	[[ $output =~ broker/status:CapEff:[[:space:]]*0000000000001000 ]]
	[ "$(grep -c 'Seccomp:.*2' <<<"$output")" = 2 ]
	[ "$(grep -c 'NoNewPrivs:.*1' <<<"$output")" = 2 ]
}
