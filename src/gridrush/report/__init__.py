"""One self-contained HTML report from a study. It draws and words what the study holds and computes nothing else."""

from gridrush.report.build import Report, build, report

__all__ = ["Report", "build", "report"]
