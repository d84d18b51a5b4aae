"""What carries plans out: Docker here; each engine behind the same small interfaces."""

import sys

# The SDK's own way over SSH is never used (endpoint.py refuses it: envkit has its own), and to import it with
# paramiko takes 0.12 s of every command. The SDK does without what cannot be imported.
sys.modules.setdefault("docker.transport.sshconn", None)  # type: ignore[arg-type]  # as import's own rules have it
