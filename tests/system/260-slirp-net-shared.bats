#!/usr/bin/env bats
# slirp-net --shared: several containers on one gateway

load helpers.bash
load slirp_box.bash

setup() {
	box_setup
	cat >"$dir/attach.py" <<-'END'
		# attach.py SOCKET PID|- REQUEST: one request, with the network namespace of a process
		import os, socket, sys
		s = socket.socket(socket.AF_UNIX); s.settimeout(15); s.connect(sys.argv[1])
		if sys.argv[2] == "-": s.sendall(sys.argv[3].encode())
		else: socket.send_fds(s, [sys.argv[3].encode()], [os.open("/proc/%s/ns/net" % sys.argv[2], os.O_RDONLY)])
		out = b""
		while d := s.recv(65536): out += d
		print(out.decode())
	END
	cat >"$dir/more.sh" <<-'END'
		# NAME=namespace of its own: more NAME; A NAME ARGUMENTS: attach it; api REQUEST
		more() {
			unshare ${2:-} -n sleep 100 & local p=$!
			while [ "$(readlink /proc/$p/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
			printf -v "$1" %s $p; printf -v "${1^^}" %s "nsenter -t $p ${2:+-U --preserve-credentials} -n"
		}
		attach() { python3 attach.py api $1 "{\"execute\":\"attach\",\"arguments\":{${2:-}}}"; }
		api() { python3 attach.py api - "{\"execute\":\"$1\",\"arguments\":{${2:-}}}"; }
	END
	cat >"$dir/lookup.py" <<-'END'
		# lookup.py NAME: addresses that the resolver gives, IPv4 then IPv6
		import socket, struct, sys
		for family, kind, server in (socket.AF_INET, 1, "10.0.2.3"), (socket.AF_INET, 28, "10.0.2.3"), (socket.AF_INET6, 28, "fd00::3"):
		    s = socket.socket(family, socket.SOCK_DGRAM); s.settimeout(5)
		    q = b"".join(bytes([len(l)]) + l.encode() for l in sys.argv[1].split(".")) + struct.pack(">BHH", 0, kind, 1)
		    s.sendto(struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + q, (server, 53)); a = s.recv(4096)
		    n, at = struct.unpack(">H", a[6:8])[0], 12 + len(q); size = 4 if kind == 1 else 16
		    print(kind, "rcode", a[3] & 15, *[socket.inet_ntop(2 if kind == 1 else 10, a[at + (12 + size) * i + 12:][:size]) for i in range(n)])
	END
}

teardown() { rm -rf "$dir"; }

# shared OPTIONS… -- SCRIPT: the box with a shared gateway
shared() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	in_box --shared --api-socket "$dir/api" "${options[@]}" -- ". ./more.sh; $2"
}

