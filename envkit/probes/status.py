"""Print how the services of this container are, as one JSON object; exit 0 when all answer."""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
import xmlrpc.client

RUNTIME = f"/tmp/envkit-{os.getuid()}"


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path, timeout_s=3.0):
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self):
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class UnixTransport(xmlrpc.client.Transport):
    """XML-RPC, as supervisord speaks it, over its unix socket."""

    def make_connection(self, host):
        """Return a connection to supervisord."""
        return UnixConnection(os.path.join(RUNTIME, "supervisor.sock"))


def answers(connection, path):
    """Tell whether a GET of the path gives any answer below 500."""
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def environment_of(pid):
    """Return the environment that a process was started with."""
    with open(f"/proc/{pid}/environ", "rb") as file:
        pairs = (entry.partition(b"=") for entry in file.read().split(b"\0"))
        return {name.decode(): value.decode("utf-8", "replace") for name, _, value in pairs}


def look():
    """Ask supervisord for the services, and each service whether it answers."""
    processes = xmlrpc.client.ServerProxy("http://unix", transport=UnixTransport()).supervisor.getAllProcessInfo()
    pids = [process["pid"] for process in processes if process["pid"]]
    environment = environment_of(pids[0]) if pids else {}
    base = environment.get("ENVKIT_BASE_URL", "/").rstrip("/")
    ask = {
        "jupyterlab": lambda: answers(http.client.HTTPConnection("127.0.0.1", 8888, timeout=3), f"{base}/api"),
        "code-server": lambda: answers(UnixConnection(os.path.join(RUNTIME, "code-server.sock")), "/healthz"),
        "code-server-door": lambda: answers(http.client.HTTPConnection("127.0.0.1", 8080, timeout=3), "/healthz"),
    }
    services = {}
    for process in processes:
        running = process["statename"] == "RUNNING"
        services[process["name"]] = {
            "state": process["statename"],
            "pid": process["pid"],
            "answers": running and ask[process["name"]](),
            "reason": process["spawnerr"] or ("" if running else process["description"]),
        }
    return {
        "uid": os.getuid(),
        "secrets_dir": environment.get("ENVKIT_SECRETS", ""),
        "base_url": base or "/",
        "services": services,
        "ready": bool(services) and all(service["answers"] for service in services.values()),
    }


def main():
    """Print the state; exit 1 when something does not answer."""
    try:
        state = look()
    except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
        state = {"uid": os.getuid(), "services": {}, "ready": False, "reason": f"the supervisor does not answer: {error}"}
    print(json.dumps(state))
    sys.exit(0 if state["ready"] else 1)


if __name__ == "__main__":
    main()
