#!/usr/bin/env bats
# slirp-net: every table full, and what goes on then; keepalive; rules that change; polling

load helpers.bash
load slirp_box.bash

setup() {
	box_setup
	cat >"$dir/limits.py" <<-'END'
		# fills one table of slirp-net; "api" is its control socket
		import json, os, resource, select, socket, struct, sys, time
		hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]; resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
		def api(verb, **args):
		    s = socket.socket(socket.AF_UNIX); s.connect("api"); s.sendall(json.dumps({"execute": verb, "arguments": args}).encode()); s.shutdown(1)
		    out = b""
		    while d := s.recv(65536): out += d
		    return json.loads(out)
		def stats(): return api("stats")["return"]
		def until(what, seconds=20):
		    end = time.time() + seconds
		    while not what() and time.time() < end: time.sleep(0.02)
		    return what()
		def echo(kept, word): kept.sendall(word); return kept.recv(99) == word
		def csum(b):
		    s = sum(struct.unpack(">%dH" % (len(b) // 2), b))
		    while s >> 16: s = (s & 65535) + (s >> 16)
		    return ~s & 65535
		def opening(host, port):
		    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); raw.bind(("tap0", 0)); mac = raw.getsockname()[4]
		    a = socket.inet_aton("10.0.2.100") + socket.inet_aton(host)
		    ip = struct.pack(">BBHHHBBH", 0x45, 0, 40, 7, 0, 64, 6, 0) + a; ip = ip[:10] + struct.pack(">H", csum(ip)) + ip[12:]
		    for n in range(1, 17000):
		        t = struct.pack(">HHIIBBHHH", 20000 + n, port, n, 0, 0x50, 2, 65535, 0, 0); t = t[:16] + struct.pack(">H", csum(a + struct.pack(">HH", 6, 20) + t)) + t[18:]
		        raw.send(bytes.fromhex("525600000002") + mac + b"\x08\0" + ip + t)
		        if n % 100 == 0: until(lambda: stats()["tcp"]["opening"] + 60 > min(n, 16384))
		def ports(to, n):
		    for i in range(n):
		        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 10000 + i)); s.sendto(b"x", to); s.close()
		        if i % 50 == 0: time.sleep(0.004)
		def clients(to, n):
		    kept = []
		    for i in range(n):
		        s = socket.socket(); s.setblocking(False); s.connect_ex(to); kept.append(s)
		        if i % 200 == 0: time.sleep(0.02)
		    return kept
		def queries(n):
		    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10)
		    for i in range(n):
		        s.sendto(struct.pack(">6H", i, 0x100, 1, 0, 0, 0) + b"\4name\0\0\1\0\1", ("10.0.2.3", 53))
		        if i % 50 == 0: time.sleep(0.01)
		    return s
	END
	cat >"$dir/echo.py" <<-'END'
		# echo.py PORT: TCP and UDP, one client each at a time is enough
		import socket, sys, threading
		t = socket.create_server(("", int(sys.argv[1]))); u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("", int(sys.argv[1])))
		def tcp(c):
		    try:
		        while d := c.recv(9999): c.sendall(d)
		    except OSError: pass
		def udp():
		    while 1: d, a = u.recvfrom(9999); u.sendto(d, a)
		threading.Thread(target=udp, daemon=True).start()
		while 1: threading.Thread(target=tcp, args=(t.accept()[0],), daemon=True).start()
	END
}

teardown() { rm -rf "$dir"; }

# many descriptors are needed to fill the larger tables
need_descriptors() { [ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 20000 ] || skip "the descriptor limit is below 20000"; }

limits() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	in_box --api-socket "$dir/api" "${options[@]}" -- "$2"
}

# one line about a full table
one_line() { [ "$(grep -c "^slirp-net: warning: $1" <<<"$output")" = 1 ] || { echo "not one line '$1' in: $output"; return 1; }; }

