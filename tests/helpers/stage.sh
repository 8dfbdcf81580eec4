#!/bin/bash
# stage.sh BINDIR: print a folder of the same programs that ordinary accounts can reach
#
# A clone below /root is closed to them: then programs and data are copied to a
# folder of their own in /var/tmp (the caller removes it when it is not BINDIR).
# As root, the two id mappers get the file capabilities of `make install-caps` there.
set -eu
bindir=$(cd "$1" && pwd)
account=${SUITE_PREFIX:-runner}-sub
stage=$bindir
if [ "$(id -u)" = 0 ]; then
	if ! setpriv --reuid "$account" --regid "$(id -g "$account")" --clear-groups test -x "$bindir/runner"; then
		root=$(mktemp -d /var/tmp/runner-stage.XXXXXX)
		chmod 0755 "$root"
		mkdir "$root/share"
		cp -R "$bindir" "$root/bin"
		cp -R "$bindir/../share/." "$root/share"
		chmod -R a+rX "$root"
		stage=$root/bin
	fi
	if [ -e "$stage/newuidmap" ]; then
		setcap cap_setuid,cap_setgid+ep "$stage/newuidmap"
		setcap cap_setgid+ep "$stage/newgidmap"
	fi
fi
echo "$stage"
