"""How often one client may ask: a bucket of tokens for each address.

Rule: bounded memory, no clock of its own.
"""

import math
from collections import OrderedDict

_CLIENTS = 10_000
_BURST = 4.0  # seconds' worth of requests at once


class Limiter:
    """`rate` requests a second for each client, with bursts; 0 for no limit."""

    def __init__(self, rate: float) -> None:
        """Begin with full buckets."""
        self._rate = rate
        self._full = max(1.0, rate * _BURST)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str, now: float) -> int:
        """Take a token: 0 if there is one, else the whole seconds until there is."""
        if not self._rate:
            return 0
        tokens, last = self._buckets.pop(client, (self._full, now))
        tokens = min(self._full, tokens + (now - last) * self._rate)
        allowed = tokens >= 1
        self._buckets[client] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > _CLIENTS:
            self._buckets.popitem(last=False)
        return 0 if allowed else math.ceil((1 - tokens) / self._rate)
