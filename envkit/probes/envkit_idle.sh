#!/bin/sh
# How idle this environment is, until when it is kept, why it ends: what envkit asks from outside.
exec /opt/envkit/jupyter/bin/python -I -c 'import sys; sys.path.append("/opt/envkit"); from probes.idle_main import main; main()' "$@"
