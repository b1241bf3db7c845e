"""From a project's files to the settings of a run on one of its targets."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from pytest_sre.targets.alert_keys import alert_settings
from pytest_sre.targets.document import BakeKeys, Source, TargetKeys, find_source
from pytest_sre.targets.errors import ConfigError, quoted, unknown_name
from pytest_sre.targets.files import existing_files, is_file, matching_files
from pytest_sre.targets.fly_toml import FlyToml, load_fly_toml
from pytest_sre.targets.reading import Place
from pytest_sre.targets.settings import (
    PERMISSIONS,
    AppSpec,
    BakeSettings,
    ChaosLimits,
    IssueSettings,
    LoadLimits,
    Permission,
    PlatformName,
    Settings,
    Target,
)
from pytest_sre.targets.slo_keys import StatedObjective
from pytest_sre.targets.slo_selection import objectives_of, refuse_unknown_names

T = TypeVar("T")
_FLY_FILE = re.compile(r"fly\.([A-Za-z0-9][A-Za-z0-9_-]*)\.toml")
_JOURNEY_FILES = ("journeys.py", "suites/journeys.py")
_WINDOW_S: Mapping[PlatformName, float] = {"local": 10.0, "fly": 30.0}
_ALWAYS: frozenset[Permission] = frozenset({"observe"})
_DEFAULT_ALLOW: Mapping[PlatformName, frozenset[Permission]] = {
    "local": frozenset(PERMISSIONS),
    "fly": _ALWAYS,
}
# What a small app on one shared CPU bears beside its users, and what a laptop can make.
_LOAD: Mapping[PlatformName, LoadLimits] = {
    "local": LoadLimits(rate_per_s=2_000.0, requests=1_000_000),
    "fly": LoadLimits(rate_per_s=20.0, requests=10_000),
}
# On Fly, what most apps survive unnoticed; here, nobody is hurt.
_CHAOS: Mapping[PlatformName, ChaosLimits] = {
    "local": ChaosLimits(
        apps=frozenset(),
        machines=1_000,
        share=1.0,
        regions=100,
        lasts_s=3_600.0,
        last_machine=True,
        min_budget_ratio=0.0,
    ),
    "fly": ChaosLimits(
        apps=frozenset(),
        machines=1,
        share=0.5,
        regions=1,
        lasts_s=60.0,
        last_machine=False,
        min_budget_ratio=0.1,
    ),
}


def load_settings(
    root: Path,
    target: str,
    config_file: Path | None = None,
    allow: frozenset[Permission] = frozenset(),
    chaos_on: str = "",
) -> Settings:
    """Read what a project says about one of its targets. Contacts nothing.

    Args:
        root: the folder of the project: where its fly.toml and sre.toml are.
        target: the target's name.
        config_file: read instead of ``sre.toml`` or ``pyproject.toml``; relative to *root*.
        allow: permissions that the command line adds for this run.
        chaos_on: the target's name as it was typed for chaos; empty when it was not.

    Raises:
        ConfigError: any mistake in a file, an unknown target, a permission that the target
            denies, or another name typed for chaos.
    """
    root = root.absolute()
    source = find_source(root, config_file)
    fly_files = _fly_files(root)
    keys = _target_keys(source, fly_files, target)
    platform = keys.platform or ("local" if target == "local" else "fly")
    place = source.place / "targets" / target
    apps = _apps(keys, _app_paths(source, fly_files, target, platform), platform, place)
    stated = (*source.document.objectives, *_openslo(source))
    refuse_unknown_names(stated, source.document.adjustments, _names(source, fly_files))
    return Settings(
        root=root,
        source=source.path,
        target=Target(
            name=target,
            platform=platform,
            apps=apps,
            organization=keys.organization,
            url=keys.url.rstrip("/") if keys.url else None,
            allow=_allowed(keys, platform, allow, place),
            deny=frozenset(keys.deny),
            incidents=keys.incidents,
            load=_load_limits(keys, platform),
            chaos=_chaos_limits(keys, platform, [app.name for app in apps], place / "limits"),
            chaos_on=_typed(chaos_on, target),
        ),
        journeys=_journeys(root, source),
        bake=_bake(source.document.bake, platform),
        release=source.document.release,
        logs=source.document.logs,
        issues=source.document.issues,
        objectives=objectives_of(stated, target, [app.name for app in apps]),
        adjustments=source.document.adjustments,
        load=source.document.load,
        alerts=alert_settings(source.document.alerts, source.folder, source.place / "alerts"),
    )


def load_issue_settings(root: Path, config_file: Path | None = None) -> IssueSettings:
    """Read what a project says about its issues. Contacts nothing.

    Raises:
        ConfigError: the settings' file has a mistake.
    """
    return find_source(root.absolute(), config_file).document.issues


def target_names(root: Path, config_file: Path | None = None) -> tuple[str, ...]:
    """Give the names of a project's targets, sorted.

    Raises:
        ConfigError: the settings' file has a mistake.
    """
    root = root.absolute()
    return _names(find_source(root, config_file), _fly_files(root))


def _fly_files(root: Path) -> Mapping[str, Path]:
    """Find the fly.toml of each target that needs no more than one."""
    main = root / "fly.toml"
    found = {"prod": main, "local": main} if is_file(main) else {}
    named = ((_FLY_FILE.fullmatch(path.name), path) for path in sorted(root.glob("fly.*.toml")))
    return found | {match[1]: path for match, path in named if match}


def _names(source: Source, fly_files: Mapping[str, Path]) -> tuple[str, ...]:
    return tuple(sorted({*fly_files, *source.document.targets}))


def _target_keys(source: Source, fly_files: Mapping[str, Path], target: str) -> TargetKeys:
    names = _names(source, fly_files)
    if not names:
        raise ConfigError(
            where=str(source.folder),
            found=f"has no fly.toml, and no file names the target {quoted(target)}",
            expected="a fly.toml, or sre.toml with [targets.NAME] and its apps",
            hint="run it in the folder of your fly.toml",
        )
    if target not in names:
        raise unknown_name(where=str(source.place), what="has no target", name=target, names=names)
    return source.document.targets.get(target, TargetKeys())


def _app_paths(
    source: Source, fly_files: Mapping[str, Path], target: str, platform: PlatformName
) -> tuple[Path, ...]:
    stated = source.document.targets.get(target, TargetKeys()).apps
    if stated:
        return existing_files(stated, source.folder, source.place / "targets" / target / "apps")
    # A new name for a target on Fly must not silently mean the app in production.
    fallback = fly_files.get("local") if platform == "local" else None
    path = fly_files.get(target, fallback)
    if path is None or stated is not None:
        raise ConfigError(
            where=(source.place / "targets" / target).section,
            found="names no app",
            expected='apps = ["path/to/fly.toml"]',
        )
    return (path,)


def _apps(
    keys: TargetKeys, paths: Sequence[Path], platform: PlatformName, place: Place
) -> tuple[AppSpec, ...]:
    tomls = [load_fly_toml(path) for path in paths]
    _refuse_duplicates(tomls, place / "apps")
    if keys.processes and platform != "local":
        raise ConfigError(
            where=str(place / "processes"),
            found=f"is on the platform {quoted(platform)}",
            expected="commands on the platform local only",
            hint="on Fly they stand in [processes] of the fly.toml",
        )
    machines = _by_app(keys.machines, tomls, place / "machines")
    processes = _by_app(keys.processes, tomls, place / "processes")
    return tuple(
        AppSpec(toml.app, toml, path, machines[toml.app], processes[toml.app])
        for toml, path in zip(tomls, paths, strict=True)
    )


def _refuse_duplicates(tomls: Sequence[FlyToml], place: Place) -> None:
    names = [toml.app for toml in tomls]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                where=str(place),
                found=f"has the app {quoted(name)} twice",
                expected="each app once",
                hint="give each fly.toml its own app, or list it once",
            )


def _by_app(
    stated: Mapping[str, T], tomls: Sequence[FlyToml], place: Place
) -> Mapping[str, Mapping[str, T]]:
    """Sort what is stated by ``app/group`` into apps; one app alone needs no name."""
    homes = {f"{toml.app}/{group}": (toml.app, group) for toml in tomls for group in toml.groups}
    if len(tomls) == 1:
        homes |= {group: (tomls[0].app, group) for group in tomls[0].groups}
    found: dict[str, dict[str, T]] = {toml.app: {} for toml in tomls}
    for name, value in stated.items():
        if name not in homes:
            raise unknown_name(
                where=place.section,
                what="has an unknown process group",
                name=name,
                names=homes if len(tomls) > 1 else tomls[0].groups,
            )
        app, group = homes[name]
        if group in found[app]:
            raise ConfigError(
                where=str(place / name), found="is there twice", expected="each group once"
            )
        found[app][group] = value
    return {app: MappingProxyType(groups) for app, groups in found.items()}


def _allowed(
    keys: TargetKeys, platform: PlatformName, added: frozenset[Permission], place: Place
) -> frozenset[Permission]:
    denied = frozenset(keys.deny)
    asked_for = {"the command line": added, str(place / "allow"): frozenset(keys.allow or ())}
    for who, permissions in asked_for.items():
        for permission in sorted(permissions & denied):
            raise ConfigError(
                where=str(place / "deny"),
                found=f"denies {quoted(permission)}, which is allowed by {who}",
                expected="a permission to be either denied or allowed",
            )
    stated = _DEFAULT_ALLOW[platform] if keys.allow is None else frozenset(keys.allow)
    return (_ALWAYS | stated | added) - denied


def _load_limits(keys: TargetKeys, platform: PlatformName) -> LoadLimits:
    stated, usual = keys.limits, _LOAD[platform]
    return LoadLimits(
        rate_per_s=_or(stated.load_rate, usual.rate_per_s),
        requests=_or(stated.load_requests, usual.requests),
    )


def _chaos_limits(
    keys: TargetKeys, platform: PlatformName, apps: Sequence[str], place: Place
) -> ChaosLimits:
    stated, usual = keys.limits, _CHAOS[platform]
    for name in stated.chaos_apps or ():
        if name not in apps:
            where = str(place / "chaos-apps")
            raise unknown_name(where=where, what="has an unknown app", name=name, names=apps)
    # In production an app is only perturbed where it is named.
    unstated = apps if platform == "local" else ()
    return ChaosLimits(
        apps=frozenset(unstated if stated.chaos_apps is None else stated.chaos_apps),
        machines=_or(stated.chaos_machines, usual.machines),
        share=_or(stated.chaos_share, usual.share),
        regions=_or(stated.chaos_regions, usual.regions),
        lasts_s=float(_or(stated.chaos_seconds, usual.lasts_s)),
        last_machine=_or(stated.chaos_last_machine, usual.last_machine),
        min_budget_ratio=_or(stated.chaos_min_budget, usual.min_budget_ratio),
        undo_timeout_s=float(_or(stated.chaos_undo_timeout, usual.undo_timeout_s)),
    )


def _or(stated: T | None, usual: T) -> T:
    return usual if stated is None else stated


def _typed(name: str, target: str) -> str:
    if name not in {"", target}:
        raise ConfigError(
            where="--sre-chaos-on, or PYTEST_SRE_CHAOS_ON",
            found=f"is {quoted(name)}",
            expected=f"the name of the target itself, {quoted(target)}",
            hint="nothing was contacted; look twice at which target is meant",
        )
    return name


def _journeys(root: Path, source: Source) -> tuple[Path, ...]:
    stated = source.document.journeys
    if stated is None:
        return tuple(root / name for name in _JOURNEY_FILES if is_file(root / name))
    return existing_files(stated, source.folder, source.place / "journeys")


def _openslo(source: Source) -> tuple[StatedObjective, ...]:
    patterns = source.document.openslo
    if not patterns:
        return ()
    from pytest_sre.targets.openslo.slos import read_openslo

    return read_openslo(matching_files(patterns, source.folder, source.place / "openslo"))


def _bake(keys: BakeKeys, platform: PlatformName) -> BakeSettings:
    window_s = _WINDOW_S[platform] if keys.window_s is None else keys.window_s
    return BakeSettings(window_s, keys.error_ratio, keys.latency_p95_s)
