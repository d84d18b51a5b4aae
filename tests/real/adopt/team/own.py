"""A module of the team's, which PYTHONPATH names."""

WORD = "own"
