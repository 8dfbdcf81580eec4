#!/usr/bin/env bats
# runner cp: both ways, running and not, by every rung; what a container has prepared leads nowhere

load helpers
load images
load run

setup_file() { run_setup; }
teardown_file() { run_teardown; }
setup() { D=$(scratch sub); chmod 0777 "$D"; }
teardown() {
	for kind in sub nosub root; do r "$kind" rm -fa >/dev/null; nothing_left "$kind"; done
	wait_for 5 rm -rf "$D"
}

N="--network none"

# box KIND [RUNG]: a container that runs until it is stopped
box() {
	local kind=$1
	OPT=${2:+--storage-opt rootfs=$2}
	rr "$kind" $OPT run -d $N --name box bb:1 sh -c \
		'mkdir -p /d/e; echo 1 >/d/f; chmod 640 /d/f; ln -s f /d/l; echo 2 >/d/e/g; chown 1000:1000 /d/e 2>/dev/null; : >/ready; exec sleep 1000'
	wait_for 5 r "$kind" exec box test -e /ready
}

@test "out and in, of one that runs and one that does not, by every rung" {
	for kind in sub nosub root; do
		for rung in overlay fuse-overlay copy; do
			box "$kind" $rung
			for state in running stopped; do
				[ $state = running ] || rr "$kind" stop -t 0 box
				mkdir "$D/o"
				chmod 0777 "$D/o"
				rr "$kind" $OPT cp box:/d "$D/o"
				[ "$(cat "$D/o/d/f" "$D/o/d/e/g" "$D/o/d/l")" = $'1\n2\n1' ]
				[ "$(stat -c %a:%U "$D/o/d/f")" = "640:$(account "$kind")" ]
				[ "$(readlink "$D/o/d/l")" = f ]
				rr "$kind" $OPT cp box:/d/. "$D/o/new"
				[ "$(ls "$D/o/new")" = $'e\nf\nl' ]
				rr "$kind" $OPT cp box:d/f "$D/o/again"
				[ "$(cat "$D/o/again")" = 1 ]
				as "$kind" sh -c "echo in-$state >$D/o/in"
				rr "$kind" $OPT cp "$D/o/in" box:/etc/greeting
				rr "$kind" $OPT cp "$D/o/d" box:/tmp/
				rr "$kind" $OPT start box
				rr "$kind" exec box sh -c 'cat /etc/greeting /tmp/d/e/g; stat -c %u:%g:%a /tmp/d/f'
				[ "$output" = $'in-'$state$'\n2\n0:0:640' ]
				rm -rf "$D/o"
			done
			rr "$kind" rm -f -t 0 box
		done
	done
}

@test "volumes and files of other users; of what was never started" {
	for kind in sub nosub root; do
		rr "$kind" run -d $N --name v -v vol:/v bb:1 sh -c 'mkdir /v/p; echo 3 >/v/p/f; chown -R 1000 /v/p; chmod 700 /v/p; : >/ready; exec sleep 1000'
		wait_for 5 r "$kind" exec v test -e /ready
		rr "$kind" cp v:/v/p/f "$D/$kind"
		[ "$(cat "$D/$kind")" = 3 ]
		rr "$kind" cp "$D/$kind" v:/v/p/
		rr "$kind" exec v cat "/v/p/$kind"
		[ "$output" = 3 ]
		rr "$kind" create $N --name c bb:1 cat /given
		rr "$kind" cp "$D/$kind" c:/given
		rr "$kind" start -a c
		[ "$output" = 3 ]
		rr "$kind" rm -f v
		rr "$kind" volume rm vol
	done
}

@test "links of a container lead into it, set-user-ID bits stay there, odd files are named" {
	mkdir "$D/host"
	echo secret >"$D/host/file"
	chmod -R a+rwX "$D"
	for kind in sub nosub root; do
		rr "$kind" run -d $N --name h bb:1 sh -c "mkdir -p $D /s; ln -s $D/host /out; ln -s / /s/root; ln -s /../../..$D/host /up
			echo s >/s/suid; chmod 4755 /s/suid; mkfifo /s/pipe; : >/ready; exec sleep 1000"
		wait_for 5 r "$kind" exec h test -e /ready
		for p in /out/file /up/file /s/root/../..$D/host/file ../../..$D/host/file; do
			rr "$kind" 125 cp "h:$p" "$D/got"
			assert_one_line
			[ ! -e "$D/got" ]
		done
		echo new >"$D/new"
		chmod 0644 "$D/new"
		rr "$kind" 125 cp "$D/new" h:/out/file
		rr "$kind" 125 cp "$D/new" "h:/up/file"
		[ "$(cat "$D/host/file")" = secret ]
		rr "$kind" cp h:/s "$D/"
		assert_one_line
		assert_output_has "pipe"
		[ "$(stat -c %a "$D/s/suid")" = 755 ]
		[ "$(readlink "$D/s/root")" = / ]
		# a link on the host where a folder of the container goes
		rm -rf "$D/s"
		ln -s "$D/host" "$D/s"
		rr "$kind" 125 cp h:/s/. "$D/s/file"
		rm "$D/s"
		rr "$kind" rm -f h
	done
}

@test "a folder that the container has from where it is copied to is not copied into itself" {
	for kind in sub nosub root; do
		as "$kind" mkdir "$D/$kind"
		as "$kind" touch "$D/$kind/f"
		rr "$kind" run -d $N --name m -v "$D/$kind:/m" bb:1 sleep 1000
		rr "$kind" cp m:/m "$D/$kind"
		[ "$(cd "$D/$kind" && find . | sort | tr '\n' ' ')" = ". ./f ./m ./m/f " ]
		rr "$kind" rm -f m
		as "$kind" rm -r "$D/$kind"
	done
}

@test "one line for what is wrong" {
	rr sub run -d $N --name e bb:1 sleep 1000
	echo x >"$D/f"
	chmod 0644 "$D/f"
	for args in "e:/none $D" "$D/none e:/" "$D/f e:/none/" "$D/f e:/none/f" "e:/etc $D/f" "e:/etc $D/no/no" "$D/f nobody:/" \
		"$D/f $D/g" "e:/etc e:/tmp" "- e:/" "e:/etc -" "e:/etc/greeting /proc/none"; do
		rr sub 125 cp $args
		assert_one_line
	done
	rr sub 125 cp e:/etc
	assert_one_line
	rr sub run -d --read-only $N --name ro bb:1 sleep 1000
	rr sub 125 cp "$D/f" ro:/etc/
	assert_output_has 'Read-only'
	rr sub rm -f e ro
}
