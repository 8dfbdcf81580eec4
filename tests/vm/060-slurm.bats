# Debian's Slurm runs containers through runner-oci, by both forms of oci.conf

load helpers

# Two nodes on this host: Slurm 22.05 runs one task of a container's step on a node
setup_file() {
	load helpers
	local node
	cat >/etc/slurm/slurm.conf <<-'END'
		ClusterName=vm
		SlurmctldHost=vm
		SlurmUser=root
		AuthType=auth/munge
		CredType=cred/munge
		MpiDefault=none
		ProctrackType=proctrack/linuxproc
		TaskPlugin=task/none
		SlurmdSpoolDir=/var/spool/slurmd.%n
		StateSaveLocation=/var/spool/slurmctld
		SlurmctldPidFile=/run/slurmctld.pid
		SlurmdPidFile=/run/slurmd.%n.pid
		SlurmctldLogFile=/tmp/slurmctld.log
		SlurmdLogFile=/tmp/slurmd.%n.log
		SlurmdDebug=debug
		ReturnToService=2
		SlurmdTimeout=300
		KillWait=5
		NodeName=n[1-2] NodeHostname=vm Port=[17001-17002] CPUs=2 CoresPerSocket=2 State=UNKNOWN
		PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
	END
	mkdir -p /var/spool/slurmd.n1 /var/spool/slurmd.n2 /var/spool/slurmctld
	oci_conf_run
	# Slurm asks for addresses of the families that the machine has (AI_ADDRCONFIG).
	# With a loopback alone it has none, no name and no number resolves, and every
	# daemon and command tries for ten seconds, in vain
	ip link add slurm0 type dummy
	ip addr add 192.0.2.1/24 dev slurm0
	ip link set slurm0 up
	systemctl start munge slurmctld
	for node in n1 n2; do
		systemd-run -q --unit=slurmd-$node -p Delegate=yes -p KillMode=process slurmd -D -N $node
	done
	wait_for 60 eval '[ "$(timeout 20 sinfo -h -N -o %t | grep -cx idle)" = 2 ]' || {
		timeout 20 sinfo -N -o '%N %t %E'
		tail -n 15 /tmp/slurmctld.log /tmp/slurmd.*.log
		return 1
	}
}

