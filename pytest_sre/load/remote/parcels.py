"""Puts the files that an order names into it, and out of it again on another machine."""

from pathlib import Path

import msgspec

from pytest_sre.load.frames import Order
from pytest_sre.load.remote.messages import File, Parcel


def unpacked(parcel: Parcel, folder: Path) -> Order:
    """Write the files of an order, those of one folder into one, and name them there."""
    homes = {parent: str(number) for number, parent in enumerate(sorted(_parents(parcel)))}

    def placed(path: str) -> str:
        return str(folder / homes[Path(path).parent] / Path(path).name) if path else ""

    for file in parcel.files:
        place = Path(placed(file.path))
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(file.content)
    order = parcel.order
    return msgspec.structs.replace(
        order,
        plan=msgspec.structs.replace(order.plan, locustfile=placed(order.plan.locustfile)),
        journey_files=tuple(map(placed, order.journey_files)),
        ca=placed(order.ca),
    )


def _parents(parcel: Parcel) -> set[Path]:
    return {Path(file.path).parent for file in parcel.files}


def parcel_of(order: Order, load: int) -> Parcel:
    """Put an order and the files that it names together.

    Raises:
        OSError: one of them cannot be read.
    """
    named = (*order.journey_files, order.plan.locustfile, order.ca)
    paths = dict.fromkeys(path for path in named if path)
    files = tuple(File(path=path, content=Path(path).read_bytes()) for path in paths)
    return Parcel(load=load, order=order, files=files)
