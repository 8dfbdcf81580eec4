#!/bin/bash
# accounts.sh: make the ordinary accounts that tests and the demo drop to (root only)
#
# PREFIX-sub has subordinate ids, PREFIX-nosub has none. PREFIX is $SUITE_PREFIX
# or "runner". Prints what it created. Both device nodes that unprivileged users
# normally may open are opened; a root folder made without /etc/mtab gets the
# usual link, which fusermount3 needs to unmount.
set -eu
prefix=${SUITE_PREFIX:-runner}

# give NAME a free block of 65536 subordinate ids
grant() {
	local file next
	for file in /etc/subuid /etc/subgid; do
		touch "$file"
		grep -q "^$1:" "$file" && continue
		next=$(awk -F: 'BEGIN { n = 100000 } $2 + $3 > n { n = $2 + $3 } END { print n }' "$file")
		echo "$1:$next:65536" >>"$file"
	done
}

exec 9>/var/lock/runner-accounts; flock 9
for name in "$prefix-sub" "$prefix-nosub"; do
	id "$name" >/dev/null 2>&1 || {
		useradd --create-home --shell /bin/bash "$name"
		echo "created the ordinary account $name"
	}
done
grant "$prefix-sub"
sed -i "/^$prefix-nosub:/d" /etc/subuid /etc/subgid
for node in /dev/fuse /dev/net/tun; do
	[ ! -c "$node" ] || chmod 0666 "$node"
done
[ -e /etc/mtab ] || ln -s ../proc/self/mounts /etc/mtab