teardown_file() {
	systemctl stop slurmd-n1 slurmd-n2 slurmctld munge
	rm -f /etc/slurm/*.conf
	ip link del slurm0
}

setup() { bundle sub; chmod -R a+rX "$DIR"; }
teardown() {
	load helpers
	rm -rf "$DIR" /tmp/slurm-oci /tmp/slurm-out
}

# what both forms have; RunTimeQuery is asked by root too
oci_conf_common() {
	local name='%n.%u.%j.%s.%t' call="$BIN/runner-oci --root=/tmp/slurm-oci/%U"
	cat >/etc/slurm/oci.conf <<-END
		RunTimeQuery="$call state $name"
		RunTimeKill="$call kill -a $name"
		RunTimeDelete="$call delete --force $name"
	END
	sed -i "s,/%U,," /etc/slurm/oci.conf
	rm -rf /tmp/slurm-oci
	mkdir -m 1777 /tmp/slurm-oci
}

oci_conf_run() {
	oci_conf_common
	echo "RunTimeRun=\"exec $BIN/runner-oci --root=/tmp/slurm-oci run --bundle %b %n.%u.%j.%s.%t\"" >>/etc/slurm/oci.conf
}

# slurmstepd reads create's output to its end and hands nothing of the task on:
# the container gets a file, and create's own words go where they are read
oci_conf_create() {
	oci_conf_common
	cat >>/etc/slurm/oci.conf <<-END
		RunTimeCreate="exec $BIN/runner-oci --root=/tmp/slurm-oci --log=/dev/fd/3 create --bundle %b %n.%u.%j.%s.%t 3>&1 >/tmp/slurm-out/%j.%s.%t 2>&1"
		RunTimeStart="$BIN/runner-oci --root=/tmp/slurm-oci start %n.%u.%j.%s.%t"
	END
	rm -rf /tmp/slurm-out
	mkdir -m 1777 /tmp/slurm-out
}

srun_as_sub() { SUITE_TIMEOUT_CMD=100 as sub srun "$@" 2>&1; }
# what slurmstepd said, for whoever reads a failure
logs() { tail -q -n 400 /tmp/slurmd.*.log | grep -E "\[[0-9]+\." | grep -v debug: | tail -n 15; }
# long WORD…: a job that sleeps in a container, in the background; its number is in $job
long() {
	as sub srun --container="$DIR/b" --job-name=long "$@" >"$DIR/out" 2>&1 3>&- &
	job=$!
	wait_for 30 sleeps
}
# cancelled SECONDS: scancel ends it within so long; $code is srun's
cancelled() {
	code=0
	as sub scancel --name=long
	wait_for "$1" eval '! sleeps'
	wait "$job" || code=$?
	cat "$DIR/out"
	gone
}
gone() { wait_for 20 eval '[ -z "$(ls /tmp/slurm-oci)" ]'; }
sleeps() { pgrep -x sleep -a | grep -q "sleep 300"; }

@test "RunTimeRun: srun --container runs, gives the output and the code, leaves nothing" {
	oci_conf_run
	run srun_as_sub --container="$DIR/b" /bin/sh -c 'echo "in $(cat /etc/where), uid $(id -u), job $SLURM_JOB_ID"; exit 3'
	echo "$output"; logs
	[ "$status" -eq 3 ]
	assert_output_has 'in inside, uid 0, job '
	# standard input arrives too
	run bash -c "source $BATS_TEST_DIRNAME/../system/helpers.bash; echo typed | as sub srun --container=$DIR/b /bin/cat"
	assert_output_has typed
	gone
}

@test "RunTimeRun: two tasks of one step, on two nodes" {
	oci_conf_run
	run srun_as_sub -N 2 -n 2 --container="$DIR/b" /bin/sh -c 'echo "one of $SLURM_NTASKS in $(cat /etc/where)"'
	echo "$output"; logs
	[ "$status" -eq 0 ]
	# Slurm writes the config before it knows SLURM_PROCID
	[ "$(grep -c '^one of 2 in inside$' <<<"$output")" = 2 ]
	grep -q 'launch task' /tmp/slurmd.n1.log
	grep -q 'launch task' /tmp/slurmd.n2.log
	gone
}

@test "RunTimeRun: scancel ends the container, one that heeds SIGTERM at once" {
	oci_conf_run
	local script=$DIR/b/rootfs/script
	# Slurm signals its sleep first: the script is not to end by that
	printf '#!/bin/sh\ntrap "echo was told; exit 9" TERM\nwhile :; do sleep 300 & wait; done\n' >"$script"
	chmod 0755 "$script"
	long /bin/sh /script
	cancelled 30
	[ "$code" -ne 0 ]
	grep -q 'was told' "$DIR/out"
}

@test "RunTimeRun: scancel ends a container that ignores SIGTERM, by KillWait" {
	oci_conf_run
	long /bin/sleep 300
	# five seconds, and the rounds of slurmctld
	cancelled 60
	[ "$code" -ne 0 ]
}

@test "RunTimeRun: sbatch --container: the script runs inside" {
	oci_conf_run
	batch
	grep -q 'batch in inside' "$DIR/out"
	gone
}

# batch: a script whose output is a file
batch() {
	as sub sh -c "cat >$DIR/job.sh" <<-'END'
		#!/bin/sh
		echo "batch in $(cat /etc/where)"
		exit 4
	END
	run timeout 100 setpriv --reuid="$(account sub)" --regid="$(account sub)" --init-groups \
		sbatch -W --container="$DIR/b" -o "$DIR/out" "$DIR/job.sh"
	echo "$output"; cat "$DIR/out"; logs
}

@test "RunTimeCreate and RunTimeStart: the program runs, nothing hangs, nothing is left" {
	oci_conf_create
	run srun_as_sub --container="$DIR/b" /bin/sh -c 'echo "created in $(cat /etc/where)"'
	echo "$output"; logs
	[ "$status" -eq 0 ]
	grep -q 'created in inside' /tmp/slurm-out/*
	gone
}

@test "RunTimeCreate: an error of create is in slurmstepd's log" {
	oci_conf_create
	jq '.process.selinuxLabel = "a:b:c:s0"' "$DIR/b/config.json" >"$DIR/new"
	cat "$DIR/new" >"$DIR/b/config.json"
	run srun_as_sub --container="$DIR/b" /bin/true
	logs
	[ "$status" -ne 0 ]
	grep -h 'RunTimeCreate rc' /tmp/slurmd.*.log | grep -q "selinuxLabel"
	gone
}

@test "RunTimeCreate and RunTimeStart: sbatch's output is in the container's file" {
	oci_conf_create
	batch
	grep -q 'batch in inside' /tmp/slurm-out/*.0
	gone
}

@test "RunTimeCreate and RunTimeStart: scancel ends the container" {
	oci_conf_create
	long /bin/sleep 300
	cancelled 60
}
