"""The paths that analysts took in the tests: errand, and the clicks one after the other."""

PATHS: list[tuple[str, tuple[str, ...]]] = []
