#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# overlay_stress.sh PROGRAM FOLDER SECONDS [OPTIONS]: fsx, fio with verify and stress-ng's file stressors on a mount
#
# A quarter of the time goes to four clients of overlay_fsx.py, an eighth to fio, the rest to
# stress-ng, two of each stressor, one kind after the other. Run it as uid 0 of a user and mount
# namespace. A sanitizer that finds something ends the server, and with it the run.
set -eu
prog=$1 dir=$2 seconds=$3 options=${4:-}
here=$(dirname "$(readlink -f "$0")")
mkdir -p "$dir"/{l,u,w,m}; cd "$dir"; chmod 755 . l u m
for n in 0 1 2 3; do head -c 300000 /dev/urandom >l/low-$n; done
"$prog" -f -o "lowerdir=l,upperdir=u,workdir=w$options" m 2>server.log & server=$!
trap 'umount -l m 2>/dev/null || :' EXIT
until mountpoint -q m; do sleep 0.05; kill -0 $server || { cat server.log; exit 1; }; done

python3 "$here/overlay_fsx.py" m $((seconds / 4)) 4

fio --name=verify --directory=m --numjobs=4 --size=32m --rw=randrw --bsrange=512-256k --verify=crc32c \
	--verify_fatal=1 --ioengine=psync --time_based --runtime=$((seconds / 8)) --output=fio.log >/dev/null
echo "fio: $(grep -c 'err= 0' fio.log) jobs verified"

# kinds that need more than a folder, or the machine's root, are left out; one kind is one line of 'successful run'
kinds=$(stress-ng --class filesystem? 2>/dev/null | sed -n "s/^class 'filesystem' stressors: //p")
each=$((seconds * 5 / 8 / $(wc -w <<<"$kinds"))); [ "$each" -gt 0 ] || each=1
for kind in $kinds; do
	case $kind in binderfs | io-uring | ioprio | mkdir-root | verity) continue ;; esac
	stress-ng --"$kind" 2 --timeout "$each" --temp-path m --verify --quiet >stress.log 2>&1 || {
		# 2: a check failed; others: not possible here
		[ $? != 2 ] || { echo "stress-ng: $kind"; tail -5 stress.log; exit 1; }
		echo "stress-ng: $kind was not run: $(tail -1 stress.log | cut -c1-100)"
	}
	kill -0 $server || { echo "the server ended during $kind"; cat server.log; exit 1; }
done
echo "stress-ng: $(wc -w <<<"$kinds") kinds, $each s each"
for _ in $(seq 100); do umount m 2>/dev/null && break; sleep 0.1; done
wait $server || { echo "the server ended with $?"; cat server.log; exit 1; }
[ ! -s server.log ] || { cat server.log; exit 1; }
