"""Tables for the page and for files: numbers readable on screen, exact in CSV."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from html import escape
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from gridrush.report.words import number

MAX_ROWS = 400
"""Rows a table shows on the page; the file holds them all."""


def html_table(
    table: pd.DataFrame, caption: str = "", *, digits: int = 5, plain: tuple[str, ...] = (),
    sources: Mapping[str, int] | None = None,
) -> Markup:  # fmt: skip
    """A table with headed columns; numbers to the right, years and the columns in `plain` as they are.

    With `sources`, the number of each source key, the column `source` leads to the list of sources.
    """
    shown = table.head(MAX_ROWS)
    columns, right = [], []
    for name in shown.columns:
        values = shown[name]
        is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
        as_is = str(name) in ("year", "month", *plain)
        right.append(is_number)
        if is_number and not as_is:
            columns.append([number(float(v), digits) if pd.notna(v) else "" for v in values])
        else:
            columns.append(["" if v is None or v is pd.NaT or v != v else _word(v) for v in values])
    mostly = 2 * sum(right) > len(right)  # what most columns are is said once
    out = [
        '<div class="scroll" tabindex="0" role="region" aria-label="',
        escape(caption or "Table", quote=True),
        '"><table class="num">' if mostly else '"><table>',
    ]
    if caption:
        out.append(f"<caption>{escape(caption)}</caption>")
    mark = [("" if r else ' class="l"') if mostly else (' class="n"' if r else "") for r in right]
    head = "".join(f'<th scope="col"{m}>{escape(str(c))}</th>' for c, m in zip(shown.columns, mark, strict=True))
    out.append(f"<thead><tr>{head}</tr></thead><tbody>")
    at = list(shown.columns).index("source") if sources and "source" in shown else -1
    for row in zip(*columns, strict=True):
        cells = [f"<td{m}>{escape(c)}</td>" for c, m in zip(row, mark, strict=True)]
        if sources and at >= 0 and (number_of := sources.get(row[at])) is not None:
            cells[at] = f'<td><a href="#src-{number_of}">{escape(row[at])}</a></td>'
        out.append("<tr>" + "".join(cells) + "</tr>")
    out.append("</tbody></table></div>")
    if len(table) > MAX_ROWS:
        out.append(f"<p class='small'>The first {MAX_ROWS} of {len(table)} rows; all of them are in the file.</p>")
    return Markup("".join(out))


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def csv_text(table: pd.DataFrame) -> str:
    """Comma-separated text with a header; true and false as yes and no."""
    buffer = io.StringIO()
    table.to_csv(buffer, index=False, lineterminator="\r\n")
    return buffer.getvalue()


def write_csv(table: pd.DataFrame, path: Path) -> str:
    """Write a CSV in UTF-8 with BOM, so that spreadsheets read it rightly; gives its text."""
    text = csv_text(table)
    path.write_bytes(text.encode("utf-8-sig"))
    return text


def data_uri(csv: str) -> str:
    """The same file as an address inside the page, for when the page travels alone.

    Examples
    --------
    >>> data_uri("a")
    'data:text/csv;charset=utf-8;base64,77u/YQ=='
    """
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(csv.encode("utf-8-sig")).decode("ascii")
