"""Running IDE containers: up, states, the /work tree."""
