# Helpers for the 3NN bats files: load helpers; load overlay

# every test has an empty folder $dir of the account with subordinate ids
setup() {
	need_root
	need_fuse
	dir=$(scratch sub)
}

teardown() {
	rm -rf "$dir"
}

# in_userns CMD…: as uid 0 of a user namespace of an ordinary user (ACCOUNT) with its subordinate
# ids (MAP); $status is 0 and $output is what it said
in_userns() {
	run_as "${ACCOUNT:-sub}" unshare -rm ${MAP---map-auto} "$@"
}

# script_in_userns ARG…: $dir/script so, with $dir and the ARGs
script_in_userns() {
	in_userns bash "$dir/script" "$dir" "$@"
}

# helper NAME: put a program of tests/helpers where the account can read it
helper() {
	cp "$TREE/tests/helpers/$1" "$dir/"
}
