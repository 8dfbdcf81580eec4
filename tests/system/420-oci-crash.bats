# runner-oci killed between any two steps, and many containers

load helpers
load oci

setup() { oci_setup nosub; }
teardown() { oci_teardown; }

procs() { pgrep -u "$(account nosub)" -f "sleep 4242" || true; }

stopped_at() { [ "$(ps -o stat= -p "$1" | cut -c1)" = T ]; }

@test "kill -9 at each named step: delete --force cleans up" {
	cmd '.hooks = {"createRuntime":[{"path":"/bin/true"}]}' sleep 4242
	for step in planned cgroup cloned mapped mounted hooked ready; do
		as nosub sh -c "echo \$\$ >$DIR/pid.$step; exec runner-oci --root $DIR/state --debug-stop $step create -b $DIR/b c1" </dev/null >/dev/null 2>&1 &
		wait_for 5 test -s "$DIR/pid.$step"
		pid=$(cat "$DIR/pid.$step")
		wait_for 5 stopped_at "$pid" || { echo "never stopped at $step"; false; }
		kill -9 "$pid"
		wait $! || [ $? = 137 ]
		run_oci list
		oci delete --force c1 || { echo "after $step"; false; }
		nothing_left
		wait_for 5 eval '[ -z "$(procs)" ]' || { echo "a process after $step"; false; }
		[ -z "$(ls -A "$DIR/state")" ]
	done
}

@test "kill -9 at each named step: a plain delete cleans up, too" {
	local step pid maker deleter
	cmd '.hooks = {"createRuntime":[{"path":"/bin/true"}]}' sleep 4242
	for step in planned cgroup cloned mapped mounted hooked ready; do
		as nosub sh -c "echo \$\$ >$DIR/pid.$step; exec runner-oci --root $DIR/state --debug-stop $step create -b $DIR/b c1" </dev/null >/dev/null 2>&1 &
		maker=$!
		wait_for 5 test -s "$DIR/pid.$step"
		pid=$(cat "$DIR/pid.$step")
		wait_for 5 stopped_at "$pid" || { echo "never stopped at $step"; false; }
		# while its maker lives it is the maker's, and whoever waits gets it afterwards
		oci delete c1 >"$DIR/out" 2>&1 3>&- &
		deleter=$!
		sleep 0.2
		[ -d "$DIR/state/c1" ]
		[ "$(oci state c1 | jq -r .status)" = $([ $step = ready ] && echo created || echo creating) ]
		kill -9 "$pid"
		wait $deleter || { echo "after $step:"; cat "$DIR/out"; false; }
		wait $maker || [ $? = 137 ]
		nothing_left
		wait_for 5 eval '[ -z "$(procs)" ]' || { echo "a process after $step"; false; }
		[ -z "$(ls -A "$DIR/state")" ]
	done
}

# what the kernel holds for the account: keys, processes, mounts, groups
held() {
	local id
	id=$(id -u "$(account nosub)")
	# "uid: usage keys/instantiated keys-of-quota/limit ..."; no line where there never was one, or long ago
	echo "keys $(awk -v id="$id:" '$1 == id { split($4, a, "/"); n = a[1] } END { print n + 0 }' /proc/key-users)"
	echo "processes $(pgrep -c -u "$id")"
	echo "mounts $(wc -l </proc/self/mountinfo)"
	echo "groups $(find /sys/fs/cgroup -type d -name '*runner-oci*' 2>/dev/null | wc -l)"
}

# held_no_more THAN: of nothing more than then; what tests before this one had may have gone meanwhile
held_no_more() {
	join <(sort <<<"$1") <(held | sort) | awk '{ n++; if ($3 > $2) more = 1 } END { exit n != 4 || more }'
}

slab() { awk '/^Slab:/ { print $2 }' /proc/meminfo; }

# churn N AT_ONCE: so many containers in turn, then so many side by side; nothing of them is left
churn() {
	as nosub sh -c "cd $DIR; for i in \$(seq $1); do
		runner-oci --root state create -b b c\$i </dev/null >/dev/null && runner-oci --root state start c\$i &&
		runner-oci --root state delete --force c\$i || exit 1; done"
	nothing_left
	as nosub sh -c "cd $DIR; for i in \$(seq $2); do
		(runner-oci --root state run -b b p\$i </dev/null >/dev/null || echo failed >>failures) & done; wait"
	[ ! -e "$DIR/failures" ]
	nothing_left
	[ -z "$(ls -A "$DIR/state")" ]
}

@test "containers one after the other, and many at once: nothing left, nothing grows" {
	local n=${OCI_ROUNDS:-60} at_once=${OCI_AT_ONCE:-30} before kb turn grown
	cmd . true
	SUITE_TIMEOUT_CMD=$((60 + n))
	# the first ones fill caches
	as nosub sh -c "cd $DIR; runner-oci --root state run -b b first </dev/null"
	wait_for 20 eval '[ "$(held | grep -c "processes 0")" = 1 ]'
	before=$(held)
	# 30 kB a container would be its namespaces not freed; the rest is the machine's,
	# and what others do on it meanwhile grows in one turn, a leak of ours in each
	for turn in 1 2 3; do
		kb=$(slab)
		churn "$n" "$at_once"
		# the kernel collects keys and groups when it finds the time
		wait_for 60 held_no_more "$before" || { echo "before: $before"; echo "after: $(held)"; false; }
		grown=$(($(slab) - kb))
		echo "turn $turn: slab grew by $grown kB"
		[ "$grown" -ge $((30 * (n + at_once) + 20000)) ] || break
	done
	[ "$grown" -lt $((30 * (n + at_once) + 20000)) ]
}

@test "two makers of one name: one wins, the other says so" {
	cmd . sleep 4242
	for i in 1 2 3 4; do
		as nosub runner-oci --root "$DIR/state" create -b "$DIR/b" same </dev/null >"$DIR/out.$i" 2>&1 &
	done
	wait
	[ "$(cat "$DIR"/out.* | grep -c "already exists")" = 3 ]
	oci delete --force same
	nothing_left
}
