"""Pages from templates.

Rule: everything is escaped in a page, nothing in plain text; no logic beyond loops stands in a
template.
"""

from functools import cache
from pathlib import Path

import jinja2

from rokgraph.web.signposting import local
from rokgraph.web.wording import day, grouped, size, won

_FOLDER = Path(__file__).parent / "templates"


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=jinja2.select_autoescape(disabled_extensions=("j2",), default=True),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"grouped": grouped, "won": won, "day": day, "size": size}
    environment.globals["local"] = local
    return environment


def render(name: str, **values: object) -> bytes:
    """The page, or the plain text if the name ends in `.j2`, of that template, UTF-8."""
    return _environment().get_template(name).render(values).encode()
