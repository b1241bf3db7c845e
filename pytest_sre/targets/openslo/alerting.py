"""Alert policies and conditions of OpenSLO files, made into burn-rate alerts."""

# ruff: noqa: RUF009 - key() declares a field, as dataclasses.field does

from dataclasses import dataclass

from pytest_sre.targets.errors import ConfigError
from pytest_sre.targets.objectives import BurnAlert
from pytest_sre.targets.openslo.durations import delay_s, shorthand_s
from pytest_sre.targets.openslo.indicators import OPS, Op
from pytest_sre.targets.openslo.objects import Metadata, Objects, optional, read_metadata
from pytest_sre.targets.reading import (
    Place,
    boolean,
    key,
    list_of,
    mapping,
    one_of,
    table,
    text,
)
from pytest_sre.targets.slo_sources import number
from pytest_sre.targets.yaml_files import Part, part


@dataclass(frozen=True, kw_only=True)
class _Policy:
    description: str | None = key("description", optional(text), None)
    no_data: bool = key("alertWhenNoData", boolean, False)
    resolved: bool = key("alertWhenResolved", boolean, False)
    breaching: bool = key("alertWhenBreaching", boolean, False)
    conditions: tuple[Part, ...] = key("conditions", list_of(part))
    targets: tuple[Part, ...] | None = key("notificationTargets", optional(list_of(part)), None)


@dataclass(frozen=True, kw_only=True)
class _PolicyRef:
    ref: str = key("alertPolicyRef", text)


@dataclass(frozen=True, kw_only=True)
class _ConditionRef:
    ref: str = key("conditionRef", text)


@dataclass(frozen=True, kw_only=True)
class _InlinePolicy:
    kind: str = key("kind", one_of(("AlertPolicy",)))
    metadata: Metadata = key("metadata", read_metadata)
    spec: Part = key("spec", part)


@dataclass(frozen=True, kw_only=True)
class _InlineCondition:
    kind: str = key("kind", one_of(("AlertCondition",)))
    metadata: Metadata = key("metadata", read_metadata)
    spec: Part = key("spec", part)


@dataclass(frozen=True, kw_only=True)
class _Condition:
    description: str | None = key("description", optional(text), None)
    severity: str = key("severity", text)
    condition: Part = key("condition", part)


def _factor(value: object, place: Place) -> float:
    found = number(value, place)
    if found <= 0:
        raise place.wrong(value, "a burn rate above 0")
    return found


@dataclass(frozen=True, kw_only=True)
class _BurnRate:
    kind: str = key("kind", one_of(("burnrate",)), "burnrate")
    op: Op = key("op", one_of(OPS))
    threshold: float = key("threshold", _factor)
    lookback_s: float = key("lookbackWindow", shorthand_s)
    after_s: float = key("alertAfter", delay_s, 0.0)


def read_burn_alerts(policy: Part, objects: Objects) -> tuple[BurnAlert, ...]:
    """Read an item of ``alertPolicies``: a policy, or a reference to one.

    Returns:
        Its alert; none when it does not alert on a breach.

    Raises:
        ConfigError: it has a mistake, or refers to what is not there.
    """
    if "alertPolicyRef" in mapping(policy.value, policy.place):
        ref = table(_PolicyRef, closed=True)(policy.value, policy.place).ref
        found = objects.named("AlertPolicy", ref, policy.place / "alertPolicyRef")
        return read_policy(found.spec, objects)
    return read_policy(table(_InlinePolicy, closed=True)(policy.value, policy.place).spec, objects)


def read_policy(spec: Part, objects: Objects) -> tuple[BurnAlert, ...]:
    """Read the ``spec`` of an alert policy; see `read_burn_alerts`."""
    policy = table(_Policy, closed=True)(spec.value, spec.place)
    if len(policy.conditions) != 1:
        raise ConfigError(
            where=str(spec.place / "conditions"),
            found=f"has {len(policy.conditions)} items",
            expected="one condition",
        )
    alert = _condition(policy.conditions[0], objects)
    return (alert,) if policy.breaching else ()


def _condition(stated: Part, objects: Objects) -> BurnAlert:
    if "conditionRef" in mapping(stated.value, stated.place):
        ref = table(_ConditionRef, closed=True)(stated.value, stated.place).ref
        spec = objects.named("AlertCondition", ref, stated.place / "conditionRef").spec
        return read_condition(ref, spec)
    inline = table(_InlineCondition, closed=True)(stated.value, stated.place)
    return read_condition(inline.metadata.name, inline.spec)


def read_condition(name: str, spec: Part) -> BurnAlert:
    """Read the ``spec`` of an alert condition.

    Raises:
        ConfigError: it has a mistake.
    """
    condition = table(_Condition, closed=True)(spec.value, spec.place)
    burn = table(_BurnRate, closed=True)(condition.condition.value, condition.condition.place)
    return BurnAlert(
        name=name,
        factor=burn.threshold,
        window_s=burn.lookback_s,
        severity=condition.severity,
        after_s=burn.after_s,
        fires_above=burn.op in ("gt", "gte"),
    )
