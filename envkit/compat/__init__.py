"""Compatibility data: dated files, each row with its source."""
