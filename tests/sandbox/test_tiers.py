"""Which sandbox is used, and what is said where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograde.sandbox import (
    TIER_VARIABLE,
    Limits,
    NoSandboxError,
    Sandbox,
    Tier,
    available_tiers,
    choose,
    choose_tier,
    host_command,
    spawn,
)

ROOT = Path(__file__).resolve().parents[2]
MB = 1 << 20
REASONS = {
    Tier.NAMESPACES: "the kernel refuses",
    Tier.LANDLOCK: "the kernel is too old",
    Tier.LIMITS: None,
}


@pytest.fixture(autouse=True)
def no_wish(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No tier is asked for, and none known to work."""
    monkeypatch.delenv(TIER_VARIABLE, raising=False)
    available_tiers.cache_clear()
    yield
    available_tiers.cache_clear()


def test_strangers_need_more_than_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "available_tiers", lambda: REASONS)
    with pytest.raises(NoSandboxError, match=r"the kernel refuses.*the kernel is too old"):
        choose_tier()
    assert choose_tier(allow_unsafe=True) is Tier.LIMITS


def test_strongest_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "available_tiers", lambda: REASONS | {Tier.LANDLOCK: None})
    assert choose_tier() is Tier.LANDLOCK
    monkeypatch.setattr(choose, "available_tiers", lambda: dict.fromkeys(Tier))
    assert choose_tier(allow_unsafe=True) is Tier.NAMESPACES


def test_a_wish_is_granted_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "available_tiers", lambda: REASONS | {Tier.LANDLOCK: None})
    monkeypatch.setenv(TIER_VARIABLE, "landlock")
    assert choose_tier() is Tier.LANDLOCK
    monkeypatch.setenv(TIER_VARIABLE, "namespaces")
    with pytest.raises(NoSandboxError, match="but the kernel refuses"):
        choose_tier()
    monkeypatch.setenv(TIER_VARIABLE, "limits")
    with pytest.raises(NoSandboxError, match="do not confine strangers"):
        choose_tier()
    assert choose_tier(allow_unsafe=True) is Tier.LIMITS
    monkeypatch.setenv(TIER_VARIABLE, "magic")
    with pytest.raises(NoSandboxError, match="it can be namespaces, landlock, limits"):
        choose_tier()


@pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux")
def test_missing_bubblewrap_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = available_tiers()[Tier.NAMESPACES]
    assert reason
    assert "apt-get install bubblewrap" in reason


@pytest.mark.parametrize("tier", Tier)
def test_host_environment_has_no_secrets(tier: Tier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_TEST_SECRET", "hunter2")
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    command, environment = host_command(tier, ["python"], readable=[])
    assert "hunter2" not in " ".join([*command, *environment.values()])
    assert not {"JPY_PARENT_PID", "COURSE_TEST_SECRET"} & set(environment)
    assert environment["OMP_NUM_THREADS"] == "1"
    assert command[-1] == "python"


def under_limits(run: Callable[[], None], **limits: float) -> tuple[Sandbox, str | None]:
    """Run a function under limits alone, forked from this process."""
    sandbox = spawn(run, tier=Tier.LIMITS, limits=Limits(**limits))
    reason = None
    while not sandbox.ended():
        reason = reason or sandbox.excess()
        if reason:
            sandbox.kill()
        time.sleep(0.02)
    assert sandbox.failure() is None
    return sandbox, reason


def test_limits_work_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def write() -> None:
        Path("file").write_text("x")
        os._exit(5 if Path.cwd().parent.parent == tmp_path else 6)

    def take() -> None:
        try:
            bytearray(512 * MB)
        except MemoryError:
            os._exit(7)

    def stay() -> None:
        if os.fork() == 0:
            os.setsid()
        time.sleep(600)

    assert under_limits(write)[0].exit_code == 5
    assert under_limits(take, memory_bytes=128 * MB)[0].exit_code == 7
    _, reason = under_limits(stay, wall_seconds=1)
    assert reason == "ran for more than 1 s"
    assert list(tmp_path.iterdir()) == []


def test_doctor_tries_the_sandbox() -> None:
    try:
        choose_tier()
    except NoSandboxError as error:
        pytest.skip(str(error))
    outcome = subprocess.run(
        [sys.executable, "-m", "autograde.doctor"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "held all it claims" in outcome.stdout


def test_doctor_refuses_where_nothing_confines() -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", "autograde.doctor"],
        cwd=ROOT,
        env=os.environ | {TIER_VARIABLE: "limits"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert outcome.returncode == 1
    assert "do not confine strangers" in outcome.stdout.replace("\n", " ")
    assert "no, as said" in outcome.stdout
