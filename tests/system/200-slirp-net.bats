#!/usr/bin/env bats
# slirp-net alone: slirp4netns's command line, descriptors and control socket

load helpers.bash

setup() {
	need_root
	need_tun
	dir=$(scratch sub)
}

teardown() {
	rm -rf "$dir"
}

# in_net OPTIONS… -- SCRIPT: start slirp-net on a namespace of its own as an ordinary user, run
# SCRIPT when it is ready ($N enters the namespace, $S is slirp-net's pid), check that it ends well
in_net() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	cat >"$dir/script" <<-'END'
		set -eu
		cd "$1"; script=$2; shift 2
		ip link set lo up
		unshare -rn sleep 60 & ns=$!
		mkfifo ready exit
		trap 'kill $ns 2>/dev/null || :; [ "$s" = $$ ] || kill $s 2>/dev/null || :' EXIT
		for i in $(seq 100); do [ "$(readlink /proc/$ns/ns/net)" != "$(readlink /proc/self/ns/net)" ] && break; sleep 0.02; done
		exec 8<>exit
		slirp-net -c -r 7 -e 9 "$@" $ns tap0 7>ready 9<exit 8>&- & s=$!
		read -rn1 byte <ready
		[ "$byte" = 1 ]
		N="nsenter -t $ns -U --preserve-credentials -n"
		eval "$script"
		exec 8>&-
		wait $s
	END
	# in a network of its own, so that ports are nobody else's
	run_as sub unshare -rn bash "$dir/script" "$dir" "$2" "${options[@]}"
}

@test "outbound TCP reaches the host by the gateway's address" {
	in_net -- '(echo from-host | timeout 5 nc -Nl 127.0.0.1 21001) & sleep 0.2
		$N timeout 5 nc 10.0.2.2 21001 </dev/null'
	assert_output_has from-host
}

@test "--disable-host-loopback keeps the host's loopback out of reach" {
	in_net --disable-host-loopback -- '(echo from-host | timeout 3 nc -Nl 127.0.0.1 21002) & sleep 0.2
		$N timeout 2 nc 10.0.2.2 21002 </dev/null || echo refused'
	assert_output_has refused
	[[ $output != *from-host* ]]
}

@test "--publish: tcp and udp, and a range" {
	in_net --publish 127.0.0.1:21010:80 --publish 127.0.0.1:21011:53/udp --publish 127.0.0.1:21020-21022:8000-8002 -- '
		(echo tcp-answer | $N timeout 5 nc -Nl 80) & (echo third | $N timeout 5 nc -Nl 8002) & sleep 0.2
		timeout 5 nc 127.0.0.1 21010 </dev/null
		timeout 5 nc 127.0.0.1 21022 </dev/null
		($N timeout 5 nc -u -l -W 1 53 >udp) &
		for _ in $(seq 40); do [ -z "$($N ss -Huln sport = :53)" ] || break; sleep 0.1; done
		echo udp-payload | timeout 1 nc -u -w 1 127.0.0.1 21011 || :
		sleep 0.2; cat udp'
	assert_output_has tcp-answer
	assert_output_has third
	assert_output_has udp-payload
}