@test "containers reach each other directly, the host, and by published ports of their own" {
	shared -6 --name web -- '
		more b; more d
		attach $b "\"names\":[\"DB\",\"db.example\"]"; attach $d "\"guest_addr\":\"10.0.2.7\",\"mac\":\"02:00:00:00:00:77\",\"interface\":\"net1\",\"names\":[\"db\"]"
		$B ip -br addr show tap0; $D ip -br addr show net1
		for peer in 10.0.2.100 10.0.2.7 fd00::100 fd00::a3; do $B ping -c1 -W2 $peer | grep "1 received"; done
		$N python3 peers.py tcp 80 1 & $B python3 peers.py tcp 80 2 & $B python3 peers.py udp 80 1 & python3 peers.py tcp 7001 1 & sleep 0.6
		$B python3 ask.py tcp 10.0.2.100 80; $D python3 ask.py tcp fd00::101 80; $D python3 ask.py tcp 192.0.2.2 7001
		api add_hostfwd "\"proto\":\"tcp\",\"host_port\":21061,\"guest_addr\":\"10.0.2.101\",\"guest_port\":80"
		api add_hostfwd "\"proto\":\"udp\",\"host_port\":21061,\"guest_addr\":\"10.0.2.101\",\"guest_port\":80"
		$NB python3 ask.py tcp 198.51.100.1 21061; $NB python3 ask.py udp 198.51.100.1 21061
		for name in web Db db.example; do $D python3 lookup.py $name; done
		api list_namespaces'
	[ "$(grep -c '1 received' <<<"$output")" = 4 ]
	[ "$(grep -c '^true 10.0.2.101 ' <<<"$output")" = 1 ]
	assert_output_has 'true fd00::a3 '
	# the host sees itself, as with one container
	assert_output_has 'other 192.0.2.2'
	[ "$(grep -c '^true 198.51.100.9 ' <<<"$output")" = 2 ]
	assert_output_has '10.0.2.101/24 fd00::101/64'
	assert_output_has '10.0.2.7/24 fd00::a3/64'
	assert_output_has '1 rcode 0 10.0.2.100'
	assert_output_has '1 rcode 0 10.0.2.101 10.0.2.7'
	[ "$(grep -c '28 rcode 0 fd00::101 fd00::a3' <<<"$output")" = 2 ]
	assert_output_has '"id":3,"interface":"net1","mac":"02:00:00:00:00:77","guest_addr":"10.0.2.7","state":"on","names":["db"],"guest_addr6":"fd00::a3"'
}

