#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# view.sh USER CMD…: run CMD as USER where every engine starts (root only)
#
# A private mount namespace with a cgroup v2 tree alone (crun refuses hosts that
# mix v1 and v2), in it a folder that USER owns, and a runtime directory on
# tmpfs as logind would give. The machine's own mounts are not touched. When
# CMD has ended, whatever it left running in that folder is killed.
set -eu
if [ -z "${BENCH_VIEW:-}" ]; then
	BENCH_VIEW=1 exec unshare --mount --propagation private "$0" "$@"
fi
user=$1
shift
uid=$(id -u "$user") gid=$(id -g "$user")
if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
	umount --recursive /sys/fs/cgroup 2>/dev/null || true
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
mount --make-rshared /
group=/sys/fs/cgroup/runner-bench.$$
home=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
mkdir "$group" "$group/shell"
chown -R "$uid:$gid" "$group"
echo $$ >"$group/shell/cgroup.procs"
runtime=/run/user/$uid
mkdir -p "$runtime"
mount -t tmpfs -o "mode=700,uid=$uid,gid=$gid" tmpfs "$runtime"

# a stopped run is cleaned up as a finished one
trap : TERM INT HUP
status=0
env -u BENCH_VIEW XDG_RUNTIME_DIR="$runtime" USER="$user" LOGNAME="$user" \
	setpriv --reuid "$uid" --regid "$gid" --init-groups --inh-caps=-all "$@" || status=$?

echo $$ >"$home/cgroup.procs"
echo 1 >"$group/cgroup.kill"
for _ in $(seq 100); do
	find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
	sleep 0.05
done
exit $status
