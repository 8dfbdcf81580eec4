# Help and man pages tell the same as the option tables

setup() { load helpers; }

commands() { as sub runner help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'; }

@test "help lists commands, and each has help of its own" {
	run commands
	[ "${#lines[@]}" -gt 20 ]
	for c in "${lines[@]}"; do
		run_as sub runner help "$c"
		assert_output_has "usage: runner $c"
	done
	run_as sub 125 runner help no-such
	assert_one_line
}

@test "every command has a man page that names its every option" {
	missing= n=0
	for c in $(commands); do
		page=$TREE/docs/man/runner-$c.1
		[ "$c" != help ] || page=$TREE/docs/man/runner.1
		[ -f "$page" ] || { missing+=" runner-$c.1"; continue; }
		text=$(mandoc -T ascii "$page" | sed 's/.\x08//g')
		for o in $(as sub runner help "$c" | grep -oE '^ .{5}--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
			n=$((n + 1))
			grep -qE -- "$o([^a-z-]|$)" <<<"$text" || missing+=" $c:$o"
		done
	done
	echo "not documented:$missing"
	[ -z "$missing" ]
	[ "$n" -gt 100 ]
}

@test "volume: help of each of its words, whose options are on its page" {
	text=$(mandoc -T ascii "$TREE/docs/man/runner-volume.1" | sed 's/.\x08//g')
	for c in create inspect ls rm; do
		run_as sub runner help volume "$c"
		assert_output_has "usage: runner volume $c"
		for o in $(grep -oE '^ .{5}--[a-z-]+' <<<"$output" | grep -oE -- '--[a-z-]+'); do
			grep -qE -- "$o([^a-z-]|$)" <<<"$text" || { echo "not on the page: $o"; return 1; }
		done
		run_as sub runner volume "$c" --help
		assert_output_has "usage: runner volume $c"
	done
	for c in "" prune; do
		run_as sub 125 runner volume $c
		assert_one_line
	done
}

@test "create refuses what is about staying with a program" {
	for o in --detach --detach-keys=a --sig-proxy=false; do
		run_as sub 125 runner create "$o" hello
		assert_one_line
		assert_output_has "${o%=*}: create starts nothing"
	done
}
