# The harness itself: accounts are ordinary, and a helper that should fail does

setup() { load helpers; }

@test "accounts are ordinary: no capability, subordinate ids for one only" {
	for kind in sub nosub; do
		run_as $kind sh -c 'id -u; grep CapEff /proc/self/status'
		[ "${lines[0]}" -ne 0 ]
		assert_output_has "0000000000000000"
	done
	[ "$(id -u)" = 0 ] || skip "needs root to have both accounts"
	grep -q "^$SUITE_PREFIX-sub:" /etc/subuid
	run grep -q "^$SUITE_PREFIX-nosub:" /etc/subuid
	[ "$status" -eq 1 ]
}

@test "a wrong exit status fails run_as" {
	if run_as sub 3 false; then return 1; fi
	run_as sub 1 false
}
