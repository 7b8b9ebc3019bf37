"""Measurements and loads: not installed, not part of the package; each is a command."""
