"""Options and settings that all tests share."""

from __future__ import annotations

import os
from collections.abc import Generator

# JAX reads this when it first looks for devices: the tests of sharding need eight.
DEVICES = "--xla_force_host_platform_device_count=8"
if "device_count" not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {DEVICES}".strip()
if "PYTEST_XDIST_WORKER" in os.environ:  # a worker has one core: threads of BLAS would fight
    for library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import pytest  # noqa: E402
import seeds  # noqa: E402
from hypothesis import HealthCheck, Phase, settings  # noqa: E402

# A deadline measures the machine, not the code. In CI the same examples are drawn every time, and
# one that fails is shown as it is: shrinking a model can take minutes. At night others are drawn,
# by the seed that `make nightly` prints.
quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]
phases = [Phase.explicit, Phase.generate]
settings.register_profile("local", deadline=None, suppress_health_check=quiet)
local = settings.get_profile("local")
settings.register_profile("ci", local, derandomize=True, database=None, phases=phases)
settings.register_profile("nightly", local, database=None, phases=phases, max_examples=500)
settings.load_profile("ci" if os.environ.get("CI") else "local")
SHARES = {"ci": 1.0, "local": 0.1, "nightly": 5.0}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a test that is skipped fails")
    parser.addoption("--seed", type=int, default=0, help="what random tests draw; 0 as in CI")


def pytest_configure(config: pytest.Config) -> None:
    seeds.start = config.getoption("--seed")
    chosen = config.getoption("--hypothesis-profile") or ("ci" if os.environ.get("CI") else "local")
    seeds.share = SHARES.get(chosen, 1.0)


def pytest_report_header(config: pytest.Config) -> str:
    return f"random tests: --seed {config.getoption('--seed')}"


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
