#!/bin/bash
# demo.sh BINDIR: serve the built-in image's page from a container, fetch it, show it
set -eu
here=$(dirname "$0")
user=$(id -un)
become=()

if [ "$(id -u)" = 0 ]; then
	"$here/helpers/accounts.sh"
	user=${SUITE_PREFIX:-runner}-sub
	echo "root runs nothing here: the container belongs to the ordinary account $user"
	become=(setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups --inh-caps=-all
		env -i HOME="$(getent passwd "$user" | cut -d: -f6)" USER="$user" PATH=/usr/bin:/bin)
fi

bindir=$("$here/helpers/stage.sh" "$1")
name=demo-$$
runner() { (cd / && "${become[@]}" "$bindir/runner" "$@"); }
cleanup() {
	runner rm --force "$name" >/dev/null 2>&1 || true
	case $bindir in /var/tmp/runner-stage.*) rm -rf "$(dirname "$bindir")" ;; esac
}
trap cleanup EXIT

port=8080
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done

echo "\$ runner --detach --name $name --publish $port:80 hello"
runner --detach --name "$name" --publish "$port:80" hello
echo "\$ curl http://127.0.0.1:$port/"
curl --silent --show-error --fail --max-time 10 --retry 10 --retry-connrefused --retry-delay 1 \
	"http://127.0.0.1:$port/"
echo "\$ runner ps"
runner ps
echo "\$ runner rm --force $name"
runner rm --force "$name"
echo
echo "That was $user, with no daemon, no root and no setuid bit. Next: README.md"
