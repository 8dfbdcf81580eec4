# Helpers for every bats file: load helpers

: "${SUITE_PREFIX:=runner}"
: "${BINDIR_UNDER_TEST:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../build/bin" && pwd)}"
export SUITE_PREFIX BINDIR_UNDER_TEST

TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BIN=$BINDIR_UNDER_TEST
SUITE_TIMEOUT_CMD=${SUITE_TIMEOUT_CMD:-60}

# account KIND: the name of an account: sub, nosub or root
account() {
	case $1 in
	root) echo root ;;
	*) if [ "$(id -u)" = 0 ]; then echo "$SUITE_PREFIX-$1"; else id -un; fi ;;
	esac
}

# as KIND CMD…: run a command as sub, nosub or root, with a clean environment
# (HOME, PATH, USER, TERM; SUITE_ENV holds more NAME=VALUE words), no more rights than a login has
as() {
	local kind=$1 name home
	shift
	name=$(account "$kind")
	home=$(getent passwd "$name" | cut -d: -f6)
	local clean=(env -i HOME="$home" USER="$name" LOGNAME="$name" SHELL=/bin/bash TERM=xterm
		LANG=C.UTF-8 PATH="$BIN:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
	# leaks are the unit tests' subject; here every failing path would exit with one
	[ "${VARIANT:-release}" != asan ] || clean+=(ASAN_OPTIONS=detect_leaks=0)
	[ -z "${SUITE_ENV:-}" ] || clean+=($SUITE_ENV)
	if [ "$(id -un)" = "$name" ]; then
		(cd "$home" && exec timeout -k 5 "$SUITE_TIMEOUT_CMD" "${clean[@]}" "$@")
	elif [ "$(id -u)" = 0 ]; then
		(cd "$home" && exec timeout -k 5 "$SUITE_TIMEOUT_CMD" setpriv --reuid "$name" --regid "$(id -g "$name")" \
			--init-groups --inh-caps=-all "${clean[@]}" "$@")
	else
		skip "needs root to become $name"
	fi
}

# run_as KIND [EXPECTED-STATUS] CMD…: as with bats' run; fails when the status differs
run_as() {
	local kind=$1 want=0
	shift
	[[ $1 =~ ^[0-9]+$ ]] && { want=$1; shift; }
	run as "$kind" "$@"
	if [ "$status" -ne "$want" ]; then
		echo "status $status, not $want: $*"
		echo "$output"
		return 1
	fi
}

# assert_output_has TEXT: $output of the last run contains TEXT
assert_output_has() {
	[[ $output == *"$1"* ]] || { echo "no '$1' in:"; echo "$output"; return 1; }
}

# assert_one_line: the last run explained itself in exactly one line (the address
# sanitizer adds three of its own where a program ends on a stack that it does not know)
assert_one_line() {
	local said=$output
	[ "${VARIANT:-release}" != asan ] || said=$(sed '/^==[0-9]*==WARNING: ASan is ignoring requested/,+2d' <<<"$output")
	[ "$(printf '%s\n' "$said" | wc -l)" -eq 1 ] && [ -n "$said" ] || {
		echo "not one line:"; echo "$output"; return 1
	}
}

# may_fail REASON CMD…: in a teardown: its failure is told with the reason, and fails nothing
may_fail() {
	local why=$1 code=0
	shift
	"$@" || code=$?
	[ "$code" = 0 ] || echo "# teardown: code $code of: $* ($why)" >&3
}

# wait_for SECONDS CMD…: until CMD succeeds. Also for rm -rf of a store: a container that has just ended may
# still put its folder aside there
wait_for() {
	local end=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$end" ] || { echo "timed out waiting for: $*"; return 1; }
		sleep 0.05
	done
}

# safename: a name no other test uses
safename() {
	echo "t$BATS_SUITE_TEST_NUMBER-$$-$RANDOM"
}

# free_port: a TCP port that nobody listens on
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])'
}

# scratch KIND: a folder of the account's own, removed with the test
scratch() {
	local dir
	dir=$(mktemp -d "/tmp/$SUITE_PREFIX-test.XXXXXX")
	[ "$(id -u)" != 0 ] || chown "$(account "$1")": "$dir"
	echo "$dir"
}

need_root() { [ "$(id -u)" = 0 ] || skip "needs root to prepare"; }
need_fuse() { [ -w /dev/fuse ] || skip "needs /dev/fuse"; }
need_tun() { [ -w /dev/net/tun ] || skip "needs /dev/net/tun"; }

# leaks: what the suite's accounts hold: processes, mounts, sockets, state folders
leaks() {
	local name dir
	for name in "$SUITE_PREFIX-sub" "$SUITE_PREFIX-nosub"; do
		id "$name" >/dev/null 2>&1 || continue
		ps -o pid=,args= -u "$name" | sed "s/^/process $name /"
		# processes of its subordinate ids
		awk -F: -v n="$name" '$1 == n { print $2, $3 }' /etc/subuid | while read -r first count; do
			ps -eo uid=,pid=,args= | awk -v a="$first" -v b="$((first + count))" \
				'$1 >= a && $1 < b { print "process", $0 }'
		done
		for dir in "/tmp/runner-$(id -u "$name")" "/run/user/$(id -u "$name")/runner"; do
			[ ! -d "$dir" ] || find "$dir" -type s -o -path '*/containers/*' -type f | sed 's/^/state /'
		done
	done
	grep -E "/(tmp|home)/$SUITE_PREFIX-" /proc/self/mounts | sed 's/^/mount /'
	find /tmp -maxdepth 1 -name "$SUITE_PREFIX-test.*" | sed 's/^/folder /'
	return 0
}
