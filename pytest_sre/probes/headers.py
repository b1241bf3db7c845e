"""The headers of an answer."""

from collections.abc import Iterable, Iterator, Mapping


class Headers(Mapping[str, str]):
    """Headers by name, in any case; one sent several times is joined by a comma."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs = tuple(pairs)

    def __getitem__(self, name: str) -> str:
        values = self.every(name)
        if not values:
            raise KeyError(name)
        return ", ".join(values)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.lower() for name, _ in self._pairs))

    def __len__(self) -> int:
        return len({name.lower() for name, _ in self._pairs})

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.every(name))

    def __repr__(self) -> str:
        return f"<{len(self)} headers: {', '.join(self)}>"

    def every(self, name: str) -> tuple[str, ...]:
        """Return each value sent under a name, such as every ``set-cookie``."""
        wanted = name.lower()
        return tuple(value for key, value in self._pairs if key.lower() == wanted)
