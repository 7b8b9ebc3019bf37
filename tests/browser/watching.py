"""A page under watch: what the browser complains of and whom it asks.

Rule: says what happened; what is wrong is for the tests to say.
"""

from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage

from addresses import Address
from running import Server
from weighing import ready

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_ALL = {"type": "tag", "values": TAGS}
_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
_RUN = """async (rules) => {
  const asked = {runOnly: rules, resultTypes: ["violations"]};
  const found = await axe.run(document, asked);
  return found.violations.map((rule) =>
    [rule.id, rule.nodes.map((node) => [node.target.join(" "), node.failureSummary])]);
}"""
_WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# What a page says: the text of its content without what scripts put there; the form that a script
# makes the query editor of has tests of its own.
_WORDS = r"""() => {
  const copy = document.querySelector("main").cloneNode(true);
  for (const button of copy.querySelectorAll("button[type=button]"))
    if (button.closest("th")) button.replaceWith(...button.childNodes); else button.remove();
  copy.querySelectorAll("script, noscript, form.ask").forEach((one) => one.remove());
  return copy.textContent.replace(/\s+/g, "");
}"""


class Watched:
    """A page, the errors of its console and the addresses outside its origin that it asked."""

    def __init__(self, context: BrowserContext, server: Server) -> None:
        """Watch a new page in a context; its origin is the server."""
        self.page = context.new_page()
        self.errors: list[str] = []
        self.abroad: list[str] = []
        self._origin, self._client, self._status = server.url, server.client, 200
        self.page.on("console", self._told)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))

    def open(self, address: Address, width: int, height: int = 900) -> None:
        """Go to a page in a window of that size, on a screen in the light."""
        self._status = address.status
        self.errors.clear()
        self.abroad.clear()
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(media="screen", color_scheme="light")
        ready(self._client, address)
        answer = self.page.goto(address.path, wait_until="load")
        assert answer is not None
        assert answer.status == address.status, answer.text()[:500]

    def widen(self, width: int, height: int = 900) -> int:
        """Make the window so wide, and tell how many pixels the page is wider than it."""
        self.page.set_viewport_size({"width": width, "height": height})
        return int(self.page.evaluate(_WIDER))

    def words(self) -> str:
        """What the content says, without white space and without what scripts added."""
        return str(self.page.evaluate(_WORDS))

    def violations(self, axe: str, *, colours: bool = False) -> list[str]:
        """What axe-core finds, one line for each rule and the first elements that break it.

        `colours`: only what may change with the colours.
        """
        if not self.page.evaluate("typeof axe !== 'undefined'"):
            self.page.evaluate(axe)
        found: list[Any] = self.page.evaluate(_RUN, _COLOURS if colours else _ALL)
        return [
            f"{rule} x{len(nodes)}: "
            + "; ".join(f"{where}: {' '.join(why.split())}" for where, why in nodes[:3])
            for rule, nodes in found
        ]

    def _told(self, message: ConsoleMessage) -> None:
        # Chromium reports the status of the page itself as an error
        refused = self._status >= 400 and f"status of {self._status}" in message.text
        if message.type in ("error", "warning") and not refused:
            self.errors.append(f"{message.text} ({message.location.get('url')})")

    def _asked(self, url: str) -> None:
        if not url.startswith((f"{self._origin}/", "data:", "blob:")):
            self.abroad.append(url)
