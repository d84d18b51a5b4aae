"""Launch as torchrun does: wait for all nodes at the first's port, then one process for each rank."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time


def asked() -> argparse.Namespace:
    """Read torchrun's own options."""
    parser = argparse.ArgumentParser()
    for name in ("--nproc-per-node", "--nnodes", "--node-rank", "--master-port", "--max-restarts"):
        parser.add_argument(name, type=int, default=0)
    for name in ("--master-addr", "--rdzv-backend", "--rdzv-conf", "--local-addr"):
        parser.add_argument(name, default="")
    parser.add_argument("--no-python", action="store_true")
    parser.add_argument("--standalone", action="store_true")
    parser.add_argument("words", nargs=argparse.REMAINDER)
    return parser.parse_args()


def meet(wish: argparse.Namespace) -> None:
    """Return when all nodes are there."""
    if wish.node_rank == 0:
        with socket.create_server(("", wish.master_port)) as door:
            lines = [door.accept()[0] for _ in range(wish.nnodes - 1)]
            for line in lines:
                line.sendall(b"go")
        return
    while True:
        try:
            with socket.create_connection((wish.master_addr, wish.master_port)) as line:
                assert line.recv(2) == b"go"
            return
        except OSError:
            time.sleep(0.1)


def main() -> None:
    """Start the ranks; when one fails the others are asked to end."""
    wish = asked()
    if wish.nnodes > 1:
        meet(wish)
    size = wish.nproc_per_node * max(1, wish.nnodes)
    ranks = []
    for local in range(wish.nproc_per_node):
        rank = wish.node_rank * wish.nproc_per_node + local
        env = {**os.environ, "RANK": str(rank), "LOCAL_RANK": str(local), "WORLD_SIZE": str(size)}
        ranks.append(subprocess.Popen(wish.words, env=env))
    signal.signal(signal.SIGTERM, lambda *_: [one.terminate() for one in ranks])
    while any(one.poll() is None for one in ranks):
        if any(one.poll() for one in ranks):
            for one in ranks:
                one.terminate()
        time.sleep(0.05)
    sys.exit(int(any(one.returncode for one in ranks)))


main()
