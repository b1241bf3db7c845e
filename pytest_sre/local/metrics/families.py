"""The metrics that the stand-in makes: Fly's names, with their types and what they mean.

Source: https://fly.io/docs/monitoring/metrics/, which also fixes the labels: ``app``, ``region``
and ``host`` on all, ``instance`` on those that are about one Machine.
"""

from typing import Final, Literal, NamedTuple


class Family(NamedTuple):
    """All series of one name."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str


def _instance(name: str, kind: Literal["counter", "gauge"], meaning: str) -> Family:
    return Family(f"fly_instance_{name}", kind, meaning)


EDGE_RESPONSES: Final = Family(
    "fly_edge_http_responses_count", "counter", "Answers to users, the proxy's own included."
)
EDGE_RESPONSE_TIME: Final = Family(
    "fly_edge_http_response_time_seconds", "histogram", "How long answers to users took."
)
EDGE_CONNECTS: Final = Family(
    "fly_edge_tcp_connects_count", "counter", "Connections that users opened."
)
EDGE_DISCONNECTS: Final = Family(
    "fly_edge_tcp_disconnects_count", "counter", "Connections of users that were closed."
)
EDGE_DATA_IN: Final = Family("fly_edge_data_in", "counter", "Bytes of requests' bodies.")
EDGE_DATA_OUT: Final = Family("fly_edge_data_out", "counter", "Bytes of answers' bodies.")
APP_CONCURRENCY: Final = Family(
    "fly_app_concurrency", "gauge", "Requests that the Machine is serving now."
)
APP_RESPONSES: Final = Family(
    "fly_app_http_responses_count", "counter", "Answers of the Machine to the proxy."
)
APP_RESPONSE_TIME: Final = Family(
    "fly_app_http_response_time_seconds", "histogram", "How long the Machine's answers took."
)
APP_CONNECT_TIME: Final = Family(
    "fly_app_connect_time_seconds", "histogram", "How long it took to connect to the Machine."
)
APP_CONNECTS: Final = Family(
    "fly_app_tcp_connects_count", "counter", "Connections opened to the Machine."
)
APP_DISCONNECTS: Final = Family(
    "fly_app_tcp_disconnects_count", "counter", "Connections to the Machine that were closed."
)
UP: Final = _instance("up", "gauge", "1 while the Machine runs.")
EXIT_CODE: Final = _instance("exit_code", "gauge", "Exit code of the Machine's last end.")
EXIT_OOM: Final = _instance("exit_oom", "gauge", "1 when its last end was out of memory.")
MEMORY_TOTAL: Final = _instance("memory_mem_total", "gauge", "Bytes of memory it has.")
MEMORY_FREE: Final = _instance("memory_mem_free", "gauge", "Bytes of memory it does not use.")
MEMORY_AVAILABLE: Final = _instance(
    "memory_mem_available", "gauge", "Bytes of memory it could still use."
)
CPU: Final = _instance("cpu", "counter", "CPU time, in hundredths of a second.")
SECTORS_READ: Final = _instance(
    "disk_sectors_read", "counter", "Sectors of 512 bytes that were read."
)
SECTORS_WRITTEN: Final = _instance(
    "disk_sectors_written", "counter", "Sectors of 512 bytes that were written."
)
NET_RECEIVED: Final = _instance(
    "net_recv_bytes", "counter", "Bytes of bodies that the proxy sent to the Machine."
)
NET_SENT: Final = _instance(
    "net_sent_bytes", "counter", "Bytes of bodies that the Machine sent to the proxy."
)
FILES_OPEN: Final = _instance("filefd_allocated", "gauge", "Open file descriptors.")
FILES_MOST: Final = _instance(
    "filefd_maximum", "gauge", "Most file descriptors a process may open."
)
BLOCKS: Final = _instance("filesystem_blocks", "gauge", "Blocks of the file system.")
BLOCK_SIZE: Final = _instance("filesystem_block_size", "gauge", "Bytes of a block.")
BLOCKS_FREE: Final = _instance("filesystem_blocks_free", "gauge", "Free blocks.")
BLOCKS_AVAILABLE: Final = _instance(
    "filesystem_blocks_avail", "gauge", "Free blocks that the app may use."
)
VOLUME_SIZE: Final = Family("fly_volume_size_bytes", "gauge", "Size of the volume.")
VOLUME_USED: Final = Family("fly_volume_used_pct", "gauge", "Used share of the volume, 0 to 100.")
