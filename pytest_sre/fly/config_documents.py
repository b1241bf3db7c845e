"""A Machine's configuration as the JSON document that travels, and its changes: pure.

An update replaces a Machine's whole configuration. So a change is made to the document that the
platform keeps, of which this client may know only a part: what it cannot name stays as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_sre.fly.config import MachineConfig, Service
from pytest_sre.fly.wire import convert, stated

Document = Mapping[str, Any]

# By what an entry of a list is the same one after a change; entries of lists that are not named
# here are the same by their place.
_IDENTITY: Mapping[str, tuple[str, ...]] = {
    "services": ("protocol", "internal_port"),
    "ports": ("port", "start_port", "end_port"),
    "mounts": ("path",),
    "files": ("guest_path",),
    "statics": ("url_prefix",),
    "containers": ("name",),
    "volumes": ("name",),
    "headers": ("name",),
    "healthchecks": ("name",),
    "secrets": ("env_var",),
    "env_from": ("env_var",),
}
_AUTOSTOP: Mapping[bool | str, bool | str] = {"off": False, "stop": True}


def read_config(document: Document) -> MachineConfig:
    """Read a configuration from its document.

    Raises:
        ValueError: a field is of another type; the text says which.
    """
    return convert(document, MachineConfig)


def written(config: MachineConfig) -> dict[str, Any]:
    """Write a configuration as its document: what is stated, and nothing else."""
    document: dict[str, Any] = stated(config)
    for service, own in zip(document.get("services", []), config.services, strict=True):
        service.update(_autostop(own))
    return document


def updated(document: Document, config: MachineConfig) -> dict[str, Any]:
    """Change a document so far that it says what ``config`` says.

    Fields that both say alike, and those that ``MachineConfig`` does not know, stay as they are
    written.

    Raises:
        ValueError: the document cannot be read.
    """
    return _patched(document, written(read_config(document)), written(config))


def _autostop(service: Service) -> dict[str, bool | str]:
    """Write it the way the API answers it, which all of its versions accept."""
    if service.autostop in (None, ""):
        return {}
    return {"autostop": _AUTOSTOP.get(service.autostop, service.autostop)}


def _patched(raw: Document, before: Document, after: Document) -> dict[str, Any]:
    """Put into ``raw`` what differs between what was understood of it and what is wanted."""
    kept = {key: value for key, value in raw.items() if key in after or key not in before}
    changed = {
        key: _merged(key, raw.get(key), before.get(key), value)
        for key, value in after.items()
        if key not in before or before[key] != value
    }
    return kept | changed


def _merged(key: str, raw: Any, before: Any, after: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(raw, Mapping) and isinstance(before, Mapping) and isinstance(after, Mapping):
        return _patched(raw, before, after)
    if _are_documents(raw) and _are_documents(before) and _are_documents(after):
        return _patched_entries([*zip(raw, before, strict=True)], after, _IDENTITY.get(key, ()))
    return after


def _are_documents(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value)


def _patched_entries(
    there: list[tuple[Document, Document]], wanted: Sequence[Document], identity: Sequence[str]
) -> list[Document]:
    """Find the entry that each wanted one was: an equal one, else one of the same identity."""
    found: dict[int, Document] = {}

    def pair(is_same: Callable[[Document, Document], bool]) -> None:
        for place in [place for place in range(len(wanted)) if place not in found]:
            after = wanted[place]
            match = next((n for n, (_, before) in enumerate(there) if is_same(before, after)), None)
            if match is not None:
                found[place] = _patched(*there.pop(match), after)

    pair(lambda before, after: before == after)
    pair(lambda before, after: all(before.get(key) == after.get(key) for key in identity))
    return [found.get(place, after) for place, after in enumerate(wanted)]
