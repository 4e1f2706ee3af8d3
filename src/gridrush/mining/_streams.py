"""Random streams that belong to a named task, never to a worker."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, task: str, sample: int = 0) -> np.random.Generator:
    """Random stream of one sample of a task: a function of its name alone."""
    tag = int.from_bytes(hashlib.blake2b(task.encode(), digest_size=8).digest(), "big")
    return np.random.Generator(np.random.Philox(key=[seed, tag], counter=[0, 0, 0, sample]))
