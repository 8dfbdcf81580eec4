#!/bin/bash
# own-etc.sh CMD…: run CMD with a throw-away /etc over the machine's (root)
#
# An overlay rather than files mounted over files: such a mount goes away when
# somebody outside replaces the file below by rename, as useradd does.
set -eu
[ -n "${OWN_ETC:-}" ] || OWN_ETC=1 exec unshare -m --propagation private "$0" "$@"
unset OWN_ETC
mount -t tmpfs -o mode=755 t /mnt
mkdir /mnt/upper /mnt/work
mount -t overlay -o "lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work" etc /etc
umount -l /mnt
exec "$@"
