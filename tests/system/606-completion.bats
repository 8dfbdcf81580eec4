# Completion in bash: what is offered comes from the program itself

bats_require_minimum_version 1.5.0

setup_file() {
	load helpers
	DIR=$(scratch nosub)
	export DIR
	cp "$TREE/runner/completion/runner.bash" "$DIR/" # the tree itself may be closed to accounts
	chmod 0644 "$DIR/runner.bash"
	as nosub runner --root "$DIR/root" --runroot "$DIR/run" create --name box hello
	as nosub runner --root "$DIR/root" --runroot "$DIR/run" create --name cup hello
}

teardown_file() { wait_for 5 rm -rf "$DIR"; }

setup() { load helpers; }

# complete LINE: what is offered at its end, a word a line
offered() {
	as nosub bash -c '
		source "$1/runner.bash"
		COMP_LINE=$2 COMP_POINT=${#2}
		COMP_WORDS=() COMP_CWORD=0
		_runner
		printf "%s\n" "${COMPREPLY[@]}"' - "$DIR" "$1"
}

# offers LINE WORD...: exactly these
offers() {
	local line=$1 got
	shift
	got=$(offered "$line" | sort | tr '\n' ' ')
	[ "$got" = "$(printf '%s\n' "$@" | sort | tr '\n' ' ')" ] || { echo "$line: $got"; return 1; }
}

@test "commands, all of them, and images in their place" {
	offers "runner wai" wait
	offers "runner log" login logout logs
	all=$(as nosub runner help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
	for c in $all; do offered "runner " | grep -qx "$c"; done
	offers "runner --root $DIR/root hel" help hello
	offers "runner help rena" rename
}

@test "every option of every command" {
	n=0
	for c in $(as nosub runner help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
		want=$(as nosub runner help "$c" | sed -nE 's/^ .{5}(--[a-z-]+=?).*/\1/p')
		[ -n "$want" ] || continue
		n=$((n + 1))
		offers "runner $c --" $want
	done
	[ "$n" -gt 10 ]
	offers "runner --ro" --root=
	offers "runner run --rm --read" --read-only
}

@test "containers, also of another --root" {
	r="runner --root $DIR/root --runroot $DIR/run"
	offers "$r rm " box cup
	offers "$r rm box c" cup
	offers "$r start -a b" box
	offers "$r rename box " ""
	# they do not run
	offers "$r stop " ""
}

@test "images, and nothing behind an image or a container's program" {
	r="runner --root $DIR/root --runroot $DIR/run"
	offers "$r run --rm -p 8080:80 h" hello
	offers "$r rmi " hello
	offers "$r run hello --" ""
	offers "$r hello --" ""
	offers "$r exec box --" ""
}

@test "files as values of options" {
	as nosub touch "$DIR/values"
	offers "runner run --env-file $DIR/val" "$DIR/values"
	offers "runner run --env-file=$DIR/val" "$DIR/values"
	as nosub rm "$DIR/values"
}
