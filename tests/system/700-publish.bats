#!/usr/bin/env bats
# runner --publish: the main job, by each kind of user

load helpers
load images
load run

setup_file() { run_setup; }
teardown_file() { run_teardown; }
teardown() { for kind in sub nosub root; do nothing_left "$kind"; done; }

# echoes PORT: a datagram comes back
echoes() {
	python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(1)
s.sendto(b'ping', ('127.0.0.1', $1))
assert s.recv(100) == b'ping'"
}

fetch() { curl --silent --show-error --fail --max-time 5 "$1"; }

@test "runner --publish PORT:80 hello: the page says on which rungs it runs" {
	for kind in sub nosub root; do
		port=$(free_port)
		r "$kind" --publish "$port:80" hello >/dev/null 2>&1 3>&- &
		cli=$!
		wait_for 10 fetch "http://127.0.0.1:$port/"
		page=$(fetch "http://127.0.0.1:$port/")
		[[ $page == *'Hello from a container'* && $page == *slirp-net* && $page == *'native overlay'* ]]
		case $kind in
		sub) [[ $page == *'<td>range</td>'* ]] ;;
		nosub) [[ $page == *'<td>recorded</td>'* ]] ;;
		root) [[ $page == *'<td>host</td>'* ]] ;;
		esac
		# Ctrl-C's signal ends the program, and with it the command
		name=$(r "$kind" ps --format '{{.Names}}')
		rr "$kind" stop "$name"
		wait "$cli"
		rr "$kind" rm "$name"
	done
}

@test "-d -p: ps and port show it, the port is free after stop" {
	for kind in sub nosub root; do
		port=$(free_port)
		rr "$kind" run -d --name web -p "127.0.0.1:$port:80" hello
		wait_for 5 fetch "http://127.0.0.1:$port/"
		rr "$kind" ps --format '{{.Ports}}'
		[ "$output" = "127.0.0.1:$port->80/tcp" ]
		rr "$kind" port web
		[ "$output" = "80/tcp -> 127.0.0.1:$port" ]
		rr "$kind" port web 80
		[ "$output" = "127.0.0.1:$port" ]
		rr "$kind" 125 port web 81
		rr "$kind" inspect -f '{{json .NetworkSettings.Ports}}' web
		[ "$(jq -r '.["80/tcp"][0].HostPort' <<<"$output")" = "$port" ]
		rr "$kind" stop web
		python3 -c "import socket; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('127.0.0.1', $port))"
		rr "$kind" start web
		wait_for 5 fetch "http://127.0.0.1:$port/"
		rr "$kind" rm -f web
	done
}

@test "a port in use: one line names it, 125, before the program starts" {
	for kind in sub nosub root; do
		port=$(free_port)
		python3 -c "import socket, time; s = socket.socket(); s.bind(('0.0.0.0', $port)); s.listen(); time.sleep(30)" 3>&- &
		holder=$!
		wait_for 5 sh -c "exec 3<>/dev/null; ss -ltn | grep -q :$port"
		mkdir -p "$STORES/$kind/seen"; chown "$(account "$kind"):" "$STORES/$kind/seen"
		rr "$kind" 125 run --rm -p "$port:80" -v "$STORES/$kind/seen:/seen" bb:1 touch /seen/started
		assert_one_line
		assert_output_has "$port"
		[ ! -e "$STORES/$kind/seen/started" ]
		nothing_left "$kind"
		rr "$kind" 125 run -d -p "$port:80" hello
		assert_one_line
		nothing_left "$kind"
		kill "$holder"
	done
}

@test "any free port, ranges, --publish-all, udp" {
	for kind in sub nosub root; do
		rr "$kind" run -d --name any -p 80 hello
		port=$(r "$kind" port any 80); port=${port##*:}
		wait_for 5 fetch "http://127.0.0.1:$port/"
		rr "$kind" rm -f any
		rr "$kind" run -d --name all -P hello
		# one line for the one port, not one for each family
		rr "$kind" port all
		[ "${#lines[@]}" -eq 1 ]
		port=$(r "$kind" port all 80 | head -n 1); port=${port##*:}
		wait_for 5 fetch "http://127.0.0.1:$port/"
		rr "$kind" rm -f all
		base=$(free_port)
		# the host's python echoes: busybox has no UDP server
		rr "$kind" run -d --name u -p "$base:7/udp" -v /usr:/usr:ro -v /lib:/lib:ro -v /lib64:/lib64:ro bb:1 /usr/bin/python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 7))
while True:
    data, peer = s.recvfrom(2000)
    s.sendto(data, peer)'
		wait_for 5 echoes "$base"
		rr "$kind" rm -f u
	done
}

@test "outbound: the host's services by the gateway's name are refused, DNS answers" {
	for kind in sub nosub root; do
		rr "$kind" run --rm bb:1 sh -c 'cat /etc/resolv.conf; ip route | head -n 1; ip addr show tap0 | grep -o "inet 10.0.2.100"'
		assert_output_has 'nameserver 10.0.2.3'
		assert_output_has 'default via 10.0.2.2'
		assert_output_has 'inet 10.0.2.100'
	done
}

@test "one container reaches another by its published port" {
	for kind in sub nosub; do
		port=$(free_port)
		addr=$(ip -4 -o addr show scope global | awk '{print $4}' | cut -d/ -f1 | head -n 1)
		[ -n "$addr" ] || skip "the host has no address beside loopback"
		rr "$kind" run -d --name server -p "$port:80" hello
		wait_for 5 fetch "http://127.0.0.1:$port/"
		rr "$kind" run --rm bb:1 wget -q -O - "http://$addr:$port/"
		assert_output_has 'Hello from a container'
		rr "$kind" rm -f server
	done
}

@test "host ports below 1024: the kernel's answer, with the sysctl's name" {
	[ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 100 ] || skip "this host lets everybody bind low ports"
	for kind in sub nosub; do
		rr "$kind" 125 run --rm -p 81:80 hello
		assert_one_line
		assert_output_has 81
	done
}
