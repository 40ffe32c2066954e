#!/bin/sh
# Boots a systemd as the first process of namespaces of its own: this machine's files with
# an overlay in memory over them, so that packages can be installed and their services run,
# and all of it is gone when that process is killed. Shares the network; /proc/sys is
# read-only, and of systemd's own services only journald runs.
# Usage: unshare --mount --propagation private --pid --fork --cgroup --uts --ipc machine.sh FOLDER
set -e
root=$1/root
mount -t tmpfs machine "$1"
mkdir "$1/upper" "$1/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$root"
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount --rbind /dev "$root/dev"
mount -t sysfs -o ro sysfs "$root/sys"
if ! mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup" 2>/dev/null; then
  mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
fi
mount -t tmpfs run "$root/run"
mount -t tmpfs tmp "$root/tmp"
units=$root/etc/systemd/system
rm -rf "$units"
mkdir -p "$units"
cat >"$units/machine.target" <<END
[Unit]
Requires=basic.target systemd-journald.service
After=basic.target systemd-journald.service
AllowIsolate=yes
END
for unit in "$root"/lib/systemd/system/sysinit.target.wants/* "$root"/lib/systemd/system/basic.target.wants/*; do
  case $unit in
  *journald* | *.target) ;;
  *) ln -sf /dev/null "$units/${unit##*/}" ;;
  esac
done
ln -sf /dev/null "$units/systemd-networkd.service"
ln -sf /dev/null "$units/tmp.mount"
# Not chroot: the kernel makes no user namespace (PrivateUsers=) for who is in one.
mkdir "$root/mnt/old"
cd "$root"
pivot_root . mnt/old
umount -l /mnt/old
mount --make-rshared / # as systemd expects it of a container
exec env -i container=lxc PATH="$PATH" /lib/systemd/systemd --unit=machine.target --log-target=console --show-status=false
