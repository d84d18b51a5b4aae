"""How: a spec with every decision made. Pure."""
