#!/bin/sh
# Print how the services are, as JSON; exit 0 when all answer. In a container that runs a command there are none to ask.
[ -S "/tmp/envkit-$(id -u)/supervisor.sock" ] || ! grep -qsxE 'tini|dumb-init' /proc/1/comm || grep -q 'ide' /proc/1/cmdline || exit 0
exec /opt/envkit/jupyter/bin/python -I -c 'import sys; sys.path.append("/opt/envkit"); from probes.status import main; main()' "$@"
