"""What a user can say on the command line and in pytest's own configuration."""

import pytest

SHIPPED_SUITES = ("release", "health", "edge", "dependencies", "journeys", "bake", "logs")


def add_options(parser: pytest.Parser) -> None:
    """Register the options and ini keys."""
    group = parser.getgroup("sre", "site reliability: verify a release on Fly.io or locally")
    group.addoption(
        "--sre-target",
        dest="sre_target",
        metavar="NAME",
        help="verify the release on this target: prod, local, or NAME of a fly.NAME.toml or of "
        "[targets.NAME] in sre.toml; without a path the reliability suites are run",
    )
    group.addoption(
        "--sre-config",
        dest="sre_config",
        metavar="FILE",
        help="settings instead of ./sre.toml or [tool.pytest-sre] in ./pyproject.toml",
    )
    group.addoption(
        "--sre-allow",
        dest="sre_allow",
        metavar="WHAT",
        default="",
        help="allow this run more than the target does: load, chaos, deploy (comma-separated)",
    )
    group.addoption(
        "--sre-chaos-on",
        dest="sre_chaos_on",
        metavar="NAME",
        help="the name of the target again, which chaos on Fly.io needs beside its permission; "
        "only as typed on the command line itself, never from addopts",
    )
    group.addoption(
        "--sre-chaos-set",
        dest="sre_chaos_set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="what a parameter of experiments is, one of their configuration, instead of what "
        "their files say; may be given several times",
    )
    group.addoption(
        "--sre-bake",
        dest="sre_bake",
        metavar="TIME",
        help="how long to observe the release, such as 45s (default: 10s on local, 30s elsewhere)",
    )
    group.addoption(
        "--sre-since",
        dest="sre_since",
        metavar="WHEN",
        default="deploy",
        help="judge logs and events from here on: deploy (default), an age such as 15m, or an "
        "ISO time",
    )
    group.addoption(
        "--sre-local-release",
        dest="sre_local_release",
        metavar="NAME",
        help="deploy this release of releases/NAME.toml to the local platform and verify it",
    )
    group.addoption(
        "--sre-issues",
        dest="sre_issues",
        choices=["off", "dry-run", "file"],
        help="file what fails as issues, one a cause (default), show what would be filed, or "
        "neither; a local platform's go to .sre/issues unless this option asks for file",
    )
    group.addoption(
        "--sre-report",
        dest="sre_report",
        metavar="FILE",
        help="write what the run saw and concluded as one HTML page, such as report.html",
    )
    group.addoption(
        "--sre-override-freeze",
        dest="sre_override_freeze",
        metavar="WHY",
        help="let this release pass although an error budget freezes releases; the reason is "
        "recorded and shown",
    )
    group.addoption(
        "--sre-load-baseline",
        dest="sre_load_baseline",
        choices=["keep", "update"],
        default="keep",
        help="update: the loads that tests compare become the baselines, in load-baselines/, to "
        "be committed; keep (default): they are compared with those",
    )
    group.addoption(
        "--sre-load-workers",
        dest="sre_load_workers",
        metavar="WHO",
        help="who makes loads instead of processes here: 4 workers that join at 127.0.0.1:5557 "
        "(pytest-sre load worker), 4@HOST:PORT, or Machines started for it: fly:iad=2,ams=2",
    )
    group.addoption(
        "--sre-load-image",
        dest="sre_load_image",
        metavar="IMAGE",
        default="",
        help="the image of Machines of load workers, with pytest-sre and what journeys import",
    )
    parser.addini(
        "sre_suites",
        "which shipped suites a run without a path has beside your own suites/ folder "
        f"(default: {' '.join(SHIPPED_SUITES)})",
        type="args",
        default=list(SHIPPED_SUITES),
    )
    parser.addini(
        "sre_inconclusive",
        "what an INCONCLUSIVE verdict does to the exit code: fail (default) or pass",
        default="fail",
    )
    parser.addini(
        "sre_require_runbook",
        "whether a critical test without a runbook, or one whose runbook is not there, is an error",
        type="bool",
        default=False,
    )


def target_name(config: pytest.Config) -> str | None:
    """Give the name of the target that this run verifies, if it verifies one."""
    name: str | None = config.getoption("sre_target")
    return name
