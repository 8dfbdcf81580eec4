#!/bin/bash
# setup.sh: runs once, inside the new root folder, when the disk is made
set -eu
echo vm >/etc/hostname
printf '127.0.0.1 localhost vm\n::1 localhost\n' >/etc/hosts
: >/etc/machine-id
printf '/dev/vda / ext4 rw,noatime 0 0\n' >/etc/fstab
passwd -d root >/dev/null

# what a login has, and what the distribution's own unit delegates, with io and cpuset
mkdir -p /etc/systemd/system/user@.service.d
printf '[Service]\nDelegate=cpu cpuset io memory pids\n' >/etc/systemd/system/user@.service.d/delegate.conf

# nothing that only costs time at boot
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
	fstrim.timer man-db.timer logrotate.timer getty@tty1.service serial-getty@ttyS0.service \
	systemd-timesyncd.service \
	podman.service podman.socket podman-auto-update.timer podman-auto-update.service \
	podman-restart.service networking.service systemd-networkd.service \
	systemd-udev-settle.service systemd-update-utmp.service sys-kernel-debug.mount sys-kernel-tracing.mount; do
	ln -sf /dev/null "/etc/systemd/system/$unit"
done
# these are started by the tests that want them
for unit in docker-registry slurmd slurmctld munge iperf3; do
	systemctl disable "$unit.service" 2>/dev/null || true
done

cat >/etc/systemd/system/vm-test.service <<-'END'
	[Unit]
	Description=the test list
	After=systemd-user-sessions.service dbus.service apparmor.service
	[Service]
	Type=exec
	ExecStart=/bin/bash /opt/vm/entry.sh
	StandardOutput=journal
	Delegate=no
	[Install]
	WantedBy=multi-user.target
END
ln -sf ../vm-test.service /etc/systemd/system/multi-user.target.wants/vm-test.service
mkdir -p /etc/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\n' >/etc/systemd/journald.conf.d/vm.conf
printf 'tun\nfuse\noverlay\nvirtio_console\n' >/etc/modules-load.d/vm.conf

# labels for a boot with SELinux (VM_LSM=selinux), which is permissive; by
# setfiles, since the host that makes the disk needs no SELinux for it
sed -i 's/^SELINUX=.*/SELINUX=permissive/' /etc/selinux/config
mountpoint -q /proc || { mount -t proc proc /proc; trap 'umount /proc' EXIT; }
setfiles -q -F -e /proc -e /sys -e /dev /etc/selinux/default/contexts/files/file_contexts / || true
getfattr --absolute-names -n security.selinux /usr/lib/systemd/systemd
