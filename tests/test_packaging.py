"""What a user installs: a wheel, an sdist and an editable install, on every supported Python that this machine has."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# One worker builds the archives and the environments once, for all of them.
pytestmark = pytest.mark.xdist_group("packaging")

LONG = bool(os.environ.get("LIANXING_LONG"))
ROOT = Path(__file__).resolve().parents[1]
SUPPORTED = ("3.11", "3.12", "3.13")
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    # PYTHONPATH would let the checkout in by another door.
    known = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=known | environment, capture_output=True, text=True, check=False
    )


def done(*command: str | Path, cwd: Path, **environment: str) -> str:
    finished = run(*command, cwd=cwd, **environment)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel, built from the sdist, as a user's pip would build it."""
    out = tmp_path_factory.mktemp("dist")
    done(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return wheel, sdist


def pythons() -> Iterator[tuple[str, str]]:
    """Every supported version with an interpreter that works here, this one left out."""
    for version in SUPPORTED:
        if version == OWN:
            continue
        candidates = [shutil.which(f"python{version}") or ""]
        candidates += sorted(str(path) for path in Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
        for candidate in candidates:
            if candidate and run(candidate, "-c", "import venv, ensurepip", cwd=ROOT).returncode == 0:
                yield version, candidate
                break


OTHERS = list(pythons())


def test_the_wheel_brings_everything_below_one_name(archives: tuple[Path, Path]) -> None:
    names = zipfile.ZipFile(archives[0]).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"lianxing"}
    for needed in (
        "lianxing/py.typed",
        "lianxing/rules/policy.py",
        "lianxing/engine/ledger/migrations/versions/0001_ledger.py",
        "lianxing/plugins/demo/records.csv",
        "lianxing/plugins/registries/mappings/zhiyuanhui.yaml",
        "lianxing/plugins/cli/starter/zh/county.yaml",
        "lianxing/policies/cn/hunan/zhuzhou/youxian/cases.yaml",
    ):
        assert needed in names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".db")]


def test_the_demonstration_exports_are_at_most_two_megabytes(archives: tuple[Path, Path]) -> None:
    demo = [
        info for info in zipfile.ZipFile(archives[0]).infolist() if info.filename.startswith("lianxing/plugins/demo/")
    ]
    assert 0 < sum(info.file_size for info in demo) <= 2_000_000


