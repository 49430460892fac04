"""A run as one HTML file that needs nothing else: no server, no network, no other file.

`contents` gathers what is told, `figures` draws the curves with plotly, and the template puts both on a page. plotly.js
stands in the file itself. All text goes through Django's escaping, all numbers through JSON in a script element that
no text can leave; the file's own policy forbids it to fetch anything.
"""

from django.template.loader import render_to_string
from django.utils.translation import get_language
from plotly.offline import get_plotlyjs

from playground.ledger.models import Job
from playground.web.report.contents import gather

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
PLACE = "/* plotly.js */"
"""Where the library goes: in the head, before any text of a person."""


def page(job: Job) -> str:
    """The whole file, in the language that is active."""
    context = {"policy": POLICY, "place": PLACE, "language": get_language() or "en", **gather(job)}
    before, found, after = render_to_string("report.html", context).partition(PLACE)
    if not found:
        raise ValueError("the template has no place for plotly.js")
    return f"{before}{get_plotlyjs()}{after}"
