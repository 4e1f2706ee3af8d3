"""Files written to the PRAS specification are read as the systems they hold."""

import numpy as np
import pytest

from gridrush import adequacy
from gridrush.errors import CaseError

h5py = pytest.importorskip("h5py")
T = 48


def write(path, *, step=1, unit="GW"):
    name = "S128"
    with h5py.File(path, "w") as f:
        f.attrs.update(
            {
                "pras_dataversion": "v0.8.0",
                "start_timestamp": "2020-12-31T19:00:00-05:00",
                "timestep_count": T,
                "timestep_length": step,
                "timestep_unit": "h",
                "power_unit": unit,
                "energy_unit": "MWh",
            }
        )
        f["regions/_core"] = np.array([(b"north",), (b"south",)], [("name", name)])
        f["regions/load"] = np.tile(np.array([[3, 5]], np.uint32), (T, 1))
        who = [("name", name), ("category", name), ("region", name)]
        f["generators/_core"] = np.array(
            [(b"coal", b"thermal", b"north"), (b"gas", b"thermal", b"south"), (b"wind", b"wind", b"south")], who
        )
        f["generators/capacity"] = np.stack([np.full(T, 6), np.full(T, 4), np.arange(T) % 2], axis=1).astype(np.uint32)
        f["generators/failureprobability"] = np.tile([0.1, 0.02, 0.0], (T, 1))
        f["generators/repairprobability"] = np.tile([0.9, 0.18, 1.0], (T, 1))
        two = [("name", name), ("category", name), ("region_from", name), ("region_to", name)]
        f["lines/_core"] = np.array([(b"l1", b"ac", b"south", b"north"), (b"l2", b"ac", b"north", b"south")], two)
        f["lines/forwardcapacity"] = np.full((T, 2), 2, np.uint32)
        f["lines/backwardcapacity"] = np.full((T, 2), 1, np.uint32)
        f["lines/failureprobability"] = np.zeros((T, 2))
        f["lines/repairprobability"] = np.ones((T, 2))
        f["interfaces/_core"] = np.array([(b"north", b"south")], two[2:])
        f["interfaces/forwardcapacity"] = np.full((T, 1), 2, np.uint32)
        f["interfaces/backwardcapacity"] = np.full((T, 1), 9, np.uint32)
        f["storages/_core"] = np.array([(b"battery", b"li", b"south")], who)
        for key, value in (
            ("chargecapacity", 1),
            ("dischargecapacity", 1),
            ("energycapacity", 2000),
            ("chargeefficiency", 0.9),
            ("dischargeefficiency", 0.8),
            ("carryoverefficiency", 1.0),
            ("failureprobability", 0.0),
            ("repairprobability", 1.0),
        ):
            f[f"storages/{key}"] = np.full((T, 1), value)


def test_a_pras_file_becomes_a_system(tmp_path):
    write(tmp_path / "x.pras")
    s = adequacy.read_pras(tmp_path / "x.pras")
    assert s.zones == ("north", "south")
    assert s.time[0] == np.datetime64("2021-01-01T00")
    assert s.units.capacity_mw.tolist() == [6000.0, 4000.0, 1000.0]
    assert s.units.mttf_h.tolist() == [10.0, 50.0, np.inf]
    assert s.units.forced_outage_share[:2] == pytest.approx([0.1, 0.1])
    assert s.profiles[s.units.available[2]].tolist() == [0.0, 1.0] * 24
    # two lines of 2 forward and 1 back, one each way, under an interface of 2: 2 north to south, 3 back
    assert (s.links.forward_mw.tolist(), s.links.backward_mw.tolist()) == ([2000.0], [3000.0])
    assert (s.storage.energy_mwh.tolist(), s.storage.initial_share.tolist()) == ([2000.0], [0.0])
    assert adequacy.assess(s, samples=512)["EUE_MWh"].mean > 0


def test_other_steps_and_other_files_are_refused(tmp_path):
    write(tmp_path / "x.pras", step=2)
    with pytest.raises(CaseError, match="one hour"):
        adequacy.read_pras(tmp_path / "x.pras")
    (tmp_path / "y.pras").write_text("not HDF5")
    with pytest.raises(CaseError, match="HDF5"):
        adequacy.read_pras(tmp_path / "y.pras")
    with h5py.File(tmp_path / "z.pras", "w"):
        pass
    with pytest.raises(CaseError, match="regions"):
        adequacy.read_pras(tmp_path / "z.pras")
