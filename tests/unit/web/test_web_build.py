"""The built page that is shipped belongs to the sources beside it. Needs neither Node nor a browser."""

import gzip
import hashlib
import re
from pathlib import Path

from gridrush.web.app import STATIC

FRONTEND = Path(__file__).resolve().parents[3] / "frontend"


def test_the_page_was_built_from_the_sources_as_they_are() -> None:
    files = [FRONTEND / f for f in ("index.html", "package.json", "tsconfig.json", "vite.config.ts")]
    files += [f for f in (FRONTEND / "src").rglob("*") if f.is_file()]
    made = hashlib.sha256()
    for name, file in sorted((f.relative_to(FRONTEND).as_posix(), f) for f in files):
        made.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
    told = (STATIC / "sources.sha256").read_text(encoding="ascii").strip()
    assert told == made.hexdigest(), "the page is older than frontend/: run scripts/build-web and commit what it writes"


def test_the_page_names_only_files_that_are_there() -> None:
    index = (STATIC / "index.html").read_text(encoding="utf-8")
    named = set(re.findall(r'(?:src|href)="(/[^"]+)"', index))
    assert named == {f"/assets/{f.name}" for f in (STATIC / "assets").iterdir()}


def test_the_page_is_small() -> None:
    files = [f for f in STATIC.rglob("*") if f.suffix in (".js", ".css", ".html")]
    assert sum(len(gzip.compress(f.read_bytes())) for f in files) < 200_000


def test_the_page_asks_no_other_host() -> None:
    spaces = {"www.w3.org"}  # names of XML vocabularies, which nobody fetches
    for file in STATIC.rglob("*"):
        if file.is_file():
            assert set(re.findall(r"https?://([\w.-]+)", file.read_text(encoding="utf-8"))) <= spaces, file.name
