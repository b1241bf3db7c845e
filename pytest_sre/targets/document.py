"""The keys of sre.toml, or of ``[tool.pytest-sre]`` in pyproject.toml."""

# ruff: noqa: RUF009 - key() declares a field, as dataclasses.field does

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pytest_sre.targets.alert_keys import AlertKeys, read_alert_keys
from pytest_sre.targets.errors import ConfigError, quoted
from pytest_sre.targets.files import is_file, place_of, read_toml
from pytest_sre.targets.objectives import BudgetAdjustment
from pytest_sre.targets.reading import (
    Place,
    boolean,
    duration_s,
    integer,
    key,
    list_of,
    mapping,
    matching,
    one_of,
    ratio,
    table,
    table_of,
    text,
)
from pytest_sre.targets.settings import (
    PERMISSIONS,
    PLATFORMS,
    IssueSettings,
    LoadSettings,
    LogRule,
    LogSettings,
    Permission,
    PlatformName,
    ProjectSettings,
    ReleaseSettings,
)
from pytest_sre.targets.severities import SEVERITIES, Severity
from pytest_sre.targets.slo_keys import StatedObjective, read_adjustment, read_objectives

_PYPROJECT = "pyproject.toml"
_TOOL = "pytest-sre"
_MOST_MACHINES = 10_000
_MOST_REGIONS = 100
_MOST_RATE = 1_000_000

_path = matching(r"[^\0]+", "the path of a file")
_region = matching("[a-z]{3}", 'a region\'s code of three letters, such as "iad"')
_url = matching(
    r"https?://[^\s/?#@\\]+(/[^\s?#]*)?", 'an address such as "https://shop.example.com"'
)
_organization = matching("[A-Za-z0-9][A-Za-z0-9_-]*", "an organization's short name on Fly")
_request_path = matching(r"/[^\s#]*", 'a path such as "/version"')
_slug = matching("[a-z0-9]+(-[a-z0-9]+)*", 'a name such as "out-of-memory"')
_tracker = matching(
    r"github:[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}|files:[^\0]+",
    'a tracker such as "github:acme/shop" or "files:.sre/issues"',
)
_label = matching(r"[^,\0]{1,50}", "a label of at most 50 characters, without a comma")
_login = matching("[A-Za-z0-9-]{1,39}", 'a name on GitHub such as "octocat"')
_mention = matching(
    "@[A-Za-z0-9-]{1,39}(/[A-Za-z0-9_-]{1,100})?",
    'whom to mention, such as "@octocat" or "@acme/engineering-director"',
)
_dotted_key = matching(r"[^\s.]+(\.[^\s.]+)*", 'a key such as "revision" or "build.revision"')


def _pattern(value: object, place: Place) -> re.Pattern[str]:
    source = text(value, place)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return re.compile(source)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise place.wrong(value, f"a regular expression; this is not one: {error}") from None


def _limit(value: object, place: Place) -> float:
    found = ratio(value, place)
    if found in (0, 1):
        # No number of good requests shows that none will ever fail.
        raise place.wrong(value, "a number above 0 and below 1")
    return found


def _rate(value: object, place: Place) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= _MOST_RATE:
        raise place.wrong(value, f"a number above 0, and of at most {_MOST_RATE}, a second")
    return float(value)


def _share(value: object, place: Place) -> float:
    found = ratio(value, place)
    if not found:
        raise place.wrong(value, "a number above 0, and of at most 1")
    return found


@dataclass(frozen=True, kw_only=True)
class LimitKeys:
    """A ``[targets.NAME.limits]``; what is None is left to the target's defaults."""

    load_rate: float | None = key("load-rate", _rate, None)
    load_requests: int | None = key("load-requests", integer(1, 10**9), None)
    chaos_apps: tuple[str, ...] | None = key("chaos-apps", list_of(text), None)
    chaos_machines: int | None = key("chaos-machines", integer(1, _MOST_MACHINES), None)
    chaos_share: float | None = key("chaos-share", _share, None)
    chaos_regions: int | None = key("chaos-regions", integer(1, _MOST_REGIONS), None)
    chaos_seconds: int | None = key("chaos-seconds", integer(1, 3600), None)
    chaos_last_machine: bool | None = key("chaos-last-machine", boolean, None)
    chaos_min_budget: float | None = key("chaos-min-budget", ratio, None)
    chaos_undo_timeout: int | None = key("chaos-undo-timeout", integer(1, 3600), None)


