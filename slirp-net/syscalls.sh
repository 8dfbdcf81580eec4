#!/bin/sh
# syscalls.sh SOURCES…: the system calls named in "#syscalls" comments, for inclusion in an array
set -eu
gather() {
	tag=$1 name=$2
	shift 2
	echo "#ifdef $name"
	sed -n "s/.*[* ]#$tag \([a-z0-9_ ]*\).*/\1/p" "$@" | tr ' ' '\n' | sort -u | sed '/^$/d' |
		sed 's/.*/#ifdef SYS_&\n	SYS_&,\n#endif/'
	echo '#endif'
}
echo '/* made by slirp-net/syscalls.sh from the sources: do not edit */'
gather syscalls SYSCALLS_MAIN "$@"
gather syscalls:broker SYSCALLS_BROKER "$@"
