#!/usr/bin/env bats
# Whole images where only one id exists: who programs are and who owns files is recorded

load helpers
load images
load run

setup_file() {
	run_setup nosub sub
	mkdir -p "$IMG/ids/etc" "$IMG/ids/usr/bin" "$IMG/ids/home/www"
	printf 'root:x:0:0:root:/root:/bin/sh\nwww:x:33:33:www:/home/www:/bin/sh\n' >"$IMG/ids/etc/passwd"
	printf 'root:x:0:\nwww:x:33:\nweb:x:50:www\naudio:x:29:\n' >"$IMG/ids/etc/group"
	printf 'root::19000:0:99999:7:::\n' >"$IMG/ids/etc/shadow"
	cp /bin/busybox "$IMG/ids/usr/bin/su"
	chmod 4755 "$IMG/ids/usr/bin/su"
	${CC:-cc} -O2 -Wall -static -o "$IMG/ids/usr/bin/become" "$TREE/tests/helpers/become.c"
	printf 'x' >"$IMG/ids/home/www/f"
	mkdir "$IMG/ids/links"
	for name in a b c d e; do ln -s "to-$name" "$IMG/ids/links/$name"; done
	mkfifo "$IMG/ids/links/p"
	tar -C "$IMG/ids" --owner=7 --group=8 -cf "$IMG/inner.tar" home
	cp "$IMG/inner.tar" "$IMG/ids/inner.tar"
	tar -C "$IMG/ids" --owner=0 --group=0 -cf "$IMG/ids.tar" .
	layer owners >/dev/null
	layer busybox >/dev/null
	for name in ow www; do
		python3 "$MKIMAGE" layout "$IMG/$name" $name:1 "$IMG/busybox.tar" "$IMG/owners.tar" "$IMG/ids.tar" --config \
			'{"Env":["PATH=/usr/bin:/bin"],"Cmd":["id"],"User":"'$([ $name = ow ] || echo www)'"}'
		chmod -R a+rX "$IMG/$name"
		for kind in nosub sub; do r $kind load -q -i "$IMG/$name"; done
	done
}
teardown_file() { run_teardown; }
teardown() { nothing_left nosub; }

R="run --rm --network none"

# says WORDS: the last output was these, with spaces for the ends of lines
says() { [ "$(echo $output)" = "$1" ] || { echo "not '$1':"; echo "$output"; return 1; }; }

has_exited() { [ "$(r nosub inspect -f '{{.State.Status}}' "$1")" = exited ]; }
no_agents() { [ -z "$(agents nosub)" ]; }

# agents KIND: supervisors of that account
agents() { pgrep -u "$(account "$1")" -f 'uidmap agent' || true; }

@test "the rung is recorded, and none of that is for who has a range" {
	rr nosub info -f '{{.Ids}}'
	says recorded
	rr sub info -f '{{.Ids}}'
	says range
	rr nosub $R --require ids=recorded ow:1 true
	rr sub $R --require ids=recorded ow:1 true
	rr nosub 125 $R --require ids=range ow:1 true
	assert_output_has "--require ids=range: this host gives recorded"
	rr nosub 125 $R --recorded-ids off --require ids=recorded ow:1 true
	assert_output_has "--require ids=recorded: this host gives one"
	rr nosub 125 $R --recorded-ids some ow:1 true
	assert_output_has "--recorded-ids some: not off, fast or full"
	rr sub run -d --network none --name sub1 ow:1 sleep 100
	[ -z "$(agents sub)" ]
	rr sub rm -f -t 0 sub1
	rr nosub run -d --network none --name one ow:1 sleep 100
	[ "$(agents nosub | wc -l)" = 1 ]
	rr nosub inspect -f '{{.Rungs.Ids}}' one
	says recorded
	rr nosub rm -f -t 0 one
	[ -z "$(agents nosub)" ]
}

@test "a program is who it was asked to be" {
	rr nosub $R ow:1
	assert_output_has "uid=0(root) gid=0(root)"
	# the same as where the ids exist
	local user group who
	for user in "" www 0 12:34 33:50 1000; do
		for group in "" audio 77; do
			who=(${user:+--user "$user"} ${group:+--group-add "$group"} www:1 id)
			rr sub $R "${who[@]}"
			there=$output
			rr nosub $R "${who[@]}"
			says "$there"
		done
	done
	[[ $there == uid=1000* ]]
	rr nosub $R --user 33 --recorded-ids fast ow:1 id -u
	says 33
	rr nosub 125 $R --user 33 --recorded-ids off --group-add audio ow:1 id
	assert_output_has "with one id no other group exists"
	rr nosub $R --user 33 --recorded-ids off ow:1 id -u
	says 33
}

@test "files have the image's owners, whatever they are" {
	local stat='stat -c %u:%g:%a:%F /srv /srv/file /srv/suid /srv/root /srv/fifo /srv/link'
	rr nosub $R ow:1 $stat
	says "33:33:2750:directory 33:34:640:regular file 0:42:4755:regular file 0:0:600:regular file 33:33:600:fifo 33:33:777:symbolic link"
	rr nosub $R --recorded-ids fast ow:1 stat -c %u:%g /srv /srv/file
	says "0:0 0:0"
	rr nosub $R --recorded-ids off ow:1 stat -c %u:%g /srv /srv/file
	says "0:0 0:0"
	rr nosub --storage-opt rootfs=copy $R ow:1 $stat
	assert_output_has "33:34:640:regular file"
}