@dataclass(frozen=True, kw_only=True)
class TargetKeys:
    """A ``[targets.NAME]``; what is None is left to the target's defaults."""

    platform: PlatformName | None = key("platform", one_of(PLATFORMS), None)
    organization: str | None = key("organization", _organization, None)
    apps: tuple[str, ...] | None = key("apps", list_of(_path), None)
    url: str | None = key("url", _url, None)
    allow: tuple[Permission, ...] | None = key("allow", list_of(one_of(PERMISSIONS)), None)
    deny: tuple[Permission, ...] = key("deny", list_of(one_of(PERMISSIONS)), ())
    machines: Mapping[str, Mapping[str, int]] = key(
        "machines",
        table_of(table_of(integer(0, _MOST_MACHINES), named=_region)),
        MappingProxyType({}),
    )
    processes: Mapping[str, str] = key("processes", table_of(text), MappingProxyType({}))
    incidents: bool = key("incidents", boolean, False)
    limits: LimitKeys = key("limits", table(LimitKeys, closed=True), LimitKeys())


@dataclass(frozen=True, kw_only=True)
class BakeKeys:
    """The ``[bake]`` table."""

    window_s: float | None = key("window", duration_s, None)
    error_ratio: float = key("error-ratio", _limit, 0.01)
    latency_p95_s: float = key("latency-p95", duration_s, 1.0)


@dataclass(frozen=True, kw_only=True)
class _ReleaseKeys:
    path: str | None = key("path", _request_path, None)
    key: str = key("key", _dotted_key, "revision")


@dataclass(frozen=True, kw_only=True)
class _LogRuleKeys:
    id: str = key("id", _slug)
    kind: str = key("kind", _slug)
    severity: Severity = key("severity", one_of(SEVERITIES))
    pattern: str = key("pattern", text)
    explanation: str = key("explanation", text)
    matches: tuple[str, ...] = key("matches", list_of(text))
    misses: tuple[str, ...] = key("misses", list_of(text))
    ignore_case: bool = key("ignore-case", boolean, False)


def _read_log_rule(value: object, place: Place) -> LogRule:
    found = table(_LogRuleKeys, closed=True)(value, place)
    return LogRule(**vars(found), where=str(place))


read_log_rules = list_of(_read_log_rule)
"""Reads a list of rules, as ``[[logs.rule]]`` has them."""


@dataclass(frozen=True, kw_only=True)
class _LogKeys:
    ignore: tuple[re.Pattern[str], ...] = key("ignore", list_of(_pattern), ())
    rules: tuple[LogRule, ...] = key("rule", read_log_rules, ())


def _read_release(value: object, place: Place) -> ReleaseSettings:
    found = table(_ReleaseKeys, closed=True)(value, place)
    return ReleaseSettings(found.path, found.key)


def _read_logs(value: object, place: Place) -> LogSettings:
    found = table(_LogKeys, closed=True)(value, place)
    return LogSettings(found.ignore, found.rules)


@dataclass(frozen=True, kw_only=True)
class _ProjectKeys:
    owner: str = key("owner", _login)
    number: int = key("number", integer(1, 10**9))
    fields: Mapping[str, str] = key("fields", table_of(text), MappingProxyType({}))
    severity_field: str | None = key("severity-field", text, None)


def _read_project(value: object, place: Place) -> ProjectSettings:
    return ProjectSettings(**vars(table(_ProjectKeys, closed=True)(value, place)))


