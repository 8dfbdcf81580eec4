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

@test "2000 connections at once, each of them alive" {
	soak many slirp-net 2000
	assert_output_has 'opened 2000, all answered'
}
