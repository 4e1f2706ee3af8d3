"""Plans kept beside the runs: found again by the case they are of, ready to be shown. Light: it plans nothing."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import gridrush
from gridrush.case.model import Case
from gridrush.errors import EngineError

FORMAT = "gridrush plan 1"
PLANS = "plans"
"""Folder of the run store that keeps plans."""


def plan_key(case: Case, asked: Mapping[str, Any]) -> str:
    """Hash of case, request and version: the address of a plan."""
    what = {"case": case.digest, "asked": dict(asked), "version": gridrush.__version__, "format": FORMAT}
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:32]


def plain(value: Any) -> Any:
    """A value as JSON takes it; what has no number there (NaN, infinity) is None."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def save_plan(case: Case, asked: Mapping[str, Any], found: Mapping[str, Any], folder: Path) -> Path:
    """Write `found` as `folder/KEY.json`, whole or not at all; `stored_plan` finds it again.

    Raises
    ------
    EngineError
        If it cannot be written.
    """
    key = plan_key(case, asked)
    whole = {"format": FORMAT, "key": key, "case": case.name, "case_digest": case.digest,
             "gridrush_version": gridrush.__version__, "asked": dict(asked), **found}  # fmt: skip
    path, part = folder / f"{key}.json", folder / f".{key}.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(plain(whole), ensure_ascii=False, indent=1, allow_nan=False), encoding="utf-8")
        os.replace(part, path)
    except OSError as failed:
        raise EngineError(f"cannot write {path}: {failed}") from failed
    return path


def stored_plan(case: Case, folder: Path) -> dict[str, Any] | None:
    """The newest plan of exactly this case in a folder, or None; what cannot be read is passed over."""
    try:
        files = sorted(folder.glob("*.json"), key=lambda p: p.stat().st_mtime, reverse=True)
    except OSError:
        return None
    for path in files:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(found, dict) and found.get("format") == FORMAT and found.get("case_digest") == case.digest:
            return found
    return None
