"""Swap folders of a cache for links to another place, again and again; print a line every hundred swaps."""

from __future__ import annotations

import random
import sys
import time
from contextlib import suppress
from pathlib import Path

cache, outside = Path(sys.argv[1]).resolve(), sys.argv[2]
tries = 0
while True:
    # Entries, folders in them, a shelf, and what lies in the trash while it is being removed.
    patterns = ("e*", "e*/sub", "huggingface/hub", ".envkit-trash/*", ".envkit-trash/*/sub")
    places = [path for pattern in patterns for path in cache.glob(pattern)]
    random.shuffle(places)
    for place in places[:50]:
        aside = place.with_name(place.name + "-aside")
        with suppress(OSError):
            # A link that the cleaner carried away stays one: this attacker must not go along it itself.
            if not place.parent.resolve(strict=True).is_relative_to(cache):
                continue
            place.rename(aside)
            place.symlink_to(outside)
            tries += 1
            place.unlink()
            aside.rename(place)
        if tries % 100 == 0:
            sys.stdout.write(f"{tries}\n")
            sys.stdout.flush()
    time.sleep(0.005)  # else nothing is ever a folder for long enough to be attacked
