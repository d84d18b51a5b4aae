"""Train: find the script, plan the run, start it, follow it, say how it ended."""
