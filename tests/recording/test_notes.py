from pathlib import Path

from pytest_sre.recording import Recorder, Recording
from pytest_sre.recording.rows import Flake


def test_a_note_is_kept_beside_what_the_run_said_of_itself(path: Path) -> None:
    with Recorder(path, {"target": "prod"}) as recorder, Recording(path) as recording:
        for number in range(50):
            recorder.write(Flake(at=float(number), what="a", attempts=2, first_failure="b"))
            recorder.note("verdict", f"{number}")
        assert recording.meta() == {"target": "prod", "verdict": "49"}
        recorder.flush()
        assert recording.count(Flake) == 50
        assert recorder.error is None