@test "chown and chmod are kept: seen by others, over restarts, cleared where the kernel clears" {
	rr nosub run --network none --name keep ow:1 sh -c 'echo a >/f; chown 33:50 /f; chmod 4711 /f; stat -c %u:%g:%a /f
		chown 1:1 /f; stat -c %u:%g:%a /f; mkdir /d; chown www:web /d; ln -s f /l; chown -h 5:6 /l; stat -c %u:%g /l /d; cat /f'
	says "33:50:4711 1:1:711 5:6 33:50 a"
	rr nosub start keep
	wait_for 10 has_exited keep
	rr nosub rm keep
	rr nosub run -d --network none --name live ow:1 sleep 100
	rr nosub exec live sh -c 'touch /made; ln -s x /link; mkfifo /fifo; chown -h 9:9 /made /link /fifo; chown -h 3:4 /srv/link'
	rr nosub restart -t 0 live
	rr nosub exec live sh -c 'rm /fifo; mkfifo /fifo; stat -c %u:%g /made /link /fifo /srv/link /srv/fifo'
	says "9:9 9:9 0:0 3:4 33:33"
	rr nosub rm -f -t 0 live
}

@test "links that overlay copies up keep their owners: other names, other times, over restarts" {
	rr nosub run -d --network none --name up ow:1 sleep 100
	rr nosub exec up sh -c 'cd /links; chown -h 1:2 a; chown -h 3:4 b; chown -h 5:6 c; chown -h 7:8 d; chown 9:10 p
		mv a a2; touch -h -d @1 b; ln c c2; mv d d2; chown -h 77:88 d2; chmod 600 p; mv /srv/link /srv/link2
		stat -c %u:%g a2 b c c2 d2 p /srv/link2; rm e; ln -s other e; tar cf /t.tar a2; tar tvf /t.tar'
	assert_output_has "1/2"
	says "1:2 3:4 5:6 5:6 77:88 9:10 33:33 $(echo ${lines[-1]})"
	rr nosub exec up sh -c 'rm /srv/fifo; mkfifo /srv/fifo'
	rr nosub restart -t 0 up
	rr nosub exec up sh -c 'cd /links; stat -c %u:%g a2 b c c2 d2 p /srv/link2 e /srv/fifo; stat -c %a p'
	says "1:2 3:4 5:6 5:6 77:88 9:10 33:33 0:0 0:33 600"
	rr nosub exec up sh -c 'cd /links; chown -h 11:12 b; mv c2 c3; stat -c %u:%g b c3'
	rr nosub restart -t 0 up
	rr nosub exec up sh -c 'cd /links; stat -c %u:%g b c3'
	says "11:12 5:6"
	rr nosub rm -f -t 0 up
}

@test "ids are given up for good, by the kernel's rules; set-user-ID programs give them back" {
	rr nosub $R ow:1 become 33 33 33+50 id
	says "uid=33(www) gid=33(www) groups=33(www),50(web)"
	rr nosub $R ow:1 su www -c 'id -u; chown 0 /home/www 2>&1; touch /tmp/mine; stat -c %u:%g /tmp/mine; become 33 33 33 true || true'
	says "33 chown: /home/www: Operation not permitted 33:33 become: Operation not permitted"
	rr nosub $R --user www ow:1 sh -c 'id -u; /usr/bin/su -c "id -u"'
	says "33 0"
	rr nosub 1 $R --user www --security-opt no-new-privileges ow:1 /usr/bin/su -c "id -u"
	rr nosub $R --cap-drop CHOWN ow:1 sh -c 'chown 1 /etc/passwd 2>&1; become 4 4 4 id -u'
	says "chown: /etc/passwd: Operation not permitted 4"
	rr nosub 1 $R --cap-drop ALL ow:1 become 4 4 4 id -u
	says "become: Operation not permitted"
}

@test "exec: who is asked for, with the same records" {
	rr nosub run -d --network none --name ex --group-add 77 www:1 sleep 100
	rr nosub exec ex id
	says "uid=33(www) gid=33(www) groups=50(web),77"
	rr nosub exec --user 0 ex sh -c 'id -u; touch /r; chown 44 /r'
	says 0
	rr nosub exec --user 55:66 ex sh -c 'id -u; id -g; stat -c %u /r'
	says "55 66 44"
	rr nosub exec ex su -c 'id -u'
	says 0
	rr nosub exec --user 0 ex stat -c %u /proc/1
	says 33
	rr nosub exec --user 0 --privileged ex sh -c 'chown 45 /r; stat -c %u /r'
	says 45
	rr nosub rm -f -t 0 ex
}

