"""Start a container from a plan, wait, copy probes in, stop, clean up."""
