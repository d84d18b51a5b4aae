"""`make bench`: build, start and weigh envkit beside what one would do without it. Takes half an hour."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench import builds, caches, doctors, life, pushes, runs, saves, smoke, starts, throughput, trains
from tests.bench.table import markdown


def main() -> None:
    """Measure everything; print the table; leave only the images `envkit-bench:*` behind."""
    with tempfile.TemporaryDirectory(prefix="envkit-bench-") as folder:
        bench = builds.prepare(Path(folder))
        rows = [
            *builds.measure(bench),
            *starts.measure(bench),
            *caches.measure(bench),
            *life.measure(),
            *doctors.measure(),
            *pushes.measure(),
            *saves.measure(),
            *smoke.measure(),
            *runs.measure(),
            *trains.measure(),
            *throughput.measure(),
        ]
        proof = builds.seconds([builds.ENVKIT, "verify", builds.OURS])
        bench.engine.close()
    print(markdown(rows))
    print(f"\nThe smaller image still works: `envkit verify` passed in {proof:.0f} s.")


main()
