#!/bin/sh
# syscalls.sh SOURCES…: the system calls named in "#syscalls" comments, as a C header
set -eu
gather() {
	tag=$1
	shift
	sed -n "s/.*[* ]#$tag \([a-z0-9_ ]*\).*/\1/p" "$@" | tr ' ' '\n' | sort -u | sed '/^$/d' |
		sed 's/.*/	"&", \\/'
}
echo '/* made by slirp-net/syscalls.sh from the sources: do not edit */'
echo '#define SYSCALLS_MAIN \'
gather syscalls "$@"
echo
echo '#define SYSCALLS_BROKER \'
gather syscalls:broker "$@"
echo
