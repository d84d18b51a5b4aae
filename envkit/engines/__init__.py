"""What carries plans out: Docker here; each engine behind the same small interfaces."""
