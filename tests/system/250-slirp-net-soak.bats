#!/usr/bin/env bats
# slirp-net: a bad wire, many connections after another, and many at once ("make soak-net" is the long run)

load helpers.bash

setup() {
	need_root
	dir=$(scratch sub)
	cp "$BATS_TEST_DIRNAME/../helpers/net_soak.py" "$dir"
}

teardown() { rm -rf "$dir"; }

soak() { run_as sub unshare -rnm python3 "$dir/net_soak.py" "$@"; }

@test "10 ms and 1 % loss, MTU 576 and 65520: no stall that the host has not" {
	need_tun
	soak wire slirp-net 200000 576,65520 10 1
	[ "$(grep -c container <<<"$output")" = 2 ]
	assert_output_has 'stalls: 0'
}

@test "20000 short connections, outbound and published: memory, descriptors and processor time stay flat" {
	[ "${VARIANT:-release}" = release ] || skip "sanitizers keep what was freed for a while"
	soak churn slirp-net 20000
	assert_output_has 'after  20000'
	assert_output_has flat
}

@test "9000 connections at once, out and in, each of them alive; a few hundred bytes of memory each" {
	soak many slirp-net 9000
	assert_output_has 'opened 9000, all answered: 4500 out, 4500 in'
	[ "${VARIANT:-release}" != release ] || [[ $output =~ ', 0.'[0-9]+' kB each' ]]
}

@test "no descriptors left: new connections are refused with one line, old ones live" {
	soak limit slirp-net 300
	assert_output_has held
}
