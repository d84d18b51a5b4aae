#!/bin/sh
# Make the run user and the folders that are its own: NAME UID GID.
set -eu

name=$1 uid=$2 gid=$3
getent group "$gid" >/dev/null || groupadd --gid "$gid" "$name"
taken=$(getent passwd "$uid" | cut -d: -f1)
if [ -n "$taken" ] && [ "$taken" != "$name" ]; then
    # Ubuntu 24.04 has `ubuntu` at 1000: it becomes the run user.
    usermod --login "$name" "$taken"
fi
if getent passwd "$name" >/dev/null; then
    usermod --uid "$uid" --gid "$gid" --home /work/home --shell /bin/bash "$name"
else
    # --no-log-init: a high uid makes lastlog huge.
    useradd --no-log-init --uid "$uid" --gid "$gid" --home-dir /work/home --no-create-home --shell /bin/bash "$name"
fi

# Group 0 may write and new files stay in it: any uid with group 0 can run the image.
install -d -m 0755 /work
install -d -m 2775 -o "$uid" -g 0 /work/home /work/cache /opt/venv