@dataclass(frozen=True, kw_only=True)
class _IssueKeys:
    tracker: str = key("tracker", _tracker, IssueSettings.tracker)
    api_url: str | None = key("api-url", _url, None)
    max_per_run: int = key("max-per-run", integer(1, 50), IssueSettings.max_per_run)
    recover_after: int = key("recover-after", integer(1, 100), IssueSettings.recover_after)
    reopen_within_s: float = key("reopen-within", duration_s, IssueSettings.reopen_within_s)
    labels: tuple[str, ...] = key("labels", list_of(_label), ())
    assignees: tuple[str, ...] = key("assignees", list_of(_login), ())
    assign_codeowners: bool = key("assign-codeowners", boolean, False)
    escalate_to: str | None = key("escalate-to", _mention, None)
    escalate_every_s: float = key("escalate-every", duration_s, IssueSettings.escalate_every_s)
    update_every_s: float = key("update-every", duration_s, IssueSettings.update_every_s)
    project: ProjectSettings | None = key("project", _read_project, None)


def _read_issues(value: object, place: Place) -> IssueSettings:
    found = IssueSettings(**vars(table(_IssueKeys, closed=True)(value, place)))
    if found.project and not found.tracker.startswith("github:"):
        wanted = 'one such as "github:acme/shop", since issues are to be put on a project'
        raise (place / "tracker").wrong(found.tracker, wanted)
    return found


@dataclass(frozen=True, kw_only=True)
class _LoadKeys:
    rate_per_s: float | None = key("rate", _rate, None)
    duration_s: float = key("duration", duration_s, LoadSettings.duration_s)


def _read_load(value: object, place: Place) -> LoadSettings:
    return LoadSettings(**vars(table(_LoadKeys, closed=True)(value, place)))


@dataclass(frozen=True, kw_only=True)
class Document:
    """The whole of it."""

    journeys: tuple[str, ...] | None = key("journeys", list_of(_path), None)
    bake: BakeKeys = key("bake", table(BakeKeys, closed=True), BakeKeys())
    release: ReleaseSettings = key("release", _read_release, ReleaseSettings())
    logs: LogSettings = key("logs", _read_logs, LogSettings())
    issues: IssueSettings = key("issues", _read_issues, IssueSettings())
    objectives: tuple[StatedObjective, ...] = key("slo", read_objectives, ())
    openslo: tuple[str, ...] = key("openslo", list_of(_path), ())
    adjustments: tuple[BudgetAdjustment, ...] = key("slo-adjustment", list_of(read_adjustment), ())
    alerts: AlertKeys = key("alerts", read_alert_keys, AlertKeys())
    load: LoadSettings = key("load", _read_load, LoadSettings())
    targets: Mapping[str, TargetKeys] = key(
        "targets", table_of(table(TargetKeys, closed=True)), MappingProxyType({})
    )


@dataclass(frozen=True)
class Source:
    """Where the settings come from; ``path`` is None when there is no such file."""

    folder: Path
    path: Path | None
    place: Place
    document: Document


def find_source(root: Path, config_file: Path | None) -> Source:
    """Find and read the settings' file of a project.

    Raises:
        ConfigError: there are two, the one asked for is missing, or one has a mistake.
    """
    if config_file is not None:
        return _read(root / config_file)
    sre, pyproject = root / "sre.toml", root / _PYPROJECT
    has_section = is_file(pyproject) and _has_section(read_toml(pyproject))
    if has_section and is_file(sre):
        raise ConfigError(
            where=str(place_of(sre)),
            found=f"is there, and [tool.{_TOOL}] in {place_of(pyproject)} too",
            expected="one of the two",
            hint="move all settings into one of them",
        )
    if has_section:
        return _read(pyproject)
    return _read(sre) if is_file(sre) else Source(root, None, Place(str(root)), Document())


def _has_section(raw: Mapping[str, object]) -> bool:
    tool = raw.get("tool")
    return isinstance(tool, dict) and _TOOL in tool


def _read(path: Path) -> Source:
    raw: object = read_toml(path)
    place = place_of(path)
    for name in ("tool", _TOOL) if path.name == _PYPROJECT else ():
        section = mapping(raw, place)
        if name not in section:
            raise ConfigError(
                where=place.file,
                found=f"has no section {quoted(f'tool.{_TOOL}')}",
                expected="the settings there",
            )
        raw, place = section[name], place / name
    return Source(path.parent, path, place, table(Document, closed=True)(raw, place))
