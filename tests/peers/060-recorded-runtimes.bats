# Debian's crun and runc with `uidmap agent` beside them, as uidmap-agent(1) shows it, by an account with one id

load helpers
load ../system/oci
load ../system/agent

setup() {
	[ "$(id -u)" = 0 ] || skip "needs root to prepare"
	command -v crun runc >/dev/null || skip "needs crun and runc"
	agent_setup
	mkdir "$DIR/theirs"
	chown "$(account nosub)": "$DIR/theirs"
	# they want no resources for an account that owns no group, and runc 1.1 knows no flags
	cfg 'del(.linux.resources) | del(.linux.seccomp.flags)'
	cp "$DIR/b/config.json" "$DIR/base.json"
}
teardown() {
	# crun's and runc's container is not in our list
	[ -z "${AGENT:-}" ] || may_fail "it may have left" pkill -KILL -u "$(account nosub)" -x sleep
	agent_teardown
}

# theirs RUNTIME WORD…: as the account, where cgroup2 is alone (they refuse both kinds)
theirs() {
	local runtime=$1 name
	shift
	name=$(account nosub)
	[ "$runtime" != crun ] || set -- --cgroup-manager=disabled "$@"
	box2 bash -c 'cd "$1" && shift && exec "$@"' in "$DIR/b" timeout -k 5 60 setpriv --reuid "$name" \
		--regid "$(id -g "$name")" --init-groups --inh-caps=-all env -i HOME="$DIR" \
		XDG_RUNTIME_DIR="$DIR/theirs" PATH=/usr/bin:/bin:/usr/sbin:/sbin "$runtime" --root "$DIR/theirs" "$@" 3>&-
}

# says RUNTIME META TEXT WORD…: a container of these words prints that
says() {
	local runtime=$1 meta=$2 want=$3
	shift 3
	cmd ".linux.seccomp.listenerMetadata = \"$meta\"" "$@"
	agent_begin
	run theirs "$runtime" run "c-$(safename)"
	[ "$status" = 0 ] && [ "$output" = "$want" ] || { echo "$runtime: $status: $output"; cat "$DIR/agent.out"; return 1; }
	agent_end
	[ ! -s "$DIR/agent.out" ] || { echo "the agent said:"; cat "$DIR/agent.out"; return 1; }
}

programs() {
	local runtime=$1
	says "$runtime" "" "uid=0(root) gid=0(root)" id
	says "$runtime" "uid=33,gid=33,groups=4+33" "uid=33(www-data) gid=33(www-data) groups=4(adm),33(www-data)" id
	says "$runtime" "" $'33\n33:4 4711\n33:33\n5:6' sh -c 'cd /data; su www-data -c "id -u"; touch f; chown 33:4 f
		chmod 4711 f; stat -c "%u:%g %a" f; su www-data -c "touch w; stat -c %u:%g w"; ln -s x l; chown -h 5:6 l; stat -c %u:%g l'
	says "$runtime" "uid=33,gid=33" $'33:4 4711\nno' sh -c 'stat -c "%u:%g %a" /data/f; chown 0 /data/f 2>/dev/null || echo no'
	[ "$(getfattr --only-values -n user.containers.override_stat "$DIR/b/rootfs/data/f")" = 33:4:4711 ]
}

# joined RUNTIME: a command in a running container has the metadata's ids, and its own agent's thread
joined() {
	local runtime=$1 name
	name=c-$(safename)
	cmd '.linux.seccomp.listenerMetadata = "uid=33,gid=33"' sleep 100
	agent_begin
	theirs "$runtime" run -d "$name" </dev/null >/dev/null 2>&1
	run theirs "$runtime" exec "$name" sh -c 'id -u; touch /data/e; stat -c %u /data/e'
	[ "$output" = $'33\n33' ] || { echo "$runtime: $status: $output"; cat "$DIR/agent.out"; return 1; }
	theirs "$runtime" kill "$name" KILL
	agent_end
	theirs "$runtime" delete "$name"
}

@test "crun: ids, owners, modes" { programs crun; }
@test "runc: ids, owners, modes" { programs runc; }
@test "crun: exec" { joined crun; }

@test "podman: a seccomp profile that names the agent" {
	local name
	command -v podman >/dev/null || skip "needs podman"
	name=$(account nosub)
	mkdir "$DIR/home" "$DIR/run"
	printf '[storage]\ndriver = "vfs"\n[storage.options.vfs]\nignore_chown_errors = "true"\n' >"$DIR/storage.conf"
	printf '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n[containers]\nlog_driver = "k8s-file"\n' >"$DIR/containers.conf"
	as nosub uidmap agent --print-seccomp | jq "{defaultAction: \"SCMP_ACT_ALLOW\", listenerPath: \"$DIR/agent.sock\", syscalls: .}" >"$DIR/profile.json"
	chown -R "$name:" "$DIR"
	agent_begin
	run box2 bash -c 'cd "$1" && shift && exec "$@"' in "$DIR/home" timeout -k 5 90 setpriv --reuid "$name" \
		--regid "$(id -g "$name")" --init-groups --inh-caps=-all env -i HOME="$DIR/home" USER="$name" \
		PATH=/usr/bin:/bin:/usr/sbin:/sbin XDG_RUNTIME_DIR="$DIR/run" TMPDIR="$DIR/run" \
		CONTAINERS_CONF="$DIR/containers.conf" CONTAINERS_STORAGE_CONF="$DIR/storage.conf" \
		podman --runtime crun run --rm --cgroups=disabled --network none \
		--security-opt "seccomp=$DIR/profile.json" --rootfs "$DIR/b/rootfs" \
		sh -c 'id; su www-data -c id; touch /data/f; chown 33:4 /data/f; stat -c %u:%g /data/f' 3>&-
	# it leaves one that holds its namespace
	kill "$(cat "$DIR/run/libpod/tmp/pause.pid")"
	assert_output_has $'uid=0(root) gid=0(root)\nuid=33(www-data) gid=33(www-data) groups=4(adm),33(www-data)\n33:4'
	agent_end
	[ ! -s "$DIR/agent.out" ]
}
