"""P3, the other way round: without the fence, calls that are under way do leave something.

The project is copied, the fence is taken out of the copy, and ``in_flight.py`` is run there. Were
nothing left then, that command would prove nothing.

Run as ``python benchmarks/contract/without_fence.py [--quick]``; ``KILLS=50`` makes it shorter.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.contract.mutations import copy_to, taken_out
from benchmarks.contract.safety_calls_of_chaos import FENCE
from benchmarks.form import Target, report, wants_quick

KILLS, QUICK_KILLS = int(os.environ.get("KILLS", "100")), 12


def main() -> None:
    kills = QUICK_KILLS if wants_quick(__doc__ or "") else KILLS
    left = left_without_fence(kills)
    report(
        "without the fence",
        titles=("killed", "not clean"),
        rows=[(str(kills), str(left))],
        targets=[Target("not clean without the fence", left, "", ">=", 1)],
        libraries=["httpx", "msgspec"],
    )


def left_without_fence(kills: int) -> int:
    """Kill so many who have no fence; give how often something was left."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        copy_to(copy)
        with taken_out(copy, FENCE):
            done = subprocess.run(
                [sys.executable, copy / "benchmarks/contract/in_flight.py"],
                cwd=copy,
                env=os.environ | {"PYTHONPATH": str(copy), "KILLS": str(kills)},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                check=False,
            )
    reported = json.loads(done.stdout.splitlines()[-1])
    targets = {each["name"]: each["value"] for each in reported["targets"]}
    return int(targets["not clean"])


if __name__ == "__main__":
    main()
