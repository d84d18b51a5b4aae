"""Checks of this machine, a host, an image: each names its fix."""
