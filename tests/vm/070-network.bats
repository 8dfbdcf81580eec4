# what the descriptor limit of a build machine does not allow: slirp-net with tens of thousands of connections

load helpers

@test "20000 connections at once, half of them each way, all answered" {
	chmod 0755 "$BATS_TEST_DIRNAME/../helpers"
	LOGIN_TIME=900 logged_in sub 'ulimit -Hn; exec unshare -rnm python3 "$1" many "$2/slirp-net" 20000' \
		"$BATS_TEST_DIRNAME/../helpers/net_soak.py" "$BIN"
	echo "# ${output##*$'\n'}" >&3
	assert_output_has 'opened 20000, all answered: 10000 out, 10000 in'
}
