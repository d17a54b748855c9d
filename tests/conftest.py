"""Options and settings that all tests share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from pathlib import Path

# JAX reads this when it first looks for devices: the tests of sharding need eight.
DEVICES = "--xla_force_host_platform_device_count=8"
if "device_count" not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {DEVICES}".strip()
# What one test has compiled, another one of the same process need not compile again.
CACHE = tempfile.TemporaryDirectory(prefix="eingrad-tests-")
os.environ["JAX_COMPILATION_CACHE_DIR"] = CACHE.name
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
if "PYTEST_XDIST_WORKER" in os.environ:  # a worker has one core: threads of BLAS would fight
    for library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import pytest  # noqa: E402
import real_mnist  # noqa: E402
import seeds  # noqa: E402
import twice  # noqa: E402
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
    parser.addoption(
        "--no-skips", action="store_true", help="a skipped test fails (but for real MNIST)"
    )
    parser.addoption("--record", type=Path, help="write which tests passed, for --without")
    parser.addoption("--without", type=Path, help="leave out what passed and can only pass again")
    parser.addoption("--seed", type=int, default=0, help="what random tests draw; 0 as in CI")


def pytest_configure(config: pytest.Config) -> None:
    seeds.start = config.getoption("--seed")
    chosen = config.getoption("--hypothesis-profile") or ("ci" if os.environ.get("CI") else "local")
    seeds.share = SHARES.get(chosen, 1.0)


outcomes: dict[str, set[str]] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    outcomes.setdefault(report.nodeid, set()).add(report.outcome)


def pytest_sessionfinish(session: pytest.Session) -> None:
    record = session.config.getoption("--record")
    if record is not None and not hasattr(session.config, "workerinput"):
        twice.write(record, [name for name, found in outcomes.items() if found == {"passed"}])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--without") is not None:
        done = twice.passed_for_good(config.getoption("--without"))
        config.hook.pytest_deselected(items=[x for x in items if x.nodeid in done])
        items[:] = [x for x in items if x.nodeid not in done]


def pytest_unconfigure() -> None:
    CACHE.cleanup()


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
        if str(reason).endswith(real_mnist.ABSENT):
            return  # no package brings these files, so no environment can be asked to have them
        report.outcome = "failed"
        report.longrepr = f"--no-skips: {report.nodeid}: {reason}"
