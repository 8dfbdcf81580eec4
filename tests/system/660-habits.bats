#!/usr/bin/env bats
# What people who come from Docker and Podman type without thinking

load helpers
load images
load run

setup_file() { run_setup sub; }
teardown_file() { run_teardown; }
teardown() { r sub rm -fa >/dev/null; nothing_left sub; }

N="--network none"

# refused WORD ARGS…: 125 and one line with WORD and "not supported" in it
refused() {
	local word=$1
	shift
	rr sub 125 "$@"
	assert_one_line
	assert_output_has "$word"
	assert_output_has 'not supported'
}

@test "commands that do not exist here are refused by name, not looked for in a registry" {
	for c in build commit diff events export import network pause pod prune push search stats \
		unpause; do
		refused "runner: $c:" "$c"
		refused "runner: $c:" "$c" ls
	done
	refused "'prune'" container prune
	refused "'build'" image build .
	refused "''" container
	for c in imges:images lgos:logs exe:exec pss:ps; do
		rr sub 125 "${c%:*}"
		assert_one_line
		assert_output_has "did you mean \"runner ${c#*:}\"?"
	done
	rr sub 125 --pull never imges
	[[ $output != *'did you mean'* ]]
	# an image of that name is still an image
	r sub tag bb:1 build
	rr sub run --rm $N build
	[ "$output" = hello ]
	r sub rmi build
}

@test "options that do not exist here are refused by name" {
	for o in --init --restart=always --userns=keep-id --pod=p --health-cmd=true --no-healthcheck \
		--gpus=all --link=a --volumes-from=a; do
		refused "${o%%=*}" run "$o" bb:1
		refused "${o%%=*}" "$o" bb:1
		refused "${o%%=*}" create "$o" bb:1
	done
}

@test "container, image and system in front of a command" {
	rr sub container run -d $N --name g bb:1 sleep 100
	rr sub container ls --format '{{.Names}}'
	[ "$output" = g ]
	rr sub container exec g echo in
	[ "$output" = in ]
	rr sub container inspect -f '{{.Name}}' g
	[ "$output" = g ]
	rr sub 125 image inspect g
	rr sub 125 container inspect bb:1
	rr sub image inspect -f '{{.Os}}' bb:1
	[ "$output" = linux ]
	rr sub image ls -q
	[ -n "$output" ]
	rr sub image history -q bb:1
	rr sub system info
	rr sub container rm -f g
}

@test "ps --filter: regular expressions, images with and without tag, states" {
	rr sub create --name web $N bb:1
	rr sub create --name web2 $N bb:1
	for f in 'name=^web$' 'name=^/web$' 'name=b$'; do
		rr sub ps -a --filter "$f" --format '{{.Names}}'
		[ "$output" = web ] || { echo "$f: $output"; return 1; }
	done
	rr sub ps -aq --filter name=web
	[ "${#lines[@]}" = 2 ]
	r sub tag bb:1 localhost/long/name:5
	rr sub create --name other $N localhost/long/name:5
	for f in ancestor=bb ancestor=docker.io/library/bb ancestor=bb:1; do
		rr sub ps -aq --filter "$f" --filter name=web2
		[ "${#lines[@]}" = 1 ] && [ -n "$output" ] || { echo "$f: $output"; return 1; }
	done
	rr sub ps -a --filter ancestor=localhost/long/name --format '{{.Names}}'
	[ "$output" = other ]
	rr sub ps -aq --filter ancestor=bb:2
	[ -z "$output" ]
	rr sub ps -aq --filter status=paused
	[ -z "$output" ]
	for f in 'name=[' status=fnord exited=x; do
		rr sub 125 ps -a --filter "$f"
		assert_one_line
		assert_output_has "$f"
	done
	r sub rm -fa
	r sub rmi localhost/long/name:5
}

