"""Projects: boards that issues are put on, with fields that are set there. No I/O."""

from dataclasses import dataclass, field


class UnknownNodeError(Exception):
    """There is nothing with this id."""


@dataclass
class Field:
    """A field of a project; ``options`` by name, with the id of each."""

    id: str
    name: str
    kind: str = "TEXT"
    options: dict[str, str] = field(default_factory=dict)


@dataclass
class Item:
    """An issue on a project, with what its fields are set to."""

    id: str
    content_id: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass
class Project:
    """A project of an owner."""

    owner: str
    number: int
    fields: list[Field] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"PVT_{self.owner}_{self.number}"

    def field(self, name: str, kind: str = "TEXT", options: tuple[str, ...] = ()) -> None:
        """Add a field."""
        number = len(self.fields)
        ids = {option: f"opt{number}_{at}" for at, option in enumerate(options)}
        self.fields.append(Field(f"PVTF_{self.number}_{number}", name, kind, ids))

    def add(self, content_id: str) -> Item:
        """Put an issue there; what is there already stays as it is."""
        for item in self.items:
            if item.content_id == content_id:
                return item
        item = Item(f"PVTI_{self.number}_{len(self.items)}", content_id)
        self.items.append(item)
        return item

    def set(self, item_id: str, field_id: str, value: dict[str, str]) -> Item:
        """Set a field of an issue that is there."""
        item = next((each for each in self.items if each.id == item_id), None)
        found = next((each for each in self.fields if each.id == field_id), None)
        if item is None or found is None:
            raise UnknownNodeError(item_id if item is None else field_id)
        names = {option: name for name, option in found.options.items()}
        if "singleSelectOptionId" in value:
            if value["singleSelectOptionId"] not in names:
                raise UnknownNodeError(value["singleSelectOptionId"])
            item.values[found.name] = names[value["singleSelectOptionId"]]
        else:
            item.values[found.name] = str(next(iter(value.values())))
        return item