@test "egress rules hold for each container; flow log and flows name it" {
	shared --name web --egress allow=198.51.100.9:7002 --flow-log "$dir/log" -- '
		more b; attach $b "\"names\":[\"db\"]"
		$NB python3 peers.py tcp 7002 2 & sleep 0.4
		$B python3 -c "import socket; s = socket.create_connection((\"198.51.100.9\", 7002), 5); s.recv(99)"
		for who in "$N" "$B"; do $who timeout 3 nc -v 192.0.2.2 22 </dev/null || :; done
		$B python3 -c "
import socket, subprocess
s = socket.create_connection((\"198.51.100.9\", 7002), 5)
print(subprocess.run([\"python3\", \"attach.py\", \"api\", \"-\", \"{\\\"execute\\\":\\\"list_flows\\\"}\"], capture_output=True, text=True).stdout)"
		cat log'
	[ "$(grep -c 'No route to host' <<<"$output")" = 2 ]
	[ "$(grep -c '"event":"deny".*"container":"db"' <<<"$output")" = 1 ]
	assert_output_has '"container":"db","peer":"198.51.100.9:7002"'
	grep -q '"flows":\[{"proto":"tcp","direction":"out","guest":"10.0.2.101:[0-9]*","container":"db"' <<<"$output"
}

@test "detach, and a namespace that ends: ports, connections and address are free again" {
	shared -- '
		more b; more d
		attach $b; attach $d "\"guest_addr\":\"10.0.2.101\""; attach $d
		for i in 1 2; do api add_hostfwd "\"proto\":\"tcp\",\"host_port\":2106$i,\"guest_addr\":\"10.0.2.10$i\",\"guest_port\":80"; done
		python3 -c "
import socket
s = socket.create_server((\"192.0.2.2\", 7003))
for i in 1, 2:
    c = s.accept()[0]; print(\"up\", flush=True)
    try: c.recv(1); print(\"an end\", flush=True)
    except ConnectionResetError: print(\"a reset\", flush=True)" &
		for who in "$B" "$D"; do $who python3 -c "
import socket, time
s = socket.create_connection((\"192.0.2.2\", 7003), 5); time.sleep(30)" & sleep 0.6
			[ "$who" = "$B" ] && { api detach "\"id\":2" | sed "s/^/detach /"; $B ip link show tap0 || :; } || { kill $d %%; }
			sleep 0.4
		done
		for i in $(seq 50); do api list_namespaces >now; grep -q "\"id\":3" now || break; sleep 0.1; done
		cat now; api list_hostfwd; api list_flows; api detach "\"id\":2"
		more q; attach $q "\"guest_addr\":\"10.0.2.102\""; $Q ping -c1 -W2 10.0.2.100 | grep "1 received"
		b=$(pgrep -P $s); nsenter -t $b -n nft list tables | grep -c netdev; nsenter -t $b -n nft list chains | grep -c "chain p[0-9]"; nsenter -t $b -n ip neigh | grep -c PERM'
	assert_output_has 'attach: the address is in use'
	assert_output_has 'detach {"return":{}}'
	assert_output_has 'Device "tap0" does not exist'
	# the one is cut by us, the other's process ends in order
	[ "$(grep -cE '^(a reset|an end)' <<<"$output")" = 2 ]
	assert_output_has 'a reset'
	assert_output_has '{"return":{"entries":[]},"entries":[]}'
	assert_output_has '{"return":{"flows":[],"total":0}}'
	assert_output_has 'detach: bad arguments.id'
	assert_output_has '"id":4,"interface":"tap0"'
	assert_output_has '1 received'
	# one table; the chains and the neighbours of those two that are there
	[ "$(tail -3 <<<"$output" | tr '\n' ' ')" = '1 2 2 ' ] || { echo "$output"; return 1; }
}

@test "root of one container cannot take a neighbour's address, nor be the gateway, a router or a DHCP server" {
	cat >"$dir/spoof.py" <<-'END'
		# spoof.py IF MYMAC MYIP4 VICTIMMAC: frames in others' names, and two honest ones
		import socket, struct, sys
		raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); raw.bind((sys.argv[1], 0))
		me = raw.getsockname()[4]; victim = bytes.fromhex(sys.argv[3].replace(":", "")); target = bytes.fromhex(sys.argv[4].replace(":", "")); own = sys.argv[2]
		gw = bytes.fromhex("525600000002"); ff = b"\xff" * 6; A, P = socket.inet_aton, lambda a: socket.inet_pton(10, a)
		def csum(b):
		    b += b"\0" * (len(b) % 2); s = sum(struct.unpack(">%dH" % (len(b) // 2), b))
		    while s >> 16: s = (s & 65535) + (s >> 16)
		    return ~s & 65535
		def arp(dst, src, op, sha, spa, tha, tpa): raw.send(dst + src + b"\x08\x06" + struct.pack(">HHBBH", 1, 0x800, 6, 4, op) + sha + A(spa) + tha + A(tpa))
		def ip4(dst, src, s, d, sport, dport, data, flags=0):
		    u = struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data
		    h = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(u), 7, flags, 64, 17, 0, A(s), A(d))
		    raw.send(dst + src + b"\x08\0" + h[:10] + struct.pack(">H", csum(h)) + h[12:] + u)
		def ip6(dst, s, d, proto, body, at):
		    ph = P(s) + P(d) + struct.pack(">II", len(body), proto); body = body[:at] + struct.pack(">H", csum(ph + body)) + body[at + 2:]
		    raw.send(dst + me + b"\x86\xdd" + struct.pack(">IHBB", 6 << 28, len(body), proto, 255) + P(s) + P(d) + body)
		def na(s, t, dst=target, d="ff02::1"): ip6(dst, s, d, 58, struct.pack(">BBHI", 136, 0, 0, 0x20000000) + P(t) + b"\x02\x01" + me, 2)
		for dst in ff, target, gw:
		    for op in 1, 2:
		        for spa in "10.0.2.101", "10.0.2.2", "10.0.2.3":
		            arp(dst, me, op, me, spa, target, "10.0.2.100"); arp(dst, me, op, me, spa, ff, spa)
		        arp(dst, victim, op, victim, "10.0.2.101", target, "10.0.2.100"); arp(dst, me, op, victim, "10.0.2.101", target, "10.0.2.100")
		    ip4(dst, me, "10.0.2.101", "192.0.2.2", 4000, 7004, b"SPOOF"); ip4(dst, me, "10.0.2.101", "10.0.2.100", 4000, 7004, b"SPOOF")
		    ip4(dst, victim, "10.0.2.101", "192.0.2.2", 4000, 7004, b"SPOOF"); ip4(dst, me, "10.0.2.2", "10.0.2.100", 4000, 7004, b"SPOOF")
		    ip4(dst, me, own, "10.0.2.100", 67, 68, b"SPOOF"); ip4(dst, me, own, "255.255.255.255", 67, 68, b"SPOOF"); ip4(dst, me, "0.0.0.0", "10.0.2.100", 68, 67, b"SPOOF")
		    ip4(dst, me, own, "10.0.2.100", 67, 68, b"SPOOF", 0x2000)
		    for s in "fd00::101", "fe80::2", "fd00::2": na(s, "fd00::101", dst); na(s, s, dst)
		    for t in "fd00::101", "fd00::2", "fe80::2": na("fd00::102", t, dst); na("fd00::102", t, dst, "fd00::100")
		    for t in 134, 137: ip6(dst, "fd00::102", "ff02::1", 58, struct.pack(">BBHIII", t, 0, 0, 0x40000708, 0, 0), 2)
		    ip6(dst, "fd00::102", "fd00::100", 17, struct.pack(">HHHH", 547, 546, 13, 0) + b"SPOOF", 6)
		    # in a VLAN, and as a bridge would speak to another
		    raw.send(dst + me + b"\x81\0\0\1\x08\0" + b"SPOOF" * 12); raw.send(b"\x01\x80\xc2\0\0\0" + me + b"\0\x26BBB" + b"SPOOF" * 7)
		ip4(target, me, own, "10.0.2.100", 4000, 7004, b"HONEST4"); ip6(target, "fd00::102", "fd00::100", 17, struct.pack(">HHHH", 4000, 7004, 15, 0) + b"HONEST6", 6)
	END
	cat >"$dir/sniff.py" <<-'END'
		# sniff.py IF MAC: what of the spoofer's comes in, until it has been quiet for two seconds
		import socket, sys
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); s.bind((sys.argv[1], 3)); s.settimeout(2); open("sniffing", "w")
		mac = bytes.fromhex(sys.argv[2].replace(":", "")); P = lambda a: socket.inet_pton(10, a)
		def bad(f):
		    if b"SPOOF" in f or f[12:14] == b"\x81\0": return True
		    if f[12:14] == b"\x08\x06": return mac in (f[6:12], f[22:28]) and socket.inet_ntoa(f[28:32]) not in ("10.0.2.102", "0.0.0.0")
		    if f[12:14] == b"\x86\xdd" and f[20] == 58 and f[6:12] == mac: return f[54] in (134, 137) or f[54] == 136 and f[62:78] in (P("fd00::101"), P("fd00::2"), P("fe80::2"))
		try:
		    while 1:
		        f, a = s.recvfrom(9000)
		        if a[2] != 4: print(*["GOT " + f.hex()] * bool(bad(f)), *["honest"] * (b"HONEST" in f), flush=True)
		except TimeoutError: print("sniffed")
	END
	shared -6 -- '
		more b; more x; attach $b; attach $x
		mac() { $1 ip -br link show tap0 | tr -s " " | cut -d" " -f3; }
		$N ping -c1 -W2 10.0.2.101 >/dev/null; $N ping -c1 -W2 fd00::101 >/dev/null
		python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((\"192.0.2.2\", 7004)); s.settimeout(6)
try: print(\"HOST GOT\", s.recvfrom(99))
except TimeoutError: print(\"host: nothing\")" & h=$!
		$N python3 sniff.py tap0 $(mac "$X") & w=$!
		while [ ! -e sniffing ]; do sleep 0.05; done
		$X python3 spoof.py tap0 10.0.2.102 $(mac "$B") $(mac "$N"); wait $w
		# by the tools, too: the address, and the MAC address, of the neighbour
		$X ip addr add 10.0.2.101/24 dev tap0; $X ping -I 10.0.2.101 -c1 -W1 10.0.2.100 | grep received | sed "s/^/as 101: /" || :
		$X ip link set tap0 address $(mac "$B"); $X ping -c1 -W1 10.0.2.100 | grep received | sed "s/^/as its mac: /" || :
		[ "$($N ip neigh show 10.0.2.101 | cut -d" " -f5)" = "$(mac "$B")" ] && echo neighbour 4 right
		[ "$($N ip neigh show fd00::101 | cut -d" " -f5)" = "$(mac "$B")" ] && echo neighbour 6 right
		$N ping -c1 -W2 10.0.2.101 | grep received | sed "s/^/still: /"; wait $h'
	[[ $output != *GOT* ]] || { echo "$output"; return 1; }
	[ "$(grep -c honest <<<"$output")" = 2 ] || { echo "$output"; return 1; }
	assert_output_has sniffed
	assert_output_has 'host: nothing'
	assert_output_has 'as 101: 1 packets transmitted, 0 received'
	assert_output_has 'as its mac: 1 packets transmitted, 0 received'
	assert_output_has 'neighbour 4 right'
	assert_output_has 'neighbour 6 right'
	assert_output_has 'still: 1 packets transmitted, 1 received'
}

@test "attach refuses, each in one answer: without --shared, without a namespace, a foreign one, a taken name, bad arguments" {
	in_box --api-socket "$dir/api" -- '. ./more.sh; more b; attach $b; api list_namespaces'
	assert_output_has 'attach: needs --shared'
	assert_output_has '{"return":{"namespaces":[]}}'
	rm -f "$dir/ready"
	shared -- '
		more b; more u -Ur
		api attach; for bad in "\"guest_addr\":\"10.0.2.2\"" "\"guest_addr\":\"10.0.2.255\"" "\"guest_addr\":\"10.9.9.9\"" "\"guest_addr\":7" "\"mac\":\"01:00:00:00:00:00\"" "\"names\":[\"a..b\"]" "\"interface\":\"much-too-long-name\"" "\"default_route\":1"; do attach $b "$bad"; done
		attach $b | sed "s/^/first /"; attach $b "\"interface\":\"tap0\""; attach $b "\"interface\":\"net1\",\"default_route\":false"; echo default_ok $($B ip route show default | wc -l)
		python3 -c "
import os, socket
s = socket.socket(socket.AF_UNIX); s.connect(\"api\"); socket.send_fds(s, [b\"{\\\"execute\\\":\\\"attach\\\"}\"], [os.open(\"/\", os.O_RDONLY)]); print(\"a folder\", s.recv(999))"
		attach $u | sed "s/^/below /"; $U ping -c1 -W2 10.0.2.100 | grep "1 received"
		# a gateway in a user namespace below: what is ours is not its
		mkfifo r2; slirp-net -c -r 7 --shared -a api2 $u eth7 7>r2 & s2=$!; read -rn1 x <r2
		python3 attach.py api2 $b "{\"execute\":\"attach\",\"arguments\":{\"interface\":\"net7\"}}" | sed "s/^/foreign /"; kill $s2; wait $s2'
	assert_output_has 'attach: no descriptor of a network namespace came along'
	[ "$(grep -c 'the address is not one for containers of this network' <<<"$output")" = 3 ]
	for what in guest_addr mac names interface default_route; do assert_output_has "attach: bad arguments.$what"; done
	assert_output_has 'first {"return":{"id":2,'
	assert_output_has 'attach: tap0: make the interface: File exists'
	[ "$(grep -c 'default_ok 1' <<<"$output")" = 1 ]
	assert_output_has 'a folder b'\''{"error":{"desc":"bad request: attach: join the network namespace: Invalid argument"}}'
	assert_output_has 'below {"return":{"id":'
	assert_output_has '1 received'
	assert_output_has "foreign {\"error\":{\"desc\":\"bad request: attach: the namespace belongs neither to the gateway's user namespace nor to one below it\"}}"
}

@test "128 namespaces; the next is refused with one line, and the others live" {
	cat >"$dir/fill.py" <<-'END'
		# fill.py PID: a namespace may be attached many times, by many interfaces
		import json, os, socket, sys
		ns = os.open("/proc/%s/ns/net" % sys.argv[1], os.O_RDONLY)
		for i in range(130):
		    s = socket.socket(socket.AF_UNIX); s.connect("api")
		    socket.send_fds(s, [json.dumps({"execute": "attach", "arguments": {"interface": "e%d" % i, "default_route": False}}).encode()], [ns])
		    a = s.recv(999).decode()
		    if i in (0, 126, 127): print(i, a, flush=True)
	END
	shared -- '
		more b; python3 fill.py $b; $B ip -br link | grep -c "^e"; $N ping -c1 -W2 10.0.2.101 | grep "1 received"; kill $b
		for i in $(seq 80); do api list_namespaces >now; [ $(grep -o \"id\" now | wc -l) -gt 1 ] || break; sleep 0.1; done; grep -o \"id\" now | wc -l'
	assert_output_has '126 {"return":{"id":128,'
	assert_output_has '127 {"error":{"desc":"bad request: attach: 128 namespaces are attached already"}}'
	[ "$(grep -c 'too many namespaces are attached; refusing some' <<<"$output")" = 1 ]
	assert_output_has '1 received'
	[ "$(sed -n '/^127$/p' <<<"$output")" = 127 ]
	[ "$(tail -1 <<<"$output")" = 1 ]
}

@test "shared: the first container may end; kill -9 leaves nothing; the broker's rights" {
	shared -- '
		more b; more d; attach $b; attach $d; b2=$(pgrep -P $s); b3=$(pgrep -P $b2)
		grep CapEff /proc/$b3/status /proc/$b2/status | cut -f2 | paste -sd" "
		kill $c; for i in $(seq 50); do api list_namespaces >now; grep -q "\"id\":1," now || break; sleep 0.1; done; cat now
		$B ping -c1 -W2 10.0.2.102 | grep received; $B ping -c1 -W2 10.0.2.2 | grep received
		kill -9 $s; wait $s || :
		left() { [ -e api ] || $B ip link show tap0 || $D ip link show tap0 || [ -e /proc/$b2/ns/net ] || [ -e /proc/$b3/ns/net ]; } 2>/dev/null >&2
		for i in $(seq 50); do left || { echo nothing left; break; }; sleep 0.1; done
		(trap "exit 0" TERM; while :; do sleep 0.1; done) & s=$!; sleep 0.3'
	assert_output_has "0000000000201000 0000000000001000"
	assert_output_has '{"return":{"namespaces":[{"id":2'
	[ "$(grep -c '1 packets transmitted, 1 received' <<<"$output")" = 2 ]
	assert_output_has 'nothing left'
}

@test "shared: the process that attaches is missed at once" {
	in_box --shared --api-socket "$dir/api" -- '
		kill -9 $(pgrep -P $(pgrep -P $s)); rc=0; wait $s || rc=$?; echo "status $rc"
		(trap "exit 0" TERM; while :; do sleep 0.1; done) & s=$!; sleep 0.3'
	assert_output_has 'slirp-net: the process that attaches namespaces is gone'
	assert_output_has 'status 1'
}

@test "--shared: what it needs, and --name" {
	run_as sub 2 slirp-net --shared 1; assert_output_has '--shared: needs --configure and --api-socket'
	run_as sub 2 slirp-net --shared -c -a /x --no-splice 1; assert_output_has '--shared: not with --no-splice'
	run_as sub 2 slirp-net --name a 1; assert_output_has '--name: needs --shared'
	run_as sub 2 slirp-net --shared -c -a /x --name a..b 1; assert_output_has "--name: 'a..b' is not a host name"
}
