"""What a Machine executes: of its own configuration, and of its image."""

import pytest

from tests.patience import until


@pytest.mark.parametrize(
    ("init", "said"),
    [
        ({"cmd": ["echo", "own"]}, "own"),
        ({"entrypoint": ["echo", "before"], "cmd": ["own"]}, "before own"),
        ({"entrypoint": ["echo"]}, "python -S -E web.py"),
        ({"exec": ["echo", "only this"], "entrypoint": ["false"], "cmd": ["x"]}, "only this"),
        ({"cmd": ["echo", "own"], "tty": True}, "own"),
    ],
    ids=["cmd", "entrypoint and cmd", "entrypoint and the image's command", "exec", "tty"],
)
def test_init_says_what_is_executed(client, init, said):
    machine = client.create(
        wait="stopped",
        init=init,
        restart={"policy": "no"},
        metadata={"fly_process_group": "web"},
    )
    until(lambda: client.messages(machine, "app"))
    assert client.messages(machine, "app") == [said]
