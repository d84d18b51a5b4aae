"""Try both IDEs from inside their container, several things at once; print each finding at once, as JSON.

It stands inside, where every engine can put it, and knocks at the container's own address as well as at
loopback, with the host name that a published port would carry.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

from . import verify_jupyter, verify_listeners, verify_manifest, verify_vscode
from .verify_jupyter import Jupyter
from .verify_net import SLOWER, Door, NotServed, ask
from .verify_vscode import Workbench

Facts = dict[str, object]
Begin = Callable[[str, Callable[[], Facts]], None]
STATUS = "/opt/envkit/bin/envkit-status"


def measured(check: Callable[[], Facts]) -> Facts:
    """Run a check; return its facts with its time, and its error in place of facts when it broke."""
    began = time.monotonic()
    try:
        facts = check()
    except NotServed as error:
        facts = {"error": str(error)}
    except Exception as error:  # noqa: BLE001  whatever broke is the finding; other checks go on
        facts = {"error": f"{type(error).__name__}: {error}"}
    return {**facts, "seconds": round(time.monotonic() - began, 2)}


def wait_until_ready(ready: Callable[[], Facts], timeout_s: float) -> Facts:
    """Ask until everything answers, or never will, or the time is over; return the last state."""
    began = time.monotonic()
    while True:
        state = ready()
        waited = time.monotonic() - began
        if state.get("ready") or has_given_up(state) or waited > timeout_s:
            return {**state, "waited_s": round(waited, 2)}
        time.sleep(0.2)


def has_given_up(state: Facts) -> bool:
    """Tell whether supervisord starts nothing more: each service answers, or kept dying."""
    services = state.get("services")
    found = list(services.values()) if isinstance(services, dict) else []
    return bool(found) and all(one.get("answers") or one.get("state") == "FATAL" for one in found)


def our_status() -> Facts:
    """Ask the image's own status program."""
    asked = subprocess.run((STATUS,), capture_output=True, text=True, timeout=60 * SLOWER, check=False)
    try:
        state: Facts = json.loads(asked.stdout)
    except ValueError:
        return {"ready": False, "error": (asked.stderr or asked.stdout)[-300:]}
    return state


def foreign_status(plan: Facts) -> Facts:
    """Ask the doors that a foreign image's own commands should have opened."""
    services = {}
    for name, port in (("jupyterlab", plan["jupyter_port"]), ("code-server", plan["vscode_port"])):
        if port:
            services[name] = {"answers": answers(int(str(port)))}
    ready = all(service["answers"] for service in services.values())
    return {"ready": ready, "services": services, "base_url": plan.get("base_url", "/")}


def answers(port: int) -> bool:
    """Tell whether a web server answers at a port."""
    try:
        return ask(Door(port=port), "/healthz", timeout_s=5).status < 500
    except OSError:
        return False


def read_secret(plan: Facts, name: str, state: Facts) -> str:
    """Read a secret of this container: where the plan says, or in the folder that the status names."""
    path = Path(str(plan.get(name) or Path(str(state.get("secrets_dir", "/nowhere"))) / name))
    try:
        return path.read_text(encoding="utf-8").strip().rpartition("password: ")[2]
    except OSError:
        return ""


def tell(name: str, facts: Facts) -> None:
    """Print what was found of one thing."""
    print(json.dumps({name: facts}), flush=True)


def run(plan: Facts) -> None:
    """Wait for the IDEs, then try everything that the plan asks for."""
    ours = bool(plan["ours"])
    status = our_status if ours else lambda: foreign_status(plan)
    state = wait_until_ready(status, float(str(plan["ready_s"])))
    addresses = verify_listeners.own_addresses()
    base = str(state.get("base_url") or "/").rstrip("/") + "/"
    tell("status", state)
    with ThreadPoolExecutor(max_workers=12) as pool:
        going: dict[Future[Facts], str] = {}

        def begin(name: str, check: Callable[[], Facts]) -> None:
            going[pool.submit(measured, check)] = name

        door = Door(port=int(str(plan["jupyter_port"])))
        jupyter = Jupyter(door, base, read_secret(plan, "jupyter_token", state), addresses)
        if plan["jupyter_port"]:
            begin_jupyter(begin, jupyter, plan)
        begin_vscode(begin, plan, state, jupyter)
        early = {future for future, name in going.items() if name != "extension-host"}
        tell_each(early, going)
        # Now whatever starts late (kernels, TensorBoard, the extension host) is there and may listen.
        begin("listeners", lambda: verify_listeners.knock_everywhere(known_doors(plan), addresses))
        tell_each(set(going) - early, going)
    if ours:
        tell("services", measured(deaths))


def tell_each(futures: set[Future[Facts]], names: dict[Future[Facts], str]) -> None:
    """Tell what is found, in the order in which it ends."""
    for future in as_completed(futures):
        tell(names[future], future.result())


def begin_jupyter(begin: Begin, jupyter: Jupyter, plan: Facts) -> None:
    """Start the checks of JupyterLab."""
    begin("jupyter-opens", lambda: verify_jupyter.opens(jupyter))
    begin("kernel", lambda: verify_jupyter.kernel(jupyter))
    begin("terminal", lambda: verify_jupyter.terminal(jupyter, str(plan["python"])))
    begin("jupyter-refuses", lambda: verify_jupyter.refuses(jupyter))
    if plan["tensorboard"]:
        begin("tensorboard", lambda: verify_jupyter.tensorboard(jupyter))


def begin_vscode(begin: Begin, plan: Facts, state: Facts, jupyter: Jupyter) -> None:
    """Start the checks of code-server: behind the one door, and at its own where there is one."""
    alive_s = float(str(plan["alive_s"]))
    own = Door(port=int(str(plan["vscode_port"])))

    def at_own_door() -> Workbench:
        return Workbench(verify_vscode.log_in(own, read_secret(plan, "code_server_password", state)), "/")

    def behind_the_door() -> Workbench:
        return Workbench(jupyter.as_browser(), jupyter.base + "vscode/")

    main = behind_the_door if plan["vscode_behind"] else at_own_door
    if plan["vscode_behind"]:
        nobody = jupyter.door
        begin("code-server-refuses", lambda: verify_vscode.refuses(main(), jupyter.addresses, nobody))
    if own.port:
        begin("own-door-refuses", lambda: verify_vscode.refuses(at_own_door(), jupyter.addresses, own))
    if own.port and plan["vscode_behind"]:
        begin("own-door", lambda: verify_vscode.workbench(at_own_door()))
    if plan["vscode_behind"] or own.port:
        begin("extensions", extensions)
        begin("workbench", lambda: verify_vscode.workbench(main()))
        begin("extension-host", lambda: verify_vscode.extension_host(main(), alive_s))


def deaths() -> Facts:
    """Return the services that have died since the start, with their last words (probes/supervise.py)."""
    written = Path(f"/tmp/envkit-{os.getuid()}").glob("*.last-words")
    return {"died": {path.stem: path.read_text("utf-8", "replace") for path in written}}


def extensions() -> Facts:
    """Return the extensions that are there, and what the build said about missing ones."""
    root = verify_manifest.code_server_root()
    record = verify_manifest.read_json(verify_manifest.ENVKIT / "extensions.json")
    return {"installed": verify_manifest.extensions(root), "record": record}


def known_doors(plan: Facts) -> tuple[int, ...]:
    """Return the ports whose refusing is tested on its own."""
    return tuple(int(str(plan[name])) for name in ("jupyter_port", "vscode_port") if plan[name])


def main() -> None:
    """Read the plan from stdin."""
    run(json.load(sys.stdin))
