# Debian's Slurm runs containers through runner-oci, by both forms of oci.conf

load helpers

setup_file() {
	load helpers
	cat >/etc/slurm/slurm.conf <<-'END'
		ClusterName=vm
		SlurmctldHost=vm
		SlurmUser=root
		AuthType=auth/munge
		CredType=cred/munge
		MpiDefault=none
		ProctrackType=proctrack/linuxproc
		TaskPlugin=task/none
		SlurmdSpoolDir=/var/spool/slurmd
		StateSaveLocation=/var/spool/slurmctld
		SlurmctldPidFile=/run/slurmctld.pid
		SlurmdPidFile=/run/slurmd.pid
		SlurmctldLogFile=/tmp/slurmctld.log
		SlurmdLogFile=/tmp/slurmd.log
		SlurmdDebug=debug
		ReturnToService=2
		SlurmdTimeout=300
		NodeName=vm CPUs=2 State=UNKNOWN
		PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
	END
	mkdir -p /var/spool/slurmd /var/spool/slurmctld
	oci_conf_run
	systemctl start munge
	systemctl start slurmctld slurmd
	wait_for 240 eval 'sinfo -h -o %t | grep -qx idle' || {
		sinfo -N -o '%t %E'
		tail -n 15 /tmp/slurmctld.log /tmp/slurmd.log
		return 1
	}
}

teardown_file() {
	systemctl stop slurmd slurmctld munge
	rm -f /etc/slurm/*.conf
}

setup() { bundle sub; chmod -R a+rX "$DIR"; }
teardown() {
	load helpers
	rm -rf "$DIR" /tmp/slurm-oci
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

# slurmstepd reads create's output to its end, which the container would hold open:
# the container gets the task's own descriptors, those of the shell's parent
oci_conf_create() {
	oci_conf_common
	cat >>/etc/slurm/oci.conf <<-END
		RunTimeCreate="exec $BIN/runner-oci --root=/tmp/slurm-oci create --bundle %b %n.%u.%j.%s.%t </proc/\$PPID/fd/0 >/proc/\$PPID/fd/1 2>/proc/\$PPID/fd/2"
		RunTimeStart="$BIN/runner-oci --root=/tmp/slurm-oci start %n.%u.%j.%s.%t"
	END
}

srun_as_sub() { SUITE_TIMEOUT_CMD=100 as sub srun "$@" 2>&1; }

@test "RunTimeRun: srun --container runs, gives the output and the code, leaves nothing" {
	oci_conf_run
	run srun_as_sub --container="$DIR/b" /bin/sh -c 'echo "in $(cat /etc/where), uid $(id -u), job $SLURM_JOB_ID"; exit 3'
	echo "$output"; grep -v debug: /tmp/slurmd.log | tail -n 12
	[ "$status" -eq 3 ]
	assert_output_has 'in inside, uid 0, job '
	# standard input arrives too
	run bash -c "source $BATS_TEST_DIRNAME/../system/helpers.bash; echo typed | as sub srun --container=$DIR/b /bin/cat"
	assert_output_has typed
	wait_for 10 eval '[ -z "$(ls /tmp/slurm-oci)" ]'
}

@test "RunTimeRun: two tasks of one step" {
	oci_conf_run
	run srun_as_sub -n 2 --container="$DIR/b" /bin/sh -c 'echo "task $SLURM_PROCID"'
	grep -v debug: /tmp/slurmd.log | tail -n 12
	assert_output_has 'task 0'
	assert_output_has 'task 1'
	wait_for 10 eval '[ -z "$(ls /tmp/slurm-oci)" ]'
}

@test "RunTimeRun: scancel ends the container" {
	oci_conf_run
	as sub srun --container="$DIR/b" --job-name=long /bin/sleep 300 >/dev/null 2>&1 3>&- &
	wait_for 30 eval 'as sub squeue -h -n long -o %T | grep -q RUNNING'
	wait_for 30 eval 'pgrep -x sleep -a | grep -q "sleep 300"'
	as sub scancel --name=long
	wait_for 30 eval '! pgrep -x sleep -a | grep -q "sleep 300"'
	wait_for 30 eval '[ -z "$(ls /tmp/slurm-oci)" ]'
}

@test "sbatch --container: the script runs inside" {
	oci_conf_run
	as sub sh -c "cat >$DIR/job.sh" <<-'END'
		#!/bin/sh
		echo "batch in $(cat /etc/where)"
	END
	as sub sbatch -W --container="$DIR/b" -o "$DIR/out" "$DIR/job.sh"
	cat "$DIR/out"
	grep -q 'batch in inside' "$DIR/out"
}

@test "RunTimeCreate and RunTimeStart: the output arrives, nothing hangs" {
	oci_conf_create
	run srun_as_sub --container="$DIR/b" /bin/sh -c 'echo "created in $(cat /etc/where)"'
	echo "$output"; grep -v debug: /tmp/slurmd.log | tail -n 12
	[ "$status" -eq 0 ]
	assert_output_has 'created in inside'
	wait_for 10 eval '[ -z "$(ls /tmp/slurm-oci)" ]'
}
