#!/bin/sh
# syscalls.sh TAG=MACRO… -- SOURCES…: the system calls named behind "#TAG" in comments, for inclusion in an array
# where MACRO is defined
set -eu
tags=
while [ "$1" != -- ]; do
	tags="$tags $1"
	shift
done
shift
gather() {
	tag=$1 name=$2
	shift 2
	echo "#ifdef $name"
	sed -n "s/.*[* ]#$tag \([a-z0-9_ ]*\).*/\1/p" "$@" | tr ' ' '\n' | sort -u | sed '/^$/d' |
		sed 's/.*/#ifdef SYS_&\n	SYS_&,\n#endif/'
	echo '#endif'
}
echo '/* made by common/syscalls.sh from the sources: do not edit */'
for t in $tags; do gather "${t%=*}" "${t#*=}" "$@"; done
