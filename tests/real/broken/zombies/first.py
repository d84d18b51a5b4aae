"""Run the entrypoint as a child, forward SIGTERM, and wait for nobody else."""

import os
import signal
import sys

ENTRYPOINT = "/opt/envkit/bin/entrypoint"

child = os.fork()
if child == 0:
    os.execv(ENTRYPOINT, [ENTRYPOINT, *sys.argv[1:]])
signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
