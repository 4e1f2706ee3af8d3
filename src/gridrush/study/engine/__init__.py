"""Engines: where the tasks of a study are done. Each has one method, `map`, and promises no order."""

from gridrush.study.engine.base import Done, Engine, make_engine

__all__ = ["Done", "Engine", "make_engine"]
