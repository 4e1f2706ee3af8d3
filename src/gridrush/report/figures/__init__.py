"""The figures of the report, one module per subject; each gives `Figure`s drawn from a `View`."""
