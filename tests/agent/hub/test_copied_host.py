"""Two real agents with one copied data folder against a real hub: both ends show it (rules P17 and P39)."""

from __future__ import annotations

import shutil
from pathlib import Path

from edgewright.agent.kernel.status import gather, table
from edgewright.core import times
from tests.agent.hub.test_with_hub import HostRig
from tests.hub_fixture import running_hub


def test_p39_a_copied_data_folder_is_shown_on_both_ends(tmp_path: Path) -> None:
    with running_hub("--heartbeat", "1") as hub:
        rig = HostRig(hub, tmp_path, "twin", hub.token()[1])
        first = rig.agent
        first.step()
        shutil.copytree(rig.flags.data, tmp_path / "copy")
        rig.flags = rig.flags._replace(data=str(tmp_path / "copy"))
        copy = rig.start()
        for _ in range(5):
            copy.step()
            first.step()
        (alert,) = hub.client().get("/edgewright/v1/alerts").json()["items"]
        assert (alert["kind"], alert["hostUids"]) == ("duplicate-identity", ["twin"])
        for agent in (first, copy):
            agent.step()
            status = gather(agent.flags.data)
            assert status["duplicate"] and "another machine reports with this identity" in status["message"]
            assert any(line.startswith("Duplicate") for line in table({**status, "verdict": ""}, times.now()))
        assert rig.document()["status"]["edgewright"]["healthState"] == "unhealthy"
        assert "another machine reports with this identity" in rig.document()["status"]["health"]["message"]