@test "inspect --format: the lines of Docker's pages" {
	port=$(free_port)
	rr sub run -d --name ins -p "127.0.0.1:$port:80" --expose 90-91 --expose 92/udp -m 64m bb:1 sleep 100
	rr sub inspect -f '{{range $p, $conf := .NetworkSettings.Ports}}{{if $conf}}{{$p}} -> {{(index $conf 0).HostPort}}{{end}}{{end}}' ins
	[[ $output == *"80/tcp -> $port" ]]
	r sub inspect -f '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}' ins | grep -qx "$port"
	r sub inspect -f '{{(index (index .HostConfig.PortBindings "80/tcp") 0).HostIp}}' ins | grep -qx 127.0.0.1
	r sub inspect -f '{{range .NetworkSettings.Networks}}<{{.IPAddress}}>{{end}}' ins | grep -qx '<>'
	r sub inspect -f '{{.HostConfig.Memory}} {{.ImageName}} {{.NetworkSettings.IPAddress}}.' ins | grep -qx '67108864 bb:1 .'
	r sub inspect -f '{{json .Config.ExposedPorts}}' ins | grep -qx '{"80/tcp":{},"90/tcp":{},"91/tcp":{},"92/udp":{}}'
	r sub inspect -f '{{(index (index .HostConfig.PortBindings "80/tcp") 0).HostPort}}' ins | grep -qx "$port"
	rr sub 125 inspect -f '{{(index .Mounts 0).Source}}' ins
	rr sub rm -f ins
}

@test "history, images --format table" {
	rr sub history bb:1
	[[ ${lines[0]} == IMAGE*"CREATED BY"*SIZE*COMMENT ]]
	[ "${#lines[@]}" -gt 1 ]
	rr sub history --format json bb:1
	[ "$(jq -r '.[0].ID' <<<"$output")" = "$(r sub images -q bb:1)" ]
	rr sub 125 history absent:1
	assert_one_line
	rr sub images --format 'table {{.Repository}}\t{{.Tag}}' bb
	[[ ${lines[0]} == REPOSITORY*TAG ]]
	[[ ${lines[1]} == *bb*1 ]]
	[ "${#lines[@]}" = 2 ]
}

@test "--env-file, --label: no name; --mount: neither true nor false; names with newlines" {
	dir=$(scratch sub)
	printf '# comment\n\nA=1=2\n  B="q"\nHOME\nNOSUCHVAR\r\nC=\xc3\xa4 b\r\n' >"$dir/good"
	printf 'A=1\n=2\n' >"$dir/bad"
	rr sub run --rm $N --env-file "$dir/good" bb:1 sh -c 'echo "$A|$B|$HOME|${NOSUCHVAR-none}|$C"'
	[ "$output" = "1=2|\"q\"|$(as sub sh -c 'echo $HOME')|none|ä b" ]
	rr sub 125 run --rm $N --env-file "$dir/bad" bb:1
	assert_one_line
	assert_output_has "$dir/bad: line 2"
	for o in --env==x --label==x --annotation==x --hostname=$'a\nb' --add-host=$'a\nb:1.2.3.4' \
		--mount=type=bind,src=/tmp,dst=/x,ro=maybe; do
		rr sub 125 run --rm $N "$o" bb:1
		assert_one_line
	done
	rm -r "$dir"
}

# low N ARGS…: runner with so few descriptors
low() {
	as sub bash -c 'ulimit -n "$1"; shift; exec "$@"' - "$1" runner --root "$STORES/sub/root" \
		--runroot "$STORES/sub/run" "${@:2}" 3>&-
}

@test "few descriptors: a container runs, ends, and is stopped, or one line says what is too few" {
	run low 64 run --rm -p "$(free_port):80" bb:1 echo low
	[ "$status" = 0 ]
	[ "$output" = low ]
	low 64 run -d $N --name low bb:1 sleep 100
	rr sub exec low echo in
	[ "$output" = in ]
	rr sub stop -t 0 low
	rr sub rm low
	run low 20 run --rm bb:1 echo low
	[ "$status" = 125 ]
	assert_one_line
	assert_output_has 'Too many open files'
}

