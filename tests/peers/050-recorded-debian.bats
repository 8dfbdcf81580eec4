# A whole Debian by an account with one id: apt-get, useradd, su, sudo, nginx, redis, postgres, sshd, tar,
# all of which insist on being somebody else

load helpers

BOX_SECS=420

# n ARGS…: runner of the account without a range; d COMMAND: root's shell in the container
n() { SUITE_TIMEOUT_CMD=$BOX_SECS as nosub runner --root "$D/root" --runroot "$D/run" "$@"; }
d() { n exec box sh -c "$1"; }

# users NAME: whose the processes of that name are, as their folder in /proc has it
users() { d "for p in \$(pgrep -x $1); do stat -c %U /proc/\$p; done | sort -u" | tr '\n' ' '; }

# ok COMMAND: as d, must end with 0; sets $output
ok() {
	run d "$1"
	[ "$status" = 0 ] || { echo "status $status: $1: $output"; return 1; }
}

setup_file() {
	[ "$(id -u)" = 0 ] || skip "needs root to prepare"
	command -v mmdebstrap curl ssh ssh-keygen >/dev/null || skip "needs mmdebstrap, curl and ssh"
	D=$(scratch nosub)
	export D HTTP=$(free_port) SSH=$(free_port)
	if ! debian_base "$D/base.tar"; then
		touch "$D/no-debian"
		return 0
	fi
	python3 "$TREE/tests/images/mkimage.py" layout "$D/layout" deb:1 "$D/base.tar" --config \
		'{"Env":["PATH=/usr/sbin:/usr/bin:/sbin:/bin","DEBIAN_FRONTEND=noninteractive"],"Cmd":["sleep","10000"]}'
	chmod -R a+rX "$D/layout"
	n load -q -i "$D/layout"
	n run -d --name box --require ids=recorded -p "127.0.0.1:$HTTP:80" -p "127.0.0.1:$SSH:22" deb:1
	if ! d 'apt-get -q update' >"$D/update.log" 2>&1; then
		cat "$D/update.log"
		touch "$D/no-debian"
	fi
}

setup() { [ ! -e "$D/no-debian" ] || skip "there is no mirror for mmdebstrap and apt-get here"; }

teardown_file() {
	[ -n "${D:-}" ] || return 0
	may_fail "no container where the set-up failed" n rm -f -t 0 box
	rm -rf "$D"
}

@test "apt-get: its sandbox is _apt, 6 servers and what they need are configured, files have their owners" {
	if grep -E '^(W|E):' "$D/update.log"; then false; fi
	ok 'stat -c %U /var/lib/apt/lists/partial; ls -n /var/lib/apt/lists | grep -c Packages'
	[ "${lines[0]}" = _apt ]
	ok 'printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
		apt-get -q -y install --no-install-recommends nginx-light redis-server postgresql openssh-server sudo procps >/tmp/log 2>&1 || { tail -30 /tmp/log; exit 1; }
		if grep -E "^(W|E):|ermission denied|not permitted" /tmp/log; then exit 1; fi
		dpkg --audit; dpkg --verify; dpkg-query -W -f "\${db:Status-Abbrev}\n" | sort | uniq -c'
	[[ $output =~ ^\ +([0-9]+)\ ii\ *$ ]] || { echo "$output"; false; }
	ok 'stat -c "%U:%G %n" /etc/shadow /var/lib/postgresql/15/main /var/lib/redis /var/log/nginx /usr/bin/ssh-agent'
	[ "$(echo $output)" = "root:shadow /etc/shadow postgres:postgres /var/lib/postgresql/15/main redis:redis /var/lib/redis root:adm /var/log/nginx root:_ssh /usr/bin/ssh-agent" ] || { echo "$output"; false; }
}

