# Helpers for the bats files of the virtual machine: load helpers

load ../system/helpers.bash
load ../system/oci.bash

[ "${SUITE_IN_VM:-0}" = 1 ] || { echo "these tests are run by tests/vm/run" >&2; exit 1; }

# login KIND SCRIPT [WORD…]: a bash script in a login session of its own, through
# PAM: logind makes the session, starts the user's manager, sets XDG_RUNTIME_DIR
login() {
	local name script=$2 file
	name=$(account "$1")
	shift 2
	file=$(mktemp /tmp/login.XXXXXX)
	printf 'export PATH=%q:$PATH TERM=xterm LANG=C.UTF-8\n%s\n' "$BIN" "$script" >"$file"
	chmod 0644 "$file"
	status=0
	# into a file: what stays in the background keeps what it was given
	timeout -k 5 "${LOGIN_TIME:-120}" su -l "$name" -c "exec bash $file \"\$@\"" -- login "$@" \
		</dev/null >"$file.out" 2>&1 3>&- || status=$?
	output=$(cat "$file.out")
	mapfile -t lines <<<"$output"
	rm -f "$file" "$file.out"
	return 0
}

# logged_in KIND [STATUS] SCRIPT [WORD…]: login, that fails when the status is another
logged_in() {
	local kind=$1 want=0
	shift
	[[ $1 =~ ^[0-9]+$ ]] && { want=$1; shift; }
	login "$kind" "$@"
	[ "$status" -eq "$want" ] || { echo "status $status, not $want:"; echo "$output"; return 1; }
}

# scopes KIND: units of the user's manager that runners made
scopes() {
	local uid
	uid=$(id -u "$(account "$1")")
	find "/sys/fs/cgroup/user.slice/user-$uid.slice" -name '*.scope' ! -name init.scope -path '*user@*' 2>/dev/null
}

# bundle KIND: $DIR/b, a bundle with busybox as in tests/system/oci.bash
bundle() {
	oci_setup "$1"
	chmod 0755 "$DIR"
}