@test "more clients than descriptors: the others wait, nothing spins, the end reaches all" {
	rr sub run -d $N --name crowd bb:1 sleep 100
	pid=$(monitor_of sub crowd)
	as sub prlimit --pid "$pid" --nofile=28:28
	pids=()
	for _ in $(seq 20); do
		r sub wait crowd >>"$BATS_TEST_TMPDIR/codes" 2>&1 3>&- &
		pids+=($!)
	done
	sleep 1
	before=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
	sleep 1
	after=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
	kill -9 "$(init_of sub crowd)"
	wait "${pids[@]}"
	echo "ticks in a second: $((after - before))"
	[ "$((after - before))" -lt 20 ]
	[ "$(sort -u "$BATS_TEST_TMPDIR/codes")" = 137 ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/codes")" = 20 ]
	rr sub rm crowd
}

@test "no descriptor for the first client: it is heard when there is one again" {
	rr sub run -d $N --name deaf bb:1 sleep 100
	local pid used was
	pid=$(monitor_of sub deaf)
	was=$(as sub prlimit --pid "$pid" --nofile --noheadings --raw -o SOFT,HARD | tr ' ' :)
	# all numbers up to the limit are taken, and nobody is there whose leaving would tell
	used=$(ls "/proc/$pid/fd" | sort -n | awk '$1 != n { exit } { n++ } END { print n }')
	as sub prlimit --pid "$pid" --nofile="$used:"
	r sub stop -t 0 deaf >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
	sleep 0.5
	kill -0 "$!"
	as sub prlimit --pid "$pid" --nofile="${was%:*}:"
	wait_for 5 eval "! kill -0 $!"
	wait "$!"
	rr sub rm deaf
}

@test "the number that means unchanged is no user; a name without value is no variable; a full disk is told" {
	for u in 4294967295 0:4294967295 1:4294967295; do
		rr sub 125 run --rm $N --user "$u" bb:1 id
		assert_one_line
	done
	rr sub run -d $N --name e bb:1 sleep 100
	rr sub exec -e A=1 -e NOSUCHVAR -e HOME e env
	[[ $'\n'$output != *$'\n'NOSUCHVAR* ]]
	assert_output_has A=1
	assert_output_has "HOME=$(as sub sh -c 'echo $HOME')"
	rr sub 125 exec -u 4294967295 e id
	for c in "ps -a" images info version "inspect e" --help; do
		run bash -c '. "$1/helpers.bash"; as sub runner --root "$2/root" --runroot "$2/run" $3 2>&1 >/dev/full' - \
			"$BATS_TEST_DIRNAME" "$STORES/sub" "$c"
		[ "$status" = 125 ]
		assert_one_line
		assert_output_has 'No space left'
	done
	rr sub rm -f e
}

@test "a store and words that are no UTF-8" {
	dir=$(scratch sub)
	odd=$dir/$'\xff'
	o() { as sub runner --root "$odd/root" --runroot "$dir/run" "$@" 3>&-; }
	o load -q -i "$IMG/bb"
	[ "$(o run --rm $N bb:1 echo in)" = in ]
	[ "$(o info -f '{{.Root}}')" = "$dir/?/root" ]
	o run -d $N --name q -e A=$'\xff!' -l k=$'\xff' bb:1 sleep 100
	[[ $(o inspect -f '{{.Folder}} {{.Config.Env}} {{.Config.Labels.k}}' q) == "$dir/?/root/"*'A=?!'*' ?' ]]
	[ "$(o ps -q --filter label=k=$'\xff' | wc -l)" = 1 ]
	[ "$(o exec q sh -c 'echo "$A"')" = $'\xff!' ]
	o rm -f q
	wait_for 5 as sub uidmap run rm -rf "$odd" "$dir/run"
	rm -r "$dir"
}

@test "a caller that ignores the ends of its children does not keep us from ours" {
	local as_one=(as sub env --ignore-signal=CHLD runner --root "$STORES/sub/root" --runroot "$STORES/sub/run")
	run "${as_one[@]}" run --rm bb:1 sh -c 'exit 7'
	[ "$status" = 7 ]
	rr sub run -d $N --name told bb:1 sleep 100
	run "${as_one[@]}" exec told sh -c 'exit 6'
	[ "$status" = 6 ]
	rr sub rm -f told
	for kind in sub nosub; do run_as "$kind" 5 env --ignore-signal=CHLD uidmap run sh -c 'exit 5'; done
}

