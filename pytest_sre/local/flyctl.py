"""What an unmodified flyctl is told to talk to a local platform, and what ends its helper."""

import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

from pytest_sre.local.files import FLYCTL

_AGENT_SOCKET: Final = "fly-agent.sock"
_AGENT_TIMEOUT_S: Final = 2.0
# A message to the agent is its length in two bytes, the lower first, and words.
_END: Final = b"\x04\x00kill"


def flyctl_variables(api_url: str, token: str, state_dir: Path) -> dict[str, str]:
    """Name and value of each variable.

    flyctl has a base URL for each of its APIs, and calls home beside them: for new releases of
    itself, for incidents, and to say what was run. The former point to the platform, the latter
    are switched off. It keeps its files in the platform's folder, so that it reads no token of
    yours and writes none down.

    Args:
        api_url: the base of the platform's APIs.
        token: the platform's token.
        state_dir: where the platform keeps its files.
    """
    return {
        "FLY_API_BASE_URL": api_url,
        "FLY_FLAPS_BASE_URL": api_url,
        "FLY_UIEX_BASE_URL": api_url,
        "FLY_METRICS_BASE_URL": api_url,
        "FLY_SYNTHETICS_BASE_URL": api_url,
        "FLY_ACCESS_TOKEN": token,
        "FLY_API_TOKEN": token,
        "FLY_CONFIG_DIR": str(state_dir.absolute() / FLYCTL),
        "FLY_SEND_METRICS": "0",
        "FLY_SYNTHETICS_AGENT": "0",
        "FLY_NO_UPDATE_CHECK": "1",
        "FLY_NO_INCIDENTS_CHECK": "1",
    }


def stop_agent(state_dir: Path) -> None:
    """End the agent that some commands of flyctl leave running, and wait until it is gone.

    Nothing happens when there is none. Source: flyctl's agent, which listens beside its files.

    Args:
        state_dir: where the platform keeps its files, and flyctl its own.
    """
    with suppress(OSError), socket.socket(socket.AF_UNIX) as agent:
        agent.settimeout(_AGENT_TIMEOUT_S)
        agent.connect(str(state_dir.absolute() / FLYCTL / _AGENT_SOCKET))
        agent.sendall(_END)
        while agent.recv(64):
            pass
