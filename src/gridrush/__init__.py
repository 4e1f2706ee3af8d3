"""gridrush: a load that can move rushes onto a grid; how much is there, what breaks, what closes the gap."""

__version__ = "0.1.0"
