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
