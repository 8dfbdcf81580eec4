# Debian's podman and buildah, rootless, with fuse-overlay as mount_program: a Debian image from a
# registry, packages installed, diff, commit, push, build, removal

load helpers

BOX_SECS=120

PACKAGES="bc bzip2 cpio dc dos2unix ed figlet file gawk hello indent jq less lsof m4 make nano ncdu netcat-openbsd
	patch procps psmisc pv rsync tree unzip wdiff whois xxd xz-utils zip"

# debs FOLDER TAR: what $PACKAGES and all that they need are for the Debian in TAR
debs() {
	mkdir -p "$1/partial"
	tar -xOf "$2" ./var/lib/dpkg/status >"$1/../status"
	apt-get -qq install -y --download-only --no-install-recommends -o "Dir::State::status=$1/../status" \
		-o "Dir::Cache::archives=$1" -o APT::Sandbox::User=root $PACKAGES >"$1/../apt.log" 2>&1
}

setup_file() {
	[ "$(id -u)" = 0 ] || skip "needs root to prepare"
	command -v podman buildah conmon docker-registry mmdebstrap >/dev/null ||
		skip "needs podman, buildah, conmon, docker-registry and mmdebstrap"
	D=$(scratch sub)
	export D CG=/$SUITE_PREFIX-podov-$$
	chmod 0755 "$D"
	mkdir "$D/home" "$D/run" "$D/debs" "$D/registry" "$D/context"
	if ! debian_base "$D/base.tar" || ! debs "$D/debs" "$D/base.tar"; then
		touch "$D/no-debian"
		return 0
	fi
	PORT=$(free_port)
	export PORT R=127.0.0.1:$PORT/t
	cat >"$D/registry.yml" <<-END
		version: 0.1
		log: {level: error, accesslog: {disabled: true}}
		storage: {filesystem: {rootdirectory: $D/registry}}
		http: {addr: "127.0.0.1:$PORT"}
	END
	cat >"$D/containers.conf" <<-END
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		[containers]
		log_driver = "k8s-file"
	END
	cat >"$D/storage.conf" <<-END
		[storage]
		driver = "overlay"
		runroot = "$D/run/storage"
		graphroot = "$D/home/.local/share/containers/storage"
		[storage.options.overlay]
		mount_program = "$BINDIR_UNDER_TEST/fuse-overlay"
	END
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "127.0.0.1:$PORT" >"$D/registries.conf"
	cat >"$D/context/Containerfile" <<-END
		FROM $R/deb:2
		RUN useradd -m -u 1234 app && rm -r /usr/share/man && mkdir /usr/share/man && echo new >/usr/share/man/x && mv /etc/skel /etc/skel2
		COPY f /f
		RUN ls /usr/share/man && chown app /f && test ! -e /etc/skel && ln /f /f2
		USER app
		CMD ["stat", "-c", "%U %h %n", "/f", "/f2"]
	END
	echo data >"$D/context/f"
	chown -R "$(account sub):" "$D"
	setpriv --reuid "$(account sub)" --regid "$(account sub)" --init-groups docker-registry serve "$D/registry.yml" 3>&- >/dev/null 2>&1 &
	echo $! >"$D/registry.pid"
	wait_for 10 curl -sf "http://127.0.0.1:$PORT/v2/"
	# the image gets into the registry by other hands
	box skopeo copy -q --dest-tls-verify=false "docker-archive:$(archive)" "docker://$R/deb:1"
}

# archive: the base as an image that skopeo reads
archive() {
	python3 "$TREE/tests/images/mkimage.py" layout "$D/layout" deb:1 "$D/base.tar" --config \
		'{"Env":["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],"Cmd":["bash"]}' >&2
	python3 "$TREE/tests/images/mkimage.py" dockersave "$D/layout" deb:1 "$D/image.tar" >&2
	chmod -R a+rX "$D/layout" "$D/image.tar"
	echo "$D/image.tar"
}

setup() { [ ! -e "$D/no-debian" ] || skip "there is no mirror for mmdebstrap and apt-get here"; }

teardown_file() {
	[ -n "${D:-}" ] || return 0
	may_fail "no container was made" box podman system migrate
	may_fail "root removes what is left" box podman unshare rm -rf "$D/home/.local"
	may_fail "its pause process has left" box podman system migrate
	[ ! -f "$D/registry.pid" ] || may_fail "the registry has left" kill "$(cat "$D/registry.pid")"
	rm -rf "$D"
	may_fail "a group is busy for a moment" box2 find "/sys/fs/cgroup$CG" -depth -type d -exec rmdir {} \;
}

