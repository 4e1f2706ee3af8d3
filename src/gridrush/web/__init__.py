"""The policy simulator: a local page where every slider runs the hourly model again."""
