#!/bin/bash
# idmap-calls.sh TABLE COLUMN BINDIR: make every call of the table with the programs of BINDIR
# and compare with the answers of COLUMN (6 ours, 7 shadow's). Root; below own-etc.sh, because it
# writes /etc/subuid and /etc/subgid. Prints what differs, then "N calls".
set -u
table=$1 column=$2 bin=$3
sub=$SUITE_PREFIX-sub nosub=$SUITE_PREFIX-nosub
uid=$(id -u "$sub") gid=$(id -g "$sub")
dir=$(mktemp -d); chmod 755 "$dir"
host_ns=$(readlink /proc/self/ns/user)
kills=()
trap 'forget; rm -rf "$dir"' EXIT

# ids WHO: setpriv words that become WHO
ids() {
	case $1 in
	sub) echo --reuid "$sub" --regid "$gid" --init-groups ;;
	aux) echo --reuid "$sub" --regid 65534 --clear-groups ;;
	num) echo --reuid 54321 --regid 54321 --clear-groups ;;
	nosub) echo --reuid "$nosub" --regid "$(id -g "$nosub")" --init-groups ;;
	root) echo --reuid 0 --regid 0 --clear-groups ;;
	esac
}

# sleeper WHO CMD…: start CMD, which ends in sleep, as WHO; $pid is the sleep
sleeper() {
	local who=$1
	shift
	# shellcheck disable=SC2046
	setpriv $(ids "$who") --inh-caps=-all "$@" sleep 300 <&- >/dev/null 2>&1 &
	pid=$!
	kills+=("$pid")
	for _ in {1..500}; do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = sleep ] && return
		sleep 0.01
	done
	echo "no target: $*"
	exit 1
}

forget() {
	[ ${#kills[@]} -eq 0 ] || { kill -9 "${kills[@]}"; wait "${kills[@]}"; } 2>/dev/null
	kills=() reusable=
}

# target KIND WHO: sets $pid (whose map to look at) and $arg (how the program is told)
target() {
	exec 9<&-
	[ "$reusable" = "$1 $2" ] && return
	forget
	case $1 in
	own | fd) sleeper "$2" unshare -U ;;
	fdroot | fdproc | fdclosed) sleeper "$2" unshare -U ;;
	same) sleeper "$2" env ;;
	init) pid=1 ;;
	other) sleeper nosub unshare -U ;;
	othergroup) sleeper aux unshare -U ;;
	nested) sleeper "$2" unshare -Ur unshare -U ;;
	written) sleeper "$2" unshare -Ur ;;
	gone) sleeper "$2" unshare -U; kill -9 "$pid"; wait "$pid" 2>/dev/null ;;
	rootns) # root's namespace, but a process of the caller's
		sleeper root "$BINDIR_UNDER_TEST/uidmap" run setpriv --reuid "$uid" --regid "$gid" --clear-groups ;;
	pidns)
		# shellcheck disable=SC2046
		setpriv $(ids "$2") unshare -U --pid --fork sleep 300 >/dev/null 2>&1 &
		kills+=($!)
		for _ in {1..500}; do
			pid=$(cat "/proc/$!/task/$!/children" 2>/dev/null) && [ -n "$pid" ] && pid=${pid% } &&
				[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = sleep ] && break
			sleep 0.01
		done
		kills+=("$pid") ;;
	=*) sleeper "$2" unshare -U ;;
	esac
	arg=$pid
	case $1 in
	fd) arg=fd:9; exec 9<"/proc/$pid" ;;
	fdroot) arg=fd:9; exec 9</ ;;
	fdproc) arg=fd:9; exec 9</proc ;;
	fdclosed) arg=fd:9 ;;
	=*) arg=${1#=} ;;
	esac
}

flat() { # a map file on one line
	cat "$1" 2>/dev/null | tr -s ' \n' ' ' | sed 's/^ //; s/ $//'
}

# answer WHO KIND PROGRAM WORDS: ok, deny or no; or what is wrong
answer() {
	local who=$1 kind=$2 program=$3 words=$4 map before after status
	reusable=
	case $program in newuidmap) map=uid_map ;; newgidmap) map=gid_map ;; esac
	before=$(flat "/proc/$pid/$map")$(cat "/proc/$pid/setgroups" 2>/dev/null)
	# shellcheck disable=SC2046,SC2086
	setpriv $(ids "$who") --inh-caps=-all "$bin/$program" "$arg" $words >"$dir/out" 2>"$dir/err"
	status=$?
	after=$(flat "/proc/$pid/$map")$(cat "/proc/$pid/setgroups" 2>/dev/null)
	if [ $status -ne 0 ]; then
		[ "$before" = "$after" ] || { echo "refused, but wrote"; return; }
		# shadow's says nothing where the grant file is missing
		[ -s "$dir/err" ] || [ "$column" = 7 ] || { echo "refused without a word ($status)"; return; }
		reusable="$kind $who"
		echo no
		return
	fi
	case $after in
	"$(echo "${words//+/}" | norm)allow") echo ok ;;
	"${words}deny") echo deny ;;
	*) echo "wrote '$after'" ;;
	esac
}

norm() { # shadow takes other notations of the same number
	local w out=
	read -r line
	for w in $line; do case $w in 0x* | 0?*) w=$((w)) ;; esac; out+="$w "; done
	echo "${out% }"
}

[ "$(stat -f -c %T /etc)" = overlayfs ] || { echo "not below own-etc.sh"; exit 1; }
reusable=
n=0
while IFS='|' read -r who kind program grants words ours shadow why; do
	case $who in '' | '#'*) continue ;; esac
	case $who in sub) u=$uid g=$gid ;; aux) u=$uid g=65534 ;; num) u=54321 g=54321 ;; root) u=0 g=0 ;; esac
	words=${words//U/$u} words=${words//Gid/$g}
	grants=${grants//U/$uid} grants=${grants//Gid/$gid} grants=${grants//'# '/'% '}
	grants=${grants//'#@'/'%@'} grants=${grants//#/$uid} grants=${grants//%/#} grants=${grants//@/$sub}
	target "$kind" "$who"
	case $grants in
	-) rm -f /etc/subuid /etc/subgid ;;
	*) printf '%b' "${grants//;/\\n}\\n" | tee /etc/subuid >/etc/subgid ;;
	esac
	got=$(answer "$who" "$kind" "$program" "$words"; echo "$reusable" >"$dir/reusable")
	reusable=$(cat "$dir/reusable")
	case $column in 6) want=$ours ;; *) want=$shadow ;; esac
	[ "$got" = "$want" ] || {
		echo "$who $kind $program with '$grants': '$words': $got, not $want: $(head -n 1 "$dir/err")"
	}
	n=$((n + 1))
done <"$table"
echo "$n calls"
