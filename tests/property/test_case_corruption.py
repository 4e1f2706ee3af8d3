"""Whatever is done to the files of a case, loading gives a Case or a CaseError, never anything else."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gridrush.case.load import load_case
from gridrush.case.model import Case
from gridrush.case.template import new_case
from gridrush.errors import CaseError, Problem

with tempfile.TemporaryDirectory() as _made:
    _FOLDER = new_case(Path(_made) / "example")
    FILES = {p.relative_to(_FOLDER).as_posix(): p.read_bytes() for p in sorted(_FOLDER.rglob("*")) if p.is_file()}
NAMES = sorted(n for n in FILES if not n.endswith(".md"))

WORDS = ["", ",", '"', "\n", "\r", "\0", "nan", "-1", "1e999", "0", "null", "[", "&a", "*a", "!!int ", "true", ": "]
DATES = ["2021", "2021-01-01", "0001-01-01", "9999-12-31"]
TOKENS = st.sampled_from([*WORDS, *DATES, "- ", "# ", "Upland", "x" * 300, "ҚЖ"]).map(str.encode)


@st.composite
def spoilt(draw: st.DrawFn) -> tuple[str, bytes]:
    name = draw(st.sampled_from(NAMES))
    raw = FILES[name]
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(raw)))
        end = min(len(raw), start + draw(st.sampled_from([0, 1, 5, 40, 4000])))
        raw = raw[:start] + draw(TOKENS | st.binary(max_size=20)) + raw[end:]
    return name, raw


@settings(max_examples=120, deadline=None, derandomize=True)
@given(change=spoilt(), gone=st.none() | st.sampled_from(NAMES))
def test_a_spoilt_file_gives_a_case_or_a_case_error(change: tuple[str, bytes], gone: str | None) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "scenarios").mkdir()
        for name, raw in {**FILES, change[0]: change[1]}.items():
            if name != gone:
                (folder / name).write_bytes(raw)
        found = problems_or_case(folder)
        assert isinstance(found, Case) or (found and all(p.where and p.wanted and str(p) for p in found))


def problems_or_case(folder: Path) -> Case | list[Problem]:
    try:
        return load_case(folder)
    except CaseError as err:
        return err.problems
