#!/bin/bash
# Go into a root filesystem as into a machine of its own: enter.sh ROOT REPOSITORY PYTHON COMMAND...
# It runs in namespaces that `unshare --mount --pid` made: every mount and every process goes with them.
set -eu
root=$1 repository=$2 python=$3
shift 3
mount --bind "$root" "$root" # the root of a machine is a mount: an engine remounts it
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
for folder in "$repository" "$python"; do
  mkdir -p "$root$folder"
  mount --bind "$folder" "$root$folder"
  mount -o remount,ro,bind "$root$folder"
done
mkdir -p "$root/.outside"
cd "$root"
pivot_root . .outside
umount -l /.outside
# Not exec: process 1 would be the command itself, and would have to wait for orphans.
env -i HOME=/root LC_ALL=C.UTF-8 TMPDIR=/var/tmp \
  PATH="$repository/.venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" "$@"