@test "16384 connections being opened: the next is refused with one line, an old one lives" {
	need_descriptors
	limits -- '
		$NB nft "add table ip t; add chain ip t in { type filter hook input priority 0; }; add rule ip t in tcp dport 7999 drop"
		python3 echo.py 7001 & sleep 0.5
		$N python3 -c "
from limits import *
kept = socket.create_connection((\"192.0.2.2\", 7001), 5); opening(\"198.51.100.9\", 7999)
print(\"opening\", stats()[\"tcp\"][\"opening\"], \"alive\", echo(kept, b\"word\"))
try: socket.create_connection((\"192.0.2.2\", 7001), 5); print(\"let in\")
except ConnectionRefusedError: print(\"refused\")
print(\"counted\", stats()[\"tcp\"][\"refused\"] > 1)"; kill %%'
	assert_output_has 'opening 16384 alive True'
	assert_output_has refused
	assert_output_has 'counted True'
	one_line 'too many connections are being opened; refusing some'
}

@test "8192 clients that wait for the container: the next is reset with one line, an old one lives" {
	need_descriptors
	limits --publish 21070:7999 --publish 21071:7001 -- '
		$N nft "add table ip t; add chain ip t in { type filter hook input priority 0; }; add rule ip t in tcp dport 7999 drop"
		$N python3 echo.py 7001 & sleep 0.5
		$NB python3 -c "
from limits import *
kept = socket.create_connection((\"198.51.100.1\", 21071), 5); echo(kept, b\"x\"); waiting = clients((\"198.51.100.1\", 21070), 8192)
more = clients((\"198.51.100.1\", 21070), 20); p = select.poll(); [p.register(s, select.POLLERR | select.POLLHUP) for s in more]; time.sleep(0.5)
print(\"reset\", len(p.poll(5000))); p = select.poll(); [p.register(s, select.POLLERR | select.POLLHUP) for s in waiting]
print(\"waiting reset\", len(p.poll(0)), \"alive\", echo(kept, b\"word\"), \"counted\", stats()[\"tcp\"][\"refused\"])"; kill %%'
	assert_output_has 'reset 20'
	assert_output_has 'waiting reset 0 alive True counted 20'
	one_line 'too many clients wait for the container; refusing some'
}

@test "8192 ports that the container sends from, 8192 clients of a published one: the oldest makes room, with one line" {
	need_descriptors
	limits --publish 21072:7001/udp -- '
		python3 echo.py 7001 & $N python3 echo.py 7001 & sleep 0.5
		for where in "$N 192.0.2.2 7001" "$NB 198.51.100.1 21072"; do set -- $where; host=${@: -2:1} port=${@: -1}; ${@:1:$#-2} python3 -c "
from limits import *
to = (\"$host\", $port); ports(to, 8300); until(lambda: stats()[\"udp\"][\"open\" if $port == 7001 else \"published\"] == 8192, 5); u = stats()[\"udp\"]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5); s.sendto(b\"late\", to)
print(u[\"open\"], u[\"published\"], u[\"refused\"] > 50, s.recv(9))"; done; kill %1 %2'
	assert_output_has "8192 0 True b'late'"
	assert_output_has "8192 8192 True b'late'"
	one_line 'too many UDP ports in use; the longest silent one is dropped'
	one_line 'too many UDP clients; the longest silent one is dropped'
}

@test "1024 queries: the oldest makes room, with one line, and the newest is answered" {
	run_as sub unshare -rnm bash -c 'mkdir '"$dir"'/etc; cp -a /etc/. '"$dir"'/etc 2>/dev/null; echo "nameserver 192.0.2.2" >'"$dir"'/etc/resolv.conf.t; mv -f '"$dir"'/etc/resolv.conf.t '"$dir"'/etc/resolv.conf
		mount --bind '"$dir"'/etc /etc; bash '"$dir"'/box '"$dir"' '"'"'
		python3 -c "
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22); s.bind((\"192.0.2.2\", 53)); open(\"up\", \"w\")
while 1:
    d, a = s.recvfrom(999)
    if b\"late\" in d: s.sendto(d[:2] + b\"\x81\x80\" + d[4:], a)" & while [ ! -e up ]; do sleep 0.05; done
		$N python3 -c "
from limits import *
queries(1100); until(lambda: stats()[\"dns\"][\"waiting\"] == 1024, 5); d = stats()[\"dns\"]; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)
s.sendto(struct.pack(\">6H\", 7, 0x100, 1, 0, 0, 0) + b\"\4late\0\0\1\0\1\", (\"10.0.2.3\", 53)); a = s.recv(99); print(\"waiting\", d[\"waiting\"], d[\"dropped\"] > 50, a[:2])"; kill %%'"'"' --api-socket '"$dir"'/api'
	assert_output_has "waiting 1024 True b'\\x00\\x07'"
	one_line 'too many names are being asked for; the oldest query is dropped'
}

@test "16384 published ports, 16 clients of the control socket, 1024 rules" {
	need_descriptors
	limits --publish 127.0.0.1:20000-36383:20000-36383 -- '
		$N python3 echo.py 30000 & sleep 0.5
		python3 -c "
from limits import *
print(api(\"add_hostfwd\", proto=\"tcp\", host_addr=\"127.0.0.1\", host_port=19999, guest_port=80)); print(\"alive\", echo(socket.create_connection((\"127.0.0.1\", 30000), 5), b\"word\"))
print(api(\"remove_hostfwd\", id=1), api(\"add_hostfwd\", proto=\"tcp\", host_addr=\"127.0.0.1\", host_port=19999, guest_port=80))
print(api(\"set_egress\", rules=[\"allow=10.0.0.1\"] * 1025), api(\"set_egress\", rules=[\"allow=10.0.0.1\"] * 1024), stats()[\"egress\"][\"rules\"])
def conn(): s = socket.socket(socket.AF_UNIX); s.settimeout(5); s.connect(\"api\"); return s
idle = [conn() for _ in range(16)]; time.sleep(0.3); s = conn(); print(\"17th\", s.recv(9)); idle[0].sendall(b\"{}\"); print(idle[0].recv(999)); time.sleep(0.1); print(\"room\", \"return\" in api(\"stats\"))"; kill %%'
	assert_output_has "'bad request: add_hostfwd: 127.0.0.1:19999/tcp: No space left on device'"
	assert_output_has 'alive True'
	assert_output_has "{'return': {}} {'return': {'id': 16385}}"
	assert_output_has 'more than 1024 rules'
	assert_output_has "{'return': {}} 1024"
	assert_output_has "17th b''"
	assert_output_has 'no execute found'
	assert_output_has 'room True'
}

@test "set_egress while connections run: what is forbidden now is cut, the rest lives, new ones obey" {
	limits --flow-log "$dir/log" -- '
		python3 echo.py 7001 & $NB python3 echo.py 7002 & sleep 0.5
		$N python3 -c "
from limits import *
a = socket.create_connection((\"192.0.2.2\", 7001), 5); b = socket.create_connection((\"198.51.100.9\", 7002), 5); u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.settimeout(2); u.connect((\"198.51.100.9\", 7002))
print(\"before\", echo(a, b\"1\"), echo(b, b\"2\"), echo(u, b\"3\"))
print(api(\"set_egress\", rules=[\"allow=192.0.2.0/24:7001\"]))
b.settimeout(3)
try: print(\"still\", b.recv(9))
except ConnectionResetError: print(\"cut\")
try: print(\"datagram still\", echo(u, b\"4\"))
except OSError as e: print(\"datagram\", e)
print(\"lives\", echo(a, b\"5\"), echo(socket.create_connection((\"192.0.2.2\", 7001), 5), b\"6\"))
try: socket.create_connection((\"198.51.100.9\", 7002), 5); print(\"new one let in\")
except OSError as e: print(\"new\", e)
print(api(\"set_egress\", rules=[])); a.settimeout(3)
try: print(\"still\", a.recv(9))
except ConnectionResetError: print(\"cut, too\")
print(api(\"set_egress\", rules=None)); print(\"after\", echo(socket.create_connection((\"198.51.100.9\", 7002), 5), b\"7\"), echo(u, b\"8\"))"; kill %1 %2; cat log'
	assert_output_has 'before True True True'
	[[ $output != *still* ]] || { echo "$output"; return 1; }
	assert_output_has $'\ncut\n'
	assert_output_has 'datagram [Errno 113] No route to host'
	assert_output_has 'lives True True'
	assert_output_has 'new [Errno 113] No route to host'
	assert_output_has 'cut, too'
	assert_output_has 'after True True'
	[ "$(grep -c '"event":"deny".*"peer":"198.51.100.9:7002"' <<<"$output")" -ge 1 ]
}

@test "keepalive: a peer that fell silent ends the container's connection, both ways; one that is there does not" {
	limits --publish 21073:7001 -- '
		for knob in time:1 intvl:1 probes:2; do echo ${knob#*:} >/proc/sys/net/ipv4/tcp_keepalive_${knob%:*}; done
		cat >wait.py <<-"END"
			# wait.py connect|serve [HOST] PORT NAME: how an idle connection ends, and when
			import socket, sys, time
			s = socket.create_connection((sys.argv[2], int(sys.argv[3])), 5) if sys.argv[1] == "connect" else socket.create_server(("", int(sys.argv[3]))).accept()[0]
			t = time.time(); s.settimeout(20)
			try: print(sys.argv[4], "end", s.recv(9))
			except OSError as e: print(sys.argv[4], type(e).__name__, "early" if time.time() - t < 5.5 else "late")
		END
		$NB python3 echo.py 7002 & e=$!; python3 echo.py 7003 & e2=$!
		$N python3 wait.py serve - 7001 inbound & sleep 0.5
		$NB python3 wait.py connect 198.51.100.1 21073 client & k=$!
		$N python3 wait.py connect 198.51.100.9 7002 outbound & w=$!; $N timeout 12 python3 wait.py connect 192.0.2.2 7003 there & sleep 5
		$NB ss -Htn state established | wc -l; $NB nft "add table ip t; add chain ip t in { type filter hook input priority 0; }; add rule ip t in drop"
		wait $w; sleep 1.5; kill $e $e2 $k; sleep 0.3'
	assert_output_has 'outbound ConnectionResetError'
	assert_output_has 'inbound ConnectionResetError'
	# neither ended while the peer answered, nor the one whose peer still does
	[[ $output != *early* && $output != *'there C'* && $output != *'there T'* ]] || { echo "$output"; return 1; }
}

@test "--busy-poll: it polls when asked, and sleeps at once when not" {
	cat >"$dir/pingpong.py" <<-'END'
		# pingpong.py PID: how many of 2000 waits of that process were sleeps
		from limits import *
		s = socket.create_connection(("192.0.2.2", 7001), 5); s.setsockopt(6, 1, 1)
		def sleeps(): return int(open("/proc/%s/status" % sys.argv[1]).read().split("nonvoluntary")[0].split("voluntary_ctxt_switches:")[1])
		[echo(s, b"x") for _ in range(200)]; n = sleeps(); [echo(s, b"x") for _ in range(2000)]; print("sleeps", sleeps() - n)
	END
	# others who want the processors end the polling, or spare the sleep: a quiet moment is enough
	polls() {
		for i in $(seq 12); do
			limits --busy-poll "$1" -- 'echo watched $(ls -l /proc/$s/fd | grep -c schedstat); python3 echo.py 7001 & sleep 0.5; $N python3 pingpong.py $s; kill %%'
			rm -f "$dir/ready"
			echo "$output"
			grep -qx "watched $2" <<<"$output" || return 1
			[ "$(sed -n 's/^sleeps //p' <<<"$output")" "$3" "$4" ] && return
			sleep 1
		done
		read -r _ _ _ running _ </proc/loadavg
		[ "${running%/*}" -le "$(nproc)" ] || skip "others want the processors: nobody polls then"
		return 1
	}
	polls 1000 1 -lt 1500
	polls 0 0 -gt 1700
}

@test "datagrams that were sent as one (UDP_SEGMENT) arrive as they were meant: out and back, published, each path, both families" {
	cat >"$dir/segments.py" <<-'END'
		# segments.py serve PORT | ask HOST PORT: both sides send runs of datagrams in one call, and tell what came
		import socket, sys
		runs = [(1000, 10500), (1400, 14000), (3000, 15000), (1, 40), (1200, 2400)]
		def send(s, to):
		    for size, total in runs:
		        s.setsockopt(17, 103, size)
		        try: s.sendto(bytes([size % 251]) * total, to)
		        except OSError: # larger than the MTU here
		            s.setsockopt(17, 103, 0); [s.sendto(bytes([size % 251]) * size, to) for _ in range(total // size)]
		        s.setsockopt(17, 103, 0); s.sendto(b"", to)
		def read(s, a=None):
		    got = []
		    for size, total in runs:
		        n = []
		        while 1:
		            d, a = s.recvfrom(70000)
		            if not d: break
		            n.append(len(d) if d == bytes([size % 251]) * len(d) else "bad")
		        got.append(n == [size] * (total // size) + [total % size] * (total % size > 0) or n)
		    return got, a
		fam = socket.AF_INET6 if sys.argv[1] == "serve" or ":" in sys.argv[2] else socket.AF_INET
		s = socket.socket(fam, socket.SOCK_DGRAM); s.settimeout(10); s.setsockopt(1, 8, 1 << 20)
		if sys.argv[1] == "serve":
		    s.bind(("::", int(sys.argv[2])))
		    while 1:
		        s.settimeout(None); s.recvfrom(9, socket.MSG_PEEK); s.settimeout(5); got, a = read(s); print("served", got, flush=True); send(s, a)
		s.connect((sys.argv[2], int(sys.argv[3]))); send(s, (sys.argv[2], int(sys.argv[3]))); print("asked", read(s)[0])
	END
	for way in '' --no-splice '--no-splice --no-tun'; do
		in_box -6 $way --publish 21074:7002/udp -- '
			python3 segments.py serve 7001 & $N python3 segments.py serve 7002 & sleep 0.5
			# who the gateway is, is asked before: what waits for that may be overtaken
			for gw in 10.0.2.2 fd00::2; do $N ping -c1 -W2 $gw >/dev/null || :; done
			$N python3 segments.py ask 192.0.2.2 7001; $N python3 segments.py ask 2001:db8::2 7001
			case "'"$way"'" in "") python3 segments.py ask 192.0.2.2 21074; $NB python3 segments.py ask 198.51.100.1 21074 ;; esac
			kill %1 %2'
		# libslirp's published ports lose empty datagrams, which end the runs here
		want=2; [ -n "$way" ] || want=4
		for what in asked served; do
			[ "$(grep -c "^$what \[True, True, True, True, True\]" <<<"$output")" = $want ] || { echo "way '$way': $output"; return 1; }
		done
		rm -f "$dir/ready"
	done
}
