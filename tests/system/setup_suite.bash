# Runs once around all bats files: accounts before, a look for leaks after.

setup_suite() {
	load helpers.bash
	if [ "$(id -u)" = 0 ]; then
		SUITE_PREFIX=$SUITE_PREFIX "$BATS_TEST_DIRNAME/../helpers/accounts.sh" >&3
		BINDIR_UNDER_TEST=$("$BATS_TEST_DIRNAME/../helpers/stage.sh" "$BINDIR_UNDER_TEST")
		export BINDIR_UNDER_TEST
	fi
	{
		echo "# kernel $(uname -r), $(. /etc/os-release && echo "$PRETTY_NAME")"
		echo "# programs $BINDIR_UNDER_TEST, run by $(id -un)"
		for node in /dev/fuse /dev/net/tun; do
			echo "# $node $(stat -c '%A' "$node" 2>/dev/null || echo missing)"
		done
	} >&3
	SUITE_STATE=$(mktemp -d /tmp/"$SUITE_PREFIX"-suite.XXXXXX)
	chmod 0755 "$SUITE_STATE"
	export SUITE_STATE
	leaks >"$SUITE_STATE/before"
}

teardown_suite() {
	load helpers.bash
	# what ends by itself gets a moment to do so
	for _ in $(seq 50); do
		leaks >"$SUITE_STATE/after"
		cmp -s "$SUITE_STATE/before" "$SUITE_STATE/after" && break
		sleep 0.1
	done
	if ! diff -u "$SUITE_STATE/before" "$SUITE_STATE/after" >&2; then
		echo "leaked by this suite: see the lines above" >&2
		return 1
	fi
	rm -rf "$SUITE_STATE"
	case $BINDIR_UNDER_TEST in
	/var/tmp/runner-stage.*) rm -rf "$(dirname "$BINDIR_UNDER_TEST")" ;;
	esac
}
