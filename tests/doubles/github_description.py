"""GitHub's own OpenAPI description, and whether an exchange is as it says.

It is fetched by npm once, into the user's cache, and is no part of this repository.
"""

import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import jsonschema_rs
from github_double import Exchange

PACKAGE = "@octokit/openapi@23.0.2"
_FILE = "package/generated/api.github.com.json"
_FETCH_S = 120
_NAMES = re.compile(r"\{[^}]+\}")


class Missing(Exception):  # noqa: N818 - says why a test is skipped
    """The description cannot be had here."""


def description() -> "Description":
    """GitHub's description, from the cache or from npm.

    Raises:
        Missing: there is no npm, or it cannot fetch.
    """
    return Description(json.loads(cached_from_npm(PACKAGE, _FILE).read_bytes()))


def cached_from_npm(package: str, file: str) -> Path:
    """One file of an npm package, ``name@version``; fetched when it is not in the cache.

    Raises:
        Missing: there is no npm, or it cannot fetch.
    """
    name, _, version = package.rpartition("@")
    cached = _cache() / f"{name.rpartition('/')[2]}-{version}{Path(file).suffix}"
    if not cached.exists():
        _fetch(package, file, cached)
    return cached


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "pytest-sre-tests" / "github"


def _fetch(package: str, file: str, to: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise Missing("npm is not installed")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", package, "--silent", "--pack-destination", folder]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_FETCH_S, cwd=folder)
        except (subprocess.SubprocessError, OSError) as error:
            raise Missing(f"npm cannot fetch {package}: {type(error).__name__}") from None
        (packed,) = Path(folder).glob("*.tgz")
        with tarfile.open(packed) as archive:
            content = archive.extractfile(file)
            assert content is not None
            to.parent.mkdir(parents=True, exist_ok=True)
            # Two processes may fetch at once; the file is there in whole or not at all.
            partial = to.with_suffix(f".{os.getpid()}")
            partial.write_bytes(content.read())
            partial.replace(to)


class Description:
    """What GitHub says its answers look like."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._validators: dict[str, jsonschema_rs.Validator] = {}

    def complaints(self, exchange: Exchange) -> Iterator[str]:
        """Where an exchange is not as described; nothing when it is."""
        where = f"{exchange.method} {exchange.path} -> {exchange.status}"
        operation = self._operation(exchange)
        if operation is None:
            if exchange.status < 400 and "/repositories/" not in exchange.path:
                yield f"{where}: GitHub has no such call"
            return
        if exchange.request and exchange.status < 400:
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema")
            yield from self._wrong(f"{where}, request", schema, exchange.request)
        yield from self._wrong(where, self._of_answer(operation, exchange), exchange.answer)

    def _of_answer(self, operation: dict[str, Any], exchange: Exchange) -> object:
        described = operation["responses"].get(str(exchange.status))
        if described is None:
            # Each call may end in these, whether its description names them or not.
            is_known = exchange.status in {304, 307, 401, 403, 404, 410, 422, 429}
            assert is_known, f"{exchange.method} {exchange.path} never ends in {exchange.status}"
            return {"$ref": "#/components/schemas/basic-error"} if exchange.answer else None
        described = self._resolved(described)
        return described.get("content", {}).get("application/json", {}).get("schema")

    def _wrong(self, where: str, schema: object, text: str) -> Iterator[str]:
        if schema is None:
            if text:
                yield f"{where}: a body where none is described"
            return
        found = self._validator(schema).iter_errors(json.loads(text))
        yield from (f"{where}: {e.instance_path}: {str(e.message)[:200]}" for e in found)

    def _validator(self, schema: object) -> jsonschema_rs.Validator:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            needed: dict[str, object] = {}
            top = self._translated(schema, needed)
            assert isinstance(top, dict)
            whole = {**top, "$defs": needed}
            self._validators[key] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        return self._validators[key]

    def _translated(self, schema: object, needed: dict[str, object]) -> object:
        """OpenAPI 3.0's dialect as JSON Schema, with what it refers to."""
        if isinstance(schema, list):
            return [self._translated(each, needed) for each in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name not in needed:
                needed[name] = True
                needed[name] = self._translated(self._resolved(schema), needed)
            return {"$ref": f"#/$defs/{name}"}
        plain = {
            key: self._translated(value, needed)
            for key, value in schema.items()
            if key not in _NOT_SCHEMA
        }
        if schema.get("nullable"):
            # An enumeration of a nullable value need not name null.
            return {"anyOf": [plain, {"type": "null"}]}
        return plain

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            found: Any = self._document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        return schema

    def _operation(self, exchange: Exchange) -> dict[str, Any] | None:
        for pattern, operations in self._paths:
            if exchange.method.lower() in operations and pattern.fullmatch(exchange.path):
                found: dict[str, Any] = operations[exchange.method.lower()]
                return found
        return None

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
        """Paths as patterns, those with fewest names first."""
        paths = sorted(self._document["paths"].items(), key=lambda each: each[0].count("{"))
        return [
            (_pattern(path), operations)
            for path, operations in paths
            if path.startswith(("/repos/", "/user", "/rate_limit", "/search", "/app"))
        ]


def _pattern(path: str) -> re.Pattern[str]:
    names = _NAMES.findall(path)
    pieces = [re.escape(piece) for piece in _NAMES.split(path)]
    gaps = ["(.+)" if name == "{path}" else "([^/]+)" for name in names]
    return re.compile("".join(a + b for a, b in zip(pieces, [*gaps, ""], strict=True)))


_NOT_SCHEMA = {
    "example",
    "examples",
    "nullable",
    "discriminator",
    "xml",
    "externalDocs",
    "x-github",
}