@test "a port in use is named in one line, status 1, before ready" {
	cat >"$dir/script" <<-'END'
		ip link set lo up; cd "$1"
		python3 -c 'import socket, time; s = socket.create_server(("127.0.0.1", 21030)); open("held", "w"); time.sleep(20)' &
		unshare -rn sleep 20 & ns=$!
		until [ -e held ] && [ "$(readlink /proc/$ns/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
		slirp-net -c -r 7 --publish 127.0.0.1:21029-21031:80-82 $ns 7>ready; s=$?
		kill $(jobs -p); exit $s
	END
	run_as sub 1 unshare -rn bash "$dir/script" "$dir"
	assert_output_has 127.0.0.1:21030/tcp
	assert_one_line
	[ ! -s "$dir/ready" ]
}

@test "bad options: one line, status 2" {
	run_as sub 2 slirp-net --mtu 5 1
	assert_one_line
	run_as sub 2 slirp-net --publish nonsense 1
	assert_one_line
	assert_output_has nonsense
	run_as sub 2 slirp-net
	assert_one_line
	run_as sub 1 slirp-net 999999999
	assert_one_line
}

@test "--help names what Podman looks for" {
	run_as sub slirp-net --help
	for word in --disable-host-loopback --mtu --enable-sandbox --enable-seccomp --cidr --outbound-addr --enable-ipv6; do
		assert_output_has "$word"
	done
	run_as sub slirp-net --version
	assert_output_has 'SLIRP_CONFIG_VERSION_MAX: 4'
}

@test "control socket: add, list, remove, port 0, errors" {
	in_net --api-socket "$dir/api" -- '
		api() { echo "$1" | timeout 5 nc -NU api; echo; }
		api "{\"execute\":\"add_hostfwd\",\"arguments\":{\"proto\":\"tcp\",\"host_addr\":\"127.0.0.1\",\"host_port\":21040,\"guest_port\":80}}"
		(echo by-api | $N timeout 5 nc -Nl 80) & sleep 0.2
		timeout 5 nc 127.0.0.1 21040 </dev/null
		api "{\"execute\":\"list_hostfwd\"}"
		api "{\"execute\":\"add_hostfwd\",\"arguments\":{\"proto\":\"tcp\",\"host_addr\":\"127.0.0.1\",\"host_port\":21040,\"guest_port\":80}}"
		api "{\"execute\":\"remove_hostfwd\",\"arguments\":{\"id\":1}}"
		timeout 5 nc 127.0.0.1 21040 </dev/null || echo closed-again
		api "{\"execute\":\"add_hostfwd\",\"arguments\":{\"proto\":\"tcp\",\"host_port\":0,\"guest_port\":80}}"
		api "{\"execute\":\"stats\"}"; api "{\"execute\":\"list_flows\"}"
		api "{\"execute\":\"set_egress\",\"arguments\":{\"rules\":[\"allow=192.0.2.1\"]}}"; api "{\"execute\":\"set_egress\",\"arguments\":{\"rules\":[\"x\"]}}"
		$N timeout 3 nc -v 192.0.2.7 80 </dev/null || :
		api "{\"execute\":\"set_egress\",\"arguments\":{\"rules\":null}}"
		api badjson; api "{\"x\":1}"; api "{\"execute\":\"bad\"}"
		python3 -c "import socket
s = socket.socket(socket.AF_UNIX); s.connect(\"api\"); s.send(bytes(65536)); print(s.recv(999))"'
	assert_output_has '{"return":{"id":1}}'
	assert_output_has by-api
	assert_output_has '"host_port":21040,"guest_addr":"10.0.2.100","guest_port":80'
	assert_output_has '127.0.0.1:21040/tcp: Address already in use'
	assert_output_has '{"return":{}}'
	assert_output_has closed-again
	assert_output_has '{"return":{"id":2,"host_port":'
	assert_output_has '"path":"splice"'
	assert_output_has '{"return":{"flows":[],"total":0}}'
	assert_output_has "set_egress: 'x' is neither"
	assert_output_has 'No route to host'
	assert_output_has 'cannot parse JSON'
	assert_output_has 'no execute found'
	assert_output_has 'unknown execute'
	assert_output_has 'too large message'
	[ ! -e "$dir/api" ]
}

@test "kill -9 leaves no process and no socket file" {
	# a zombie that the machine's init has not reaped yet is no process of ours
	in_net --api-socket "$dir/api" -- '[ -S api ]; kill -9 $s; wait $s || :
		left() { [ -e api ] || pgrep --runstates DRST -u $(id -u) slirp-net; }
		for i in $(seq 250); do left || break; sleep 0.02; done
		left || echo nothing-left; s=$$; wait() { :; }'
	assert_output_has nothing-left
}

@test "--netns-type=path, from inside the user namespace and from outside" {
	run_as sub bash -c 'unshare -rn sleep 20 & ns=$!; sleep 0.3
		for how in "nsenter -U --preserve-credentials -t $ns" env; do
			mkfifo '"$dir"'/r; $how slirp-net -c -r 7 --netns-type=path /proc/$ns/ns/net tap7 7>'"$dir"'/r & s=$!
			read -rn1 byte <'"$dir"'/r; echo "ready $byte"; rm '"$dir"'/r
			nsenter -t $ns -U --preserve-credentials -n ip -o addr show tap7; kill -TERM $s; wait $s || echo bad
			sleep 0.2
		done; kill $ns'
	[ "$(grep -c 'ready 1' <<<"$output")" = 2 ]
	[ "$(grep -c 10.0.2.100/24 <<<"$output")" = 2 ]
}

@test "--netns-type=socket: the namespace comes later, or not at all" {
	cat >"$dir/send" <<-'END'
		import array, os, socket, subprocess, sys, time
		ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		ready, told = os.pipe()
		p = subprocess.Popen(["slirp-net", "-c", "-r", str(told), "--netns-type=socket", str(theirs.fileno()), "tap7"],
		                     pass_fds=[theirs.fileno(), told])
		theirs.close(); os.close(told)
		time.sleep(0.2)
		print("waits" if p.poll() is None else "left", flush=True)
		if sys.argv[1] != "none":
		    fd = os.open("/proc/%s/ns/net" % sys.argv[1], os.O_RDONLY)
		    ours.sendmsg([b"n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
		    print("ready", os.read(ready, 1).decode(), "by", ours.recv(99).decode(), flush=True)
		    os.system("nsenter -t %s -U --preserve-credentials -n ip -o addr show tap7" % sys.argv[1])
		    p.terminate()
		ours.close()
		print("status", p.wait())
	END
	run_as sub bash -c 'unshare -rn sleep 20 & ns=$!; sleep 0.3
		python3 '"$dir"'/send $ns; python3 '"$dir"'/send none; kill $ns'
	[ "$(grep -c waits <<<"$output")" = 2 ]
	assert_output_has "ready 1 by splice"
	assert_output_has "10.0.2.100/24"
	assert_output_has "status 0"
	assert_output_has "slirp-net: no network namespace came over the socket"
	assert_output_has "status 1"
}

@test "the end: the socket is gone at once, and the next start finds the name free" {
	in_net --api-socket api -- '
		for i in 1 2 3; do
			exec 8>&-; wait $s
			[ ! -e api ]
			exec 8<>exit
			slirp-net -c -r 7 -e 9 --api-socket api $ns tap0 7>ready 9<exit 8>&- & s=$!
			read -rn1 byte <ready; [ "$byte" = 1 ]
			$N ip addr show tap0 | grep -c 10.0.2.100
		done'
	[ "$(grep -c '^1$' <<<"$output")" = 3 ]
}

@test "the link has one queue each way, however many processors there are" {
	in_net -- '$N ip -d link show tap0'
	[[ $output == *"numtxqueues 1 "*"numrxqueues 1 "* ]]
}

@test "an interface of that name which stays is refused in one line" {
	in_net -- '$N ip link add eth9 type veth peer name eth8
		slirp-net -c $ns eth9 || echo "status $?"'
	assert_output_has "eth9: make the interface: File exists"
	assert_output_has "status 1"
}

@test "a start that fails leaves no socket file, whichever process failed" {
	in_net -- '$N ip link add eth9 type veth peer name eth8
		slirp-net -c -a api-1 $ns eth9 || echo "broker $?"
		slirp-net -c -a api-2 --netns-type=path /nowhere tap9 || echo "early $?"
		slirp-net -c -a api-3 --publish 192.0.2.1:80:80 $ns tap9 || echo "late $?"
		[ -z "$(ls -d api-* 2>/dev/null)" ] && echo nothing-left'
	for words in "broker 1" "early 1" "late 1" nothing-left; do assert_output_has "$words"; done
}

@test "datagrams in list_flows and in the flow log: opened, counted, closed" {
	cat >"$dir/udp.py" <<-'END'
		# udp.py serve HOST PORT | ask HOST PORT: six bytes there, four bytes back
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5); where = (sys.argv[2], int(sys.argv[3]))
		if sys.argv[1] == "serve":
		    s.bind(where); d, a = s.recvfrom(99); s.sendto(b"four", a)
		else:
		    s.sendto(b"sixsix", where); print(s.recv(99))
	END
	in_net --api-socket "$dir/api" --publish 127.0.0.1:21050:53/udp --flow-log "$dir/flows" -- '
		python3 udp.py serve 127.0.0.1 21051 & $N python3 udp.py serve 0.0.0.0 53 & sleep 0.5
		$N python3 udp.py ask 10.0.2.2 21051; python3 udp.py ask 127.0.0.1 21050
		echo "{\"execute\":\"list_flows\"}" | timeout 5 nc -NU api; echo'
	for what in '"out","guest":"10.0.2.100:[0-9]*","peer":"10.0.2.2:21051"' '"in","guest":"10.0.2.100:53","peer":"10.0.2.2:[0-9]*"'; do
		grep -q "\"udp\",\"direction\":$what" <<<"$output"
		grep -q "\"open\",\"proto\":\"udp\",\"direction\":$what" "$dir/flows"
	done
	grep -q '"close".*"out".*"bytes_out":6,"bytes_in":4' "$dir/flows"
	grep -q '"close".*"in".*"bytes_out":4,"bytes_in":6' "$dir/flows"
	[ "$(grep -c udp "$dir/flows")" = 4 ]
}

@test "--macaddress, --random-ula, --target-type" {
	in_net --enable-ipv6 --random-ula --macaddress 02:11:22:33:44:55 --target-type netns -- '$N ip addr show tap0'
	assert_output_has 'link/ether 02:11:22:33:44:55'
	ula=$(grep -o 'inet6 fd[0-9a-f:]*::100/64' <<<"$output")
	[ -n "$ula" ] && [[ $ula != *fd00::* ]]
	rm "$dir/ready" "$dir/exit"
	in_net --enable-ipv6 --random-ula -- '$N ip addr show tap0'
	[ "$ula" != "$(grep -o 'inet6 fd[0-9a-f:]*::100/64' <<<"$output")" ]
	run_as sub 2 slirp-net --target-type bess $$
	assert_one_line
}