@test "useradd, chpasswd, su, sudo: homes and ids are right, a password is asked for" {
	ok 'useradd -m -s /bin/bash -G sudo ann && useradd -m -s /bin/bash bob && echo ann:secret | chpasswd && stat -c %U:%G:%a /home/ann /home/ann/.bashrc'
	[ "${lines[0]}" = ann:ann:755 ] || [ "${lines[0]}" = ann:ann:700 ]
	[ "${lines[1]}" = ann:ann:644 ]
	ok 'su - ann -c "id -un; id -Gn; touch ~/f; stat -c %U f; chown root f 2>&1 || true"'
	[ "${lines[0]}" = ann ] && [ "${lines[1]}" = "ann sudo" ] && [ "${lines[2]}" = ann ] || { echo "$output"; false; }
	assert_output_has "Operation not permitted"
	ok 'su ann -c "echo secret | sudo -S -p \"\" id -u"'
	[ "${lines[-1]}" = 0 ] || { echo "$output"; false; }
	ok 'su bob -c "echo secret | su ann -c \"id -un\" 2>/dev/null"'
	[ "${lines[-1]}" = ann ]
	ok '! su bob -c "echo wrong | su ann -c \"id -un\" 2>&1"'
	ok '! su bob -c "echo wrong | sudo -S -p \"\" id -u 2>&1"'
	ok 'passwd -S ann | cut -d" " -f1,2; userdel -r bob 2>/dev/null; ls /home'
	[ "$(echo $output)" = "ann P ann" ] || { echo "$output"; false; }
}

@test "nginx: workers are www-data, the published port answers" {
	ok nginx
	wait_for 5 curl -sf "http://127.0.0.1:$HTTP/"
	[ "$(users nginx)" = "root www-data " ]
	run curl -sf "http://127.0.0.1:$HTTP/"
	[ "$status" = 0 ]
	assert_output_has "Welcome to nginx"
	ok 'stat -c %U /var/log/nginx/access.log; nginx -s quit'
}

@test "redis runs as redis" {
	ok 'su -s /bin/sh redis -c "redis-server /etc/redis/redis.conf --daemonize yes" && sleep 1 && redis-cli set a b && redis-cli save && stat -c %U /var/lib/redis/dump.rdb'
	[ "$(echo $output)" = "OK OK redis" ] || { echo "$output"; false; }
	[ "$(users redis-server)" = "redis " ]
	ok 'redis-cli shutdown'
}

@test "postgres: the cluster that apt-get made, and one of initdb; peers are known by their socket" {
	ok 'pg_ctlcluster 15 main start && su postgres -c "psql -Atc \"select 6*7\""'
	[ "$output" = 42 ]
	[ "$(users postgres)" = "postgres " ]
	ok '! psql -U postgres -c "select 1" 2>&1'
	assert_output_has "Peer authentication failed"
	ok 'su postgres -c "createuser ann; createdb -O ann ann" && su ann -c "psql -Atc \"select current_user\"" && pg_ctlcluster 15 main stop'
	[ "${lines[0]}" = ann ]
	ok 'su postgres -c "/usr/lib/postgresql/15/bin/initdb -D /tmp/pg >/dev/null && stat -c %U:%a /tmp/pg"'
	[ "${lines[-1]}" = postgres:700 ]
	ok '! /usr/lib/postgresql/15/bin/initdb -D /tmp/pg2 2>&1'
	assert_output_has "cannot be run as root"
}

@test "sshd: a login over the published port, and what it refuses" {
	ssh-keygen -q -t ed25519 -N "" -f "$D/key"
	ok "mkdir -p /home/ann/.ssh; echo '$(cat "$D/key.pub")' >/home/ann/.ssh/authorized_keys; chown -R ann:ann /home/ann/.ssh; chmod 700 /home/ann/.ssh; mkdir -p /run/sshd; /usr/sbin/sshd"
	login() { ssh -i "$D/key" -p "$SSH" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "$@"; }
	run login ann@127.0.0.1 'id -un; stat -c %U ~; tty || true'
	[ "${lines[0]}" = ann ] && [ "${lines[1]}" = ann ] || { echo "$output"; d 'tail /var/log/auth.log' || true; false; }
	run login -tt ann@127.0.0.1 'stat -c %U $(tty)'
	assert_output_has ann
	run login root@127.0.0.1 true
	[ "$status" = 255 ]
	# it looks whose the file is
	ok 'chown www-data /home/ann/.ssh/authorized_keys'
	run login ann@127.0.0.1 true
	[ "$status" = 255 ]
	ok 'pkill -o sshd'
}

