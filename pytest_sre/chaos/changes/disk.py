"""Full disks: a file that takes all room on Fly.io, refused writes locally."""

import shlex
from pathlib import PurePosixPath

from pytest_sre.chaos.actions import DiskFull
from pytest_sre.chaos.changes.change import Change, NotInjected
from pytest_sre.chaos.changes.inside import InsideChange, inside_fields
from pytest_sre.chaos.changes.local_faults import label_of, local_fault
from pytest_sre.chaos.changes.scene import Scene
from pytest_sre.chaos.changes.scripts import Deed
from pytest_sre.fly.models import Machine


class FilledDisk(InsideChange, frozen=True, tag="filled-disk"):
    """Fill the disk that holds a directory, to its last byte, with one file.

    Attributes:
        path: the directory.
        is_volume: it is on a volume, which a Machine keeps when it is started anew.
    """

    path: str = "/"
    is_volume: bool = False

    @property
    def described(self) -> str:
        """What it does, in a few words."""
        return f"fill the disk at {self.path} of {self.label}"

    @property
    def outlives_a_stop(self) -> bool:
        """Whether the file is still there when the Machine was stopped and started."""
        return self.is_volume

    @property
    def deed(self) -> Deed:
        """What is executed."""
        return filled(self.path, self.mark)


def filled(path: str, mark: str) -> Deed:
    """Fill a disk: at one go what the file system offers, then what it keeps for root.

    Args:
        path: a directory on it.
        mark: makes the file's name.
    """
    directory = shlex.quote(path)
    file = shlex.quote(str(PurePosixPath(path) / f".{mark}"))
    room = f"set -- $(df -Pk {directory} | tail -n 1)"
    return Deed(
        tools=("df", "tail", "dd", "rm", "id"),
        first=f"[ -d {directory} ] || refuse {shlex.quote(f'there is no directory {path}')}",
        make=(
            f"{room}; fallocate -l $(($4 * 1024)) {file} 2>/dev/null;"
            f" dd if=/dev/zero bs=65536 >>{file} 2>/dev/null;"
            f" dd if=/dev/zero bs=1 >>{file} 2>/dev/null;"
            f" [ -s {file} ] || {{ echo {shlex.quote(f'{path} cannot be written to')}; exit 1; }}"
        ),
        undo=f"rm -f {file}",
        left=f"[ ! -e {file} ] || echo there",
    )


def plan_disk_full(action: DiskFull, scene: Scene) -> tuple[Change, ...]:
    """Leave no room on the disks of the Machines that are meant.

    Raises:
        NotInjected: the path is none.
    """
    path = action.path or "/"
    if not path.startswith("/") or ".." in PurePosixPath(path).parts or not path.isprintable():
        raise NotInjected(f"expected an absolute path, found {path[:80]!r}")
    chosen = scene.choose_running(action.which)
    if not scene.local:
        return tuple(
            FilledDisk(
                **inside_fields(action, each, scene), path=path, is_volume=_is_volume(each, path)
            )
            for each in chosen
        )
    return tuple(
        local_fault(
            action,
            {"kind": "disk-full", "machine": each.id},
            f"full disk of {label_of(each)}",
            each.id,
        )
        for each in chosen
    )


def _is_volume(machine: Machine, path: str) -> bool:
    mounts = (mount.path for mount in machine.settings.mounts if mount.path)
    return any(PurePosixPath(path).is_relative_to(each) for each in mounts)
