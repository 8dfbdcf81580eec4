# uidmap agent: a container with one id sees the ids that are recorded

load helpers
load oci
load agent

setup() { agent_setup; }
teardown() { agent_teardown; }

@test "ids: root at first, others by metadata" {
	inside "" id
	[ "$output" = "uid=0(root) gid=0(root)" ]
	inside "uid=33,gid=33,groups=33+4" id
	[ "$output" = "uid=33(www-data) gid=33(www-data) groups=4(adm),33(www-data)" ]
}

@test "ids: su changes all of them for good, and children inherit" {
	inside "" sh -c 'su www-data -c "id; sh -c \"(id -u; id -G)\"; chown 0 /tmp 2>&1"; id -u'
	[ "${lines[0]}" = "uid=33(www-data) gid=33(www-data) groups=4(adm),33(www-data)" ]
	[ "${lines[1]}" = 33 ]
	[ "${lines[2]}" = "33 4" ]
	assert_output_has "Operation not permitted"
	[ "${lines[-1]}" = 0 ]
}

@test "owners: chown of files, folders, links and pipes; they stay on the disk" {
	inside "" sh -c 'cd /data; touch f; mkdir d; ln -s f l; mkfifo p
		chown 33:4 f; chown 5:6 d; chown -h 7:8 l; chown 9:10 p
		stat -c "%n %u:%g %F" f d l p; stat -L -c "%u:%g" l'
	[ "$output" = "f 33:4 regular empty file
d 5:6 directory
l 7:8 symbolic link
p 9:10 fifo
33:4" ]
	inside "" stat -c %u:%g /data/f /data/d
	[ "$output" = $'33:4\n5:6' ]
	[ "$(getfattr --only-values -n user.containers.override_stat "$DIR/b/rootfs/data/f")" = 33:4:0644 ]
	inside "" sh -c 'chown 0:0 /data/f; stat -c %u:%g /data/f'
	[ "$output" = 0:0 ]
	run getfattr -n user.containers.override_stat "$DIR/b/rootfs/data/f"
	[ "$status" -ne 0 ]
}

@test "owners: what is remembered of a file is forgotten when it changes" {
	inside "" sh -c 'cd /data; for f in f g h; do touch $f; chown 33:4 $f; done; chown 9:9 g; sleep 3
		s() { stat -c %u:%g:%a f; }
		s; s; chown 5 f; s; stat g h >/dev/null; stat g h >/dev/null; mv g f; s; chmod 600 f; s; chown 0:0 f; s
		rm f; s 2>/dev/null; ln h f; s; sleep 3; s; s; su www-data -c "chmod 640 h"; s'
	[ "$output" = "33:4:644
33:4:644
5:4:644
9:9:644
9:9:600
0:0:600
33:4:644
33:4:644
33:4:644
33:4:640" ]
}

@test "owners: what somebody makes is his" {
	inside "" sh -c 'cd /data; umask 027
		su www-data -c "umask 027; echo x >f; mkdir d d/e; ln -s f l; mkfifo p; touch d/e/g"
		touch r; stat -c "%n %u:%g %a" f d d/e l p d/e/g r
		mkdir s; chown 0:4 s; chmod 2775 s; su www-data -c "touch s/f; mkdir s/d"; touch s/r /data//s//r2; mkdir s/rd/
		ln -s x s/rl; cd s; echo >r3; stat -c "%u:%g %a" f d r r2 rd rl r3'
	[ "$output" = "f 33:33 640
d 33:33 750
d/e 33:33 750
l 33:33 777
p 33:33 640
d/e/g 33:33 640
r 0:0 640
33:4 640
33:4 2750
0:4 640
0:4 640
0:4 2750
0:4 777
0:4 640" ]
}

@test "modes: only the owner and root change them, and the record follows" {
	inside "" sh -c 'cd /data; touch f; chown 33 f; chmod 4711 f; stat -c %a f; chown 5 f; stat -c %a f
		su www-data -c "chmod 777 f" 2>&1; chown 33 f; su www-data -c "chmod 600 f"; stat -c %a f'
	[ "${lines[0]}" = 4711 ]
	[ "${lines[1]}" = 711 ]
	assert_output_has "Operation not permitted"
	[ "${lines[-1]}" = 600 ]
	[ "$(getfattr --only-values -n user.containers.override_stat "$DIR/b/rootfs/data/f")" = 33:0:0600 ]
	[ "$(stat -c %a "$DIR/b/rootfs/data/f")" = 600 ]
}

@test "devices: a placeholder that looks like one; null works" {
	inside "" sh -c 'cd /data; mknod b b 7 3; mknod c c 200 1; mknod n c 1 3; stat -c "%n %F %t:%T %u" b c
		echo gone >n; cat n; su www-data -c "mknod x c 1 3" 2>&1; true'
	[ "${lines[0]}" = "b block special file 7:3 0" ]
	[ "${lines[1]}" = "c character special file c8:1 0" ]
	assert_output_has "x: Operation not permitted"
	[[ $output != *gone* ]]
}

