#!/bin/bash
# entry.sh: the guest's side of tests/vm/run. The second disk holds the programs
# and the tests; what its "list" says is run, answers go to the second serial line.
exec >/dev/ttyS1 2>&1 </dev/null
stty -F /dev/ttyS1 raw -echo 2>/dev/null
mkdir -p /suite
mount /dev/vdb /suite
echo "# kernel $(uname -r), systemd $(systemctl --version | sed -n '1s/[^ ]* \([0-9]*\).*/\1/p'), up after $(cut -d' ' -f1 /proc/uptime) s"
bash /suite/list
echo "# end $?"
sync
systemctl poweroff --force --force