@test "ignored signals of the caller are not the container's; a small file limit keeps the log short, not the container" {
	run as sub sh -c 'trap "" HUP INT QUIT PIPE USR1; exec "$@"' - runner --root "$STORES/sub/root" \
		--runroot "$STORES/sub/run" run --rm $N --name ign bb:1 grep SigIgn /proc/self/status
	[[ $output == *0000000000000000 ]] || { echo "$output"; return 1; }
	run as sub bash -c 'ulimit -f 64; exec "$@"' - runner --root "$STORES/sub/root" --runroot "$STORES/sub/run" \
		run --name big $N bb:1 sh -c 'yes | head -c 300000; exit 3'
	[ "$status" = 3 ]
	[ "${#lines[@]}" = 150000 ]
	rr sub logs big
	[ "${#lines[@]}" -gt 100 ]
	[ "$(sort -u <<<"$output")" = y ]
	rr sub rm big
}

@test "a full disk: the program's end is recorded, files can be fetched, everything can be removed" {
	dir=$(scratch sub)
	chmod 0777 "$dir"
	for kind in sub nosub; do
		mkdir "$dir/$kind"
		mount -t tmpfs -o size=12m tmpfs "$dir/$kind"
		chown "$(account $kind):" "$dir/$kind"
		f() { as "$kind" runner --root "$dir/$kind/root" --runroot "$dir/$kind/run" "$@" 3>&-; }
		f load -q -i "$IMG/bb"
		run f run $N --name full bb:1 sh -c 'dd if=/dev/zero of=/big bs=1M count=20 2>/dev/null; dd if=/dev/zero of=/rest bs=512 count=999 2>/dev/null; exit 7'
		[ "$status" = 7 ]
		[ "$(f wait full)" = 7 ]
		[ "$(f inspect -f '{{.State.Status}} {{.State.Pid}}' full)" = "exited 0" ]
		run f run -d $N bb:1 sleep 100
		[ "$status" = 125 ]
		assert_one_line
		assert_output_has 'No space left'
		f cp full:/big "$dir/big"
		[ -s "$dir/big" ]
		rm "$dir/big"
		f rm full
		f rmi bb:1
		umount "$dir/$kind"
	done
	rm -r "$dir"
}

@test "--label-file, --dns-option, logs --until, stop --timeout, attach --no-stdin do what they say" {
	dir=$(scratch sub)
	printf '# labels\na=1\nb\n\nc=x=y\n' >"$dir/labels"
	chmod -R a+rX "$dir"
	rr sub run -d -i --name opts --label-file "$dir/labels" --label a=2 --dns 10.0.0.1 --dns-option ndots:3 --dns-opt rotate \
		bb:1 sh -c 'echo one; sleep 2; echo two; read x; echo "read $x"; exec sleep 100'
	rr sub inspect -f '{{json .Config.Labels}}' opts
	[ "$(jq -cS . <<<"$output")" = '{"a":"2","b":"","c":"x=y"}' ]
	rr sub exec opts cat /etc/resolv.conf
	assert_output_has 'nameserver 10.0.0.1'
	assert_output_has 'options ndots:3 rotate'
	wait_for 5 eval 'r sub logs opts | grep -q two'
	rr sub logs --until "$(r sub logs -t opts | sed -n '2s/ .*//p' | sed 's/\..*Z/Z/')" opts
	[ "$output" = one ]
	# nobody's input
	echo typed | r sub attach --no-stdin opts >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	sleep 0.5
	rr sub logs opts
	[[ $output != *typed* ]]
	before=$(date +%s%N)
	rr sub stop --timeout 1 opts
	took=$((($(date +%s%N) - before) / 1000000))
	[ "$took" -ge 900 ] && [ "$took" -lt 4000 ] || { echo "took $took ms"; return 1; }
	wait
	rr sub rm opts
	rm -r "$dir"
}