def test_the_sdist_brings_the_real_directories_and_the_tests(archives: tuple[Path, Path]) -> None:
    with tarfile.open(archives[1]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {
        "pyproject.toml",
        "rules/policy.py",
        "engine/counting.py",
        "plugins/hooks.py",
        "tests/test_packaging.py",
    } <= names
    assert "policies/cn/stars.yaml" in names


def installed(wheel: Path, python: str, folder: Path, *more: str) -> Path:
    """A fresh environment with the wheel and its pinned dependencies; return its bin."""
    done(python, "-m", "venv", folder, cwd=wheel.parent)
    pip = (folder / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check")
    done(*pip, "-c", ROOT / "requirements.lock", wheel, *more, cwd=wheel.parent)
    return folder / "bin"


@pytest.fixture(scope="session")
def own_bin(archives: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(archives[0], sys.executable, tmp_path_factory.mktemp("own") / "venv")


def try_as_a_user(bin: Path, empty: Path, version: str) -> None:
    done(
        bin / "python",
        "-c",
        "import lianxing.rules.policy, lianxing.engine.counting, lianxing.plugins.hooks",
        cwd=empty,
    )
    for name in ("rules", "engine", "plugins", "policies"):
        refused = run(bin / "python", "-c", f"import {name}", cwd=empty)
        assert "ModuleNotFoundError" in refused.stderr, f"import {name} works after installing the wheel"
    doctor = json.loads(done(bin / "lianxing", "doctor", "--json", cwd=empty))
    plain = version == "3.13"
    assert doctor["python"].startswith(version)
    assert doctor["matcher"] == ("plain" if plain else "durable-rules")
    if not (LONG or version == OWN):  # on the other Pythons the whole way in the long mode only
        assert json.loads(done(bin / "lianxing", "test", "youxian", "--json", cwd=empty))["counties"][0]["failed"] == 0
        return
    demo = run(bin / "lianxing", "demo", "--json", cwd=empty)
    assert demo.returncode == 0, demo.stderr
    assert demo.stderr.count("durable-rules cannot be loaded here") == (1 if plain else 0)
    answer = json.loads(demo.stdout)
    assert answer["import"]["booked"] >= 20_000
    assert sum(answer["stars"].values()) >= 1_000
    assert sorted(answer["stars"]) == ["0", "1", "2", "3", "4", "5"]
    assert (empty / "demo.db").is_file()
    assert (
        json.loads(done(bin / "lianxing", "verify", "--database", "demo.db", "--json", cwd=empty))["violations"] == []
    )
    proofs = json.loads(done(bin / "lianxing", "test", "--json", cwd=empty))["counties"]
    assert sum(county["passed"] for county in proofs) > 100
    assert not any(county["failed"] for county in proofs)


def test_the_demonstration_runs_from_the_installed_wheel_in_an_empty_folder(own_bin: Path, tmp_path: Path) -> None:
    try_as_a_user(own_bin, tmp_path, OWN)


@pytest.mark.parametrize(("version", "python"), OTHERS, ids=[version for version, _python in OTHERS])
def test_the_wheel_works_on_the_other_pythons_of_this_machine(
    version: str, python: str, archives: tuple[Path, Path], tmp_path: Path
) -> None:
    bin = installed(archives[0], python, tmp_path / "venv")
    empty = tmp_path / "empty"
    empty.mkdir()
    try_as_a_user(bin, empty, version)


@pytest.mark.skipif(not LONG, reason="the demonstration twice over: only in the long mode")
def test_every_python_gives_the_demonstration_the_same_stars(own_bin: Path, tmp_path: Path) -> None:
    # The matchers differ between 3.12 and 3.13; hiding the engine shows the same difference on one Python.
    hiding = tmp_path / "hiding"
    hiding.mkdir()
    (hiding / "durable_rules_engine.py").write_text("raise ImportError('hidden')\n", "utf-8")
    answers = []
    for name, environment in (("with", {}), ("without", {"PYTHONPATH": str(hiding)})):
        folder = tmp_path / name
        folder.mkdir()
        answer = json.loads(done(own_bin / "lianxing", "demo", "--json", cwd=folder, **environment))
        answers.append((answer["stars"], answer["import"]["points_hundredths"], answer["import"]["seconds"]))
    assert answers[0] == answers[1]


@pytest.mark.skipif(not LONG, reason="mypyc takes a minute: only in the long mode")
def test_what_is_compiled_gives_the_demonstration_the_same_answer(own_bin: Path, tmp_path: Path) -> None:
    done(
        *(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path, ROOT),
        cwd=tmp_path,
        LIANXING_COMPILED="1",
    )
    (wheel,) = tmp_path.glob("*.whl")
    assert not wheel.name.endswith("-none-any.whl")
    bin = installed(wheel, sys.executable, tmp_path / "venv")
    answers = []
    for each, compiled in ((own_bin, False), (bin, True)):
        folder = tmp_path / each.parent.parent.name / str(compiled)
        folder.mkdir(parents=True)
        assert json.loads(done(each / "lianxing", "doctor", "--json", cwd=folder))["compiled"] is compiled
        answer = json.loads(done(each / "lianxing", "demo", "--json", cwd=folder))
        answers.append((answer["stars"], answer["import"]["points_hundredths"], answer["import"]["seconds"]))
        assert not any(
            county["failed"] for county in json.loads(done(each / "lianxing", "test", "--json", cwd=folder))["counties"]
        )
    assert answers[0] == answers[1]


def test_every_module_that_would_be_compiled_is_there() -> None:
    named = re.findall(r'^    "(engine/[a-z_/]+)",$', (ROOT / "hatch_build.py").read_text("utf-8"), re.M)
    assert len(named) > 10
    assert [name for name in named if not (ROOT / f"{name}.py").is_file()] == []


def test_an_editable_install_reads_the_checkout(tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    done(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    pip = (python, "-m", "pip", "install", "-q", "--disable-pip-version-check")
    done(*pip, "-c", ROOT / "requirements.lock", "hatchling", "editables", cwd=tmp_path)
    done(*pip, "--no-deps", "--no-build-isolation", "-e", ROOT, cwd=tmp_path)
    where = done(python, "-c", "import lianxing.rules.policy as p; print(p.__file__)", cwd=tmp_path).strip()
    assert Path(where).resolve() == ROOT / "rules" / "policy.py"


def test_a_third_partys_plugin_of_two_files_is_installed_and_called(own_bin: Path, tmp_path: Path) -> None:
    example = ROOT / "examples" / "lianxing-village-notebook"
    assert sorted(path.name for path in example.iterdir() if path.is_file()) == [
        "lianxing_village_notebook.py",
        "pyproject.toml",
    ]
    copy = tmp_path / "plugin"
    shutil.copytree(example, copy, ignore=shutil.ignore_patterns("__pycache__"))
    target = tmp_path / "site"
    pip = (
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-build-isolation",
    )
    done(*pip, "--target", target, copy, cwd=tmp_path)
    book, log = tmp_path / "notebook.jsonl", tmp_path / "told.txt"
    pages = [
        {
            "id": "1",
            "who": "V1",
            "when": "2025-03-05T09:00:00+08:00",
            "minutes": 90,
            "what": "environment",
            "rain": True,
        },
        {
            "id": "2",
            "who": "V1",
            "when": "2025-03-06T09:00:00+08:00",
            "minutes": 60,
            "what": "civility",
            "signed": False,
        },
        {"id": "3", "when": "2025-03-07T09:00:00+08:00", "minutes": 60, "what": "civility"},
        {"id": "4", "who": "V2", "when": "2025-03-07T09:00:00+08:00", "minutes": 60, "what": "environment"},
    ]
    book.write_text("".join(json.dumps(page) + "\n" for page in pages), "utf-8")
    county = tmp_path / "village"
    county.mkdir()
    (county / "county.yaml").write_text(
        "county: village\ntitle: {zh: 村, en: village}\nbased_on: cn\nin_force: {from: 2025-01-01}\n", "utf-8"
    )
    (county / "earning.yaml").write_text(
        "- id: by_time\n  points_per_hour: 2\n"
        "- id: rain_bonus\n  when: {in_the_rain: yes}\n  multiply: 2\n"
        "- id: rounding\n  round: {to: 0.1 points, each: record, direction: down}\n",
        "utf-8",
    )
    environment = {"PYTHONPATH": str(target), "VILLAGE_NOTEBOOK": str(book), "VILLAGE_NOTEBOOK_LOG": str(log)}
    command = ("import", "--plugin", "village-notebook", "--county", "village", "--database", "bank.db", "--json")
    answer = json.loads(done(own_bin / "lianxing", *command, "--on", "2025-12-31", cwd=tmp_path, **environment))
    assert [answer[key] for key in ("rows_read", "booked", "withheld", "set_aside")] == [4, 2, 1, 1]
    assert answer["points_hundredths"] == 600 + 200  # 1.5 h x 2, doubled in the rain; 1 h x 2
    assert log.read_text("utf-8").splitlines() == ["record 1 entry original 600", "record 4 entry original 200"]