@test "tar unpacks owners; new files are their maker's" {
	rr nosub $R ow:1 sh -c 'cd /tmp && tar xf /inner.tar && stat -c %u:%g home home/www home/www/f
		become 33 50 50 sh -c "mkdir /tmp/n; echo >/tmp/n/f; ln -s x /tmp/n/l; stat -c %u:%g /tmp/n /tmp/n/f /tmp/n/l"'
	says "7:8 7:8 7:8 33:50 33:50 33:50"
}

@test "mounts: a folder of the host is root's until it is given away, volumes have the image's owners" {
	dir=$(scratch nosub)
	as nosub sh -c "echo >$dir/host"
	rr nosub $R -v "$dir:/h" ow:1 sh -c 'stat -c %u:%g /h /h/host; chown 33:33 /h/host; stat -c %u:%g /h/host'
	says "0:0 0:0 33:33"
	rr nosub $R -v "$dir:/h" ow:1 stat -c %u:%g /h/host
	says 33:33
	[ "$(stat -c %U "$dir/host")" = "$(account nosub)" ]
	rr nosub $R --user www -v "$dir:/h:U" ow:1 stat -c %u:%g /h /h/host
	says "33:33 33:33"
	rr nosub $R -v vol:/srv ow:1 stat -c %u:%g /srv /srv/file
	says "33:33 33:34"
	rm -rf "$STORES/nosub/root/volumes" "$dir"
}

@test "security options: no filter of ours, privileged, a profile that denies, one with a listener" {
	for opt in "--security-opt seccomp=unconfined" --privileged; do
		rr nosub $R $opt --user 33 ow:1 sh -c 'id -u; stat -c %u /srv'
		says "33 33"
	done
	dir=$(scratch root)
	chmod 0755 "$dir"
	printf '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["chown","fchownat","lchown"],"action":"SCMP_ACT_ERRNO","errnoRet":38}]}' >"$dir/deny"
	rr nosub $R --security-opt "seccomp=$dir/deny" ow:1 sh -c 'chown 1 /etc/passwd 2>&1; become 4 4 4 id -u; stat -c %u /srv'
	says "chown: /etc/passwd: Function not implemented 4 33"
	printf '{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"%s","syscalls":[{"names":["kexec_load"],"action":"SCMP_ACT_NOTIFY"}]}' "$dir/s" >"$dir/listen"
	python3 -c 'import socket,sys,time; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); time.sleep(60)' "$dir/s" 3>&- &
	listener=$!
	wait_for 10 test -S "$dir/s"
	chmod 0666 "$dir/s"
	rr nosub $R --security-opt "seccomp=$dir/listen" ow:1 stat -c %u /srv
	assert_output_has "ids: not recorded: the seccomp profile has a listener of its own"
	[ "${lines[-1]}" = 0 ]
	rr nosub 125 $R --require ids=recorded --security-opt "seccomp=$dir/listen" ow:1 true
	kill $listener
	rm -rf "$dir"
	rr nosub 125 $R --ulimit rttime=5 ow:1 true
	assert_output_has "recorded ids need that limit"
}

@test "fuse-overlay with one id: owners it cannot show hinder nobody, and are recorded" {
	need_fuse
	rr nosub --storage-opt rootfs=fuse-overlay $R --recorded-ids off ow:1 sh -c \
		'stat -c %u:%g /srv /srv/file; echo y >/srv/file; cat /srv/file; echo new >/srv/new; mv /srv/new /srv/newer; cat /srv/newer'
	says "0:0 0:0 y new"
	rr nosub --storage-opt rootfs=fuse-overlay $R ow:1 sh -c 'stat -c %u:%g /srv /srv/file /srv/link; chown 5:6 /srv/file; stat -c %u:%g /srv/file'
	says "33:33 33:34 33:33 5:6"
	[ ! -x /usr/bin/fuse-overlayfs ] || {
		rr nosub 125 --storage-opt mount_program=/usr/bin/fuse-overlayfs $R --require ids=recorded ow:1 true
		assert_output_has "not recorded: /usr/bin/fuse-overlayfs shows the owners"
	}
}

@test "the agent is killed: the container is stopped and says why" {
	rr nosub run -d --network none --name lost ow:1 sleep 100
	rr nosub exec lost sh -c 'ln -s x /mine; chown -h 5:6 /mine /srv/link'
	kill -9 "$(agents nosub)"
	wait_for 10 has_exited lost
	rr nosub inspect -f '{{.State.ExitCode}}' lost
	says 137
	rr nosub inspect -f '{{.State.Error}}' lost
	says "the supervisor of recorded ids ended"
	rr nosub logs lost
	assert_output_has "the supervisor of recorded ids ended, so the container was stopped"
	rr nosub start lost
	rr nosub exec lost sh -c 'id -u; stat -c %u:%g /mine /srv/link'
	says "0 5:6 5:6"
	rr nosub rm -f -t 0 lost
}

@test "the monitor is killed: the agent goes with it" {
	rr nosub run -d --network none --name dead ow:1 sleep 100
	kill -9 "$(monitor_of nosub dead)"
	wait_for 10 no_agents
	rr nosub ps -a --format '{{.Status}}'
	assert_output_has "Exited (137)"
	rr nosub rm dead
}