@test "tar: a whole system with its owners, out and in again" {
	ok 'mkdir /tmp/t && tar -C / -cf /tmp/a.tar etc var/lib/postgresql home && tar -C /tmp/t -xpf /tmp/a.tar && tar -C /tmp/t -df /tmp/a.tar && stat -c %U:%G /tmp/t/etc/shadow /tmp/t/home/ann'
	[ "$(echo $output)" = "root:shadow ann:ann" ] || { echo "$output"; false; }
}

@test "rpm and dnf: a package with owners, modes, a link and a file capability, into a root of its own; verified" {
	ok 'apt-get -q -y install --no-install-recommends dnf rpm createrepo-c libcap2-bin >/tmp/log 2>&1 || { tail -30 /tmp/log; exit 1; }
		mkdir -p /rb /repo /r1/etc /r2/etc; cp /etc/passwd /etc/group /r1/etc; cp /etc/passwd /etc/group /r2/etc
		cat >/rb/t.spec <<-"END"
			Name: t
			Version: 1
			Release: 1
			Summary: t
			License: x
			BuildArch: noarch
			%description
			t
			%install
			mkdir -p %{buildroot}/opt/t/d
			cd %{buildroot}/opt/t
			touch suid capable owned
			ln -s owned link
			%files
			%attr(4750, root, mail) /opt/t/suid
			%caps(cap_net_raw=ep) /opt/t/capable
			%attr(0640, daemon, games) /opt/t/owned
			%attr(-, daemon, games) /opt/t/link
			%dir %attr(2770, news, mail) /opt/t/d
		END
		rpmbuild -D "_topdir /rb" -bb /rb/t.spec >/tmp/log 2>&1 || { tail -30 /tmp/log; exit 1; }
		cp /rb/RPMS/noarch/*.rpm /repo; createrepo_c -q /repo'
	ok 'rpm --root /r1 --nodeps -i /repo/t-1-1.noarch.rpm >/tmp/log 2>&1; rpm --root /r1 -V t && cd /r1/opt/t && stat -c "%U:%G:%a" *; getcap capable'
	[ "$(echo $output)" = "root:root:644 news:mail:2770 daemon:games:777 daemon:games:640 root:mail:4750 capable cap_net_raw=ep" ] || { echo "$output"; false; }
	ok 'dnf -q -y --installroot=/r2 --releasever=1 --disablerepo="*" --repofrompath=l,file:///repo --nogpgcheck --enablerepo=l install t >/tmp/log 2>&1 ||
		{ tail -30 /tmp/log; exit 1; }; rpm --root /r2 -V t && cd /r2/opt/t && stat -c "%U:%G:%a" *; getcap capable'
	[ "$(echo $output)" = "root:root:644 news:mail:2770 daemon:games:777 daemon:games:640 root:mail:4750 capable cap_net_raw=ep" ] || { echo "$output"; false; }
}

@test "after a restart everything is whose it was" {
	n restart -t 0 box
	ok 'stat -c %U:%G /etc/shadow /home/ann /var/lib/redis /tmp/pg; dpkg --verify; ls -ln /etc/alternatives | awk "{print \$3}" | sort -u | tr -d "\n"'
	[ "$(echo $output)" = "root:shadow ann:ann redis:redis postgres:postgres 0" ] || { echo "$output"; false; }
}
