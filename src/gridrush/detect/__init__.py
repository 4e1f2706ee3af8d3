"""Find unregistered farms in feeder and meter data: where, how many MW, since when, how sure."""

from gridrush.detect.changes import Changes, day_blocks, day_model, false_alarm, find_changes
from gridrush.detect.find import Detection, find_farms
from gridrush.detect.inference import Posterior, Priors, infer
from gridrush.detect.learn import Learned, learn
from gridrush.detect.records import Facts, Records
from gridrush.detect.score import Score, enforcement_lever, inspection_curve, score, worth_inspecting
from gridrush.detect.synthetic import Example, synthetic
from gridrush.detect.tables import read_events, read_labels, read_records

__all__ = [
    "Changes",
    "Detection",
    "Example",
    "Facts",
    "Learned",
    "Posterior",
    "Priors",
    "Records",
    "Score",
    "day_blocks",
    "day_model",
    "enforcement_lever",
    "false_alarm",
    "find_changes",
    "find_farms",
    "infer",
    "inspection_curve",
    "learn",
    "read_events",
    "read_labels",
    "read_records",
    "score",
    "synthetic",
    "worth_inspecting",
]