# ok WORD…: must end with 0; warnings stay out of $output
ok() {
	run box "$@" </dev/null
	[ "$status" = 0 ] || { echo "status $status: $*: $output"; return 1; }
	output=$(grep -v '^time=' <<<"$output" || true)
}

@test "pull and run: the root file system is ours" {
	ok podman pull -q "$R/deb:1"
	ok podman info --format '{{.Store.GraphOptions}}'
	assert_output_has "$BINDIR_UNDER_TEST/fuse-overlay"
	ok podman run --rm --network none "$R/deb:1" sh -c 'grep " / " /proc/mounts; stat -c %U:%G /etc/shadow; dpkg --verify; id -u'
	assert_output_has "fuse-overlay / fuse.fuse-overlay"
	assert_output_has "root:shadow"
	[ "${lines[-1]}" = 0 ]
}

@test "apt-get install of 31 packages, diff, commit, push, rm, rmi, pull again" {
	[ "$(wc -w <<<"$PACKAGES")" = 31 ]
	ok podman run --name inst --network none -v "$D/debs:/debs:ro" "$R/deb:1" sh -c '
		DEBIAN_FRONTEND=noninteractive apt-get -qq install -y /debs/*.deb >/tmp/log 2>&1 || { tail /tmp/log; exit 1; }
		dpkg --audit; dpkg --verify; dpkg-query -W -f "\${db:Status-Abbrev}\n" | sort | uniq -c'
	[[ $output =~ ^\ +([0-9]+)\ ii\ *$ ]] || { echo "$output"; false; }
	installed=${BASH_REMATCH[1]}
	ok podman diff inst
	assert_output_has "A /usr/bin/hello"
	assert_output_has "C /var/lib/dpkg/status"
	ok podman commit -q inst "$R/deb:2"
	ok podman push -q "$R/deb:2"
	ok podman rm inst
	ok podman rmi --all --force
	ok podman pull -q "$R/deb:2"
	ok podman run --rm --network none "$R/deb:2" sh -c 'hello; dpkg --verify; dpkg-query -W | wc -l; jq -n 6*7'
	[ "$(echo $output)" = "Hello, world! $installed 42" ] || { echo "$output"; false; }
}

@test "buildah: build, run, from, commit; podman runs what it made, with keep-id too" {
	ok buildah build -q --isolation chroot -t "$R/built:1" "$D/context"
	ok podman run --rm --network none "$R/built:1"
	[ "$(echo $output)" = "app 2 /f app 2 /f2" ] || { echo "$output"; false; }
	ok podman run --rm --network none --userns keep-id --user "$(id -u "$(account sub)")" "$R/built:1" sh -c 'id -u; stat -c %u /f'
	[ "$(echo $output)" = "$(id -u "$(account sub)") 1234" ]
	ok buildah from -q --name made "$R/deb:2"
	ok buildah run --isolation chroot made -- sh -c 'echo by-buildah >/b; rm /etc/issue'
	ok buildah commit -q made "$R/made:1"
	ok buildah rm made
	ok podman run --rm --network none "$R/made:1" sh -c 'cat /b; test ! -e /etc/issue'
	[ "$output" = by-buildah ]
}

@test "a running container: exec, changes are in its diff and its commit; everything is removed" {
	ok podman run -d --name live --network none "$R/deb:2" sh -c 'echo 1 >/count; rm -r /usr/share/doc/hello; exec sleep 100'
	wait_for 10 box podman exec live test ! -e /usr/share/doc/hello
	ok podman exec live sh -c 'echo 2 >>/count; wc -l </count'
	[ "$output" = 2 ]
	ok podman diff live
	assert_output_has "A /count"
	assert_output_has "D /usr/share/doc/hello"
	ok podman commit -q live "$R/live:1"
	ok podman run --rm --network none "$R/live:1" sh -c 'wc -l </count; test ! -e /usr/share/doc/hello'
	[ "$output" = 2 ]
	ok podman rm --force --time 0 live
	ok podman rmi --all --force
	ok podman ps -aq
	[ -z "$output" ]
	[ "$(find "$D/home/.local/share/containers/storage/overlay" -mindepth 1 -maxdepth 1 -type d ! -name l | wc -l)" = 0 ]
	[ -z "$(ps -u "$(account sub)" -o args= | grep "^$BINDIR_UNDER_TEST/fuse-overlay" || true)" ]
}
