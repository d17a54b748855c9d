"""Options and settings that all tests share."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

# JAX reads this when it first looks for devices: the tests of sharding need eight.
DEVICES = "--xla_force_host_platform_device_count=8"
if "device_count" not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {DEVICES}".strip()

try:
    from hypothesis import HealthCheck, Phase, settings
except ModuleNotFoundError:
    pass
else:
    # A deadline measures the machine, not the code. In CI the same examples are drawn every time,
    # and one that fails is shown as it is: shrinking a model can take minutes.
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]
    settings.register_profile("local", deadline=None, suppress_health_check=quiet)
    phases = [Phase.explicit, Phase.generate]
    settings.register_profile(
        "ci", settings.get_profile("local"), derandomize=True, database=None, phases=phases
    )
    settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a test that is skipped fails")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if item.config.getoption("--no-skips"):
        _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if collector.config.getoption("--no-skips"):
        _fail_if_skipped(report)
    return report


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"--no-skips: {report.nodeid}: {reason}"
