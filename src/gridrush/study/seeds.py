"""Random streams named by what they are for, never by who draws them."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(study_seed: int, task: str, sample: int) -> np.random.Generator:
    """Random stream of one sample: a function of its name, never of the worker.

    Examples
    --------
    >>> bool(stream(1, "weather", 3).random() == stream(1, "weather", 3).random())
    True
    """
    tag = int.from_bytes(hashlib.blake2b(task.encode(), digest_size=8).digest(), "big")
    return np.random.Generator(np.random.Philox(key=[study_seed, tag], counter=[0, 0, 0, sample]))
