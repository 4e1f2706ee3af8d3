"""Frozen, validated facts: what a case is and how it is read."""
