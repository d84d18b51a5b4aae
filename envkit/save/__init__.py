"""Save: what was changed inside an environment becomes an image, without losing or leaking anything."""
