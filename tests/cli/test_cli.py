"""The command line as a user meets it: what is printed, where, and with which exit code."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import IN_CI
from tests.services.conftest import TEMPLATES, TEXT

from buildwright.cli.main import exit_code_of

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    home = tmp_path / "home"
    shared = tmp_path_factory.getbasetemp().parent / "buildwright-test-environments"
    shared.mkdir(exist_ok=True)
    home.mkdir()
    (home / "environments").symlink_to(shared)
    monkeypatch.setenv("BUILDWRIGHT_HOME", str(home))
    monkeypatch.setenv("BUILDWRIGHT_TEMPLATES", json.dumps([str(TEMPLATES)]))
    monkeypatch.chdir(tmp_path)

    def running(*arguments: str) -> tuple[int, str, str]:
        code = exit_code_of(list(arguments))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return running


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"home"}


@pytest.mark.build
@pytest.mark.sandbox
def test_a_build_prints_progress_a_summary_and_what_to_type_next(run: Run, tmp_path: Path) -> None:
    code, out, err = run("build", "-t", "tiny", TEXT)
    assert code == 0
    stages = ["analyze", "plan", "generate", "test", "assess", "document", "finalize"]
    assert all(f"{stage:<10} done" in err for stage in stages)
    assert "passed" in out.splitlines()[1]
    assert "2 of 2 passed" in out
    assert "cost      0.00 USD (model: none)" in out
    assert f"cd {tmp_path / 'books-cli'} && make run" in out


@pytest.mark.build
@pytest.mark.sandbox
def test_json_output_is_one_document_and_nothing_else(run: Run) -> None:
    code, out, err = run("build", "--json", "-t", "tiny", TEXT)
    report = json.loads(out)
    assert (code, err, report["outcome"]) == (0, "", "passed")
    _, listed, _ = run("builds", "list", "--json")
    assert [row["id"] for row in json.loads(listed)] == [report["build_id"]]
    _, shown, _ = run("builds", "show", report["build_id"][:12], "--json")
    assert json.loads(shown) == report
    _, logs, _ = run("builds", "logs", report["build_id"], "--json")
    events = [json.loads(line) for line in logs.splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    code, out, _ = run("builds", "export", report["build_id"], "--out", "copy")
    assert code == 0
    assert Path("copy/src/tiny/__init__.py").is_file()


@pytest.mark.build
@pytest.mark.sandbox
def test_a_failing_project_exits_1_and_names_the_test(run: Run) -> None:
    code, out, _ = run("build", "-q", "-t", "tiny", "-a", "mood=red", TEXT)
    assert code == 1
    assert "failed" in out.splitlines()[1]
    assert "tests/test_tiny.py::test_adding" in out


@pytest.mark.build
def test_unsafe_is_printed_on_every_result(run: Run) -> None:
    code, out, _ = run("build", "-q", "--unsafe", "-t", "tiny", TEXT)
    assert code == 0
    assert "UNSAFE" in out
    build_id = json.loads(run("builds", "list", "--json")[1])[0]["id"]
    assert "UNSAFE" in run("builds", "show", build_id)[1]
    assert "UNSAFE" in Path("books-cli/.buildwright/report.html").read_text()


BAD: list[tuple[list[str], str]] = [
    (["build"], "no requirement given"),
    (["build", ""], "the requirement is empty"),
    (["build", " \n\t"], "the requirement is empty"),
    (["build", "🚀🚀🚀"], "holds no word"),
    (["build", "12345 !!"], "holds no word"),
    (["build", "x " * 600_000], "at most 256 KiB"),
    (["build", "a REST API\x00for books"], "binary, not text"),
    (["build", "--file", "no-such-file"], "'no-such-file' cannot be read"),
    (["build", "--file", "."], "'.' cannot be read"),
    (["build", "--file", "picture.png"], "is not UTF-8 text"),
    (["build", "--file", "picture.png", TEXT], "both a requirement and --file"),
    (["build", "--out", "full", TEXT], "full' is not an empty folder"),
    (["build", "--out", "picture.png", TEXT], "is not an empty folder"),
    (["build", "--out", "picture.png/below", TEXT], "is not writable"),
    (["build", "--out", "/proc/none", TEXT], "is not writable"),
    (["build", "-t", "tinny", TEXT], "unknown template 'tinny': did you mean 'tiny'?"),
    (["build", "--model", "nome", TEXT], "unknown model 'nome': did you mean 'none'?"),
    (["build", "-t", "tiny", "-a", "mod=red", TEXT], "unknown answer 'mod': did you mean 'mood'?"),
    (["build", "-t", "tiny", "-a", "mood=blue", TEXT], "'blue'"),
    (["build", "-t", "tiny", "-a", "mood", TEXT], "is not KEY=VALUE"),
    (["build", "-t", "tiny", "--answers", "picture.png", TEXT], "picture.png"),
    (["build", "-t", "tiny", "--answers", "none.yaml", TEXT], "none.yaml"),
    (["build", "Should we move the office to Leipzig or stay where we are?"], "does not describe"),
    (["build", "Firmware in C for a thermostat: read the sensor every 60 s"], "does not describe"),
    (["builds", "show", "nope"], "unknown build 'nope'"),
    (["builds", "resume", "nope"], "unknown build 'nope'"),
    (["builds", "list", "--limit", "0"], "0 is not in the range"),
    (["biuld"], "unknown command 'biuld': did you mean 'build"),
    (["templates", "show", "rest-apy"], "did you mean 'rest-api'?"),
    (["--config", "none.yaml", "config", "show"], "'none.yaml' does not exist"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=lambda value: str(value)[:40])
def test_bad_input_is_one_clear_error_and_leaves_nothing(
    run: Run, tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert err.count("error:") + err.count("Error:") == 1
    assert left_in(tmp_path) == {"picture.png", "full"}
    assert left_in(tmp_path / "full") == {"mine.txt"}


def test_a_home_that_cannot_be_made_is_one_clear_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = run("--home", str(tmp_path / "file" / "home"), "builds", "list")
    assert code == 3
    assert "cannot be made" in err
    assert "BUILDWRIGHT_HOME" in err


def test_an_empty_list_says_how_to_start(run: Run) -> None:
    assert 'start with: buildwright build "..."' in run("builds", "list")[1]


def test_templates_can_be_listed_and_shown(run: Run) -> None:
    assert "rest-api@" in run("templates", "list")[1]
    assert {row["name"] for row in json.loads(run("templates", "list", "--json")[1])} >= {"tiny"}
    assert "description" in run("templates", "show", "rest-api")[1]
    assert json.loads(run("templates", "show", "tiny", "--json")[1])["kind"] == "cli-tool"


def test_settings_can_be_shown_checked_and_described(run: Run) -> None:
    assert json.loads(run("config", "show")[1])["model"] == "none"
    assert run("config", "validate")[:2] == (0, "settings are valid\n")
    assert "sandbox" in json.loads(run("config", "schema")[1])["properties"]


def test_the_database_can_be_upgraded_twice(run: Run) -> None:
    assert "is up to date" in run("db", "upgrade")[1]
    assert run("db", "upgrade")[0] == 0


@pytest.mark.sandbox
def test_the_sandbox_tells_backend_and_layers(run: Run) -> None:
    code, out, _ = run("sandbox", "status", "--json")
    status = json.loads(out)
    assert code == 0
    assert status["backend"] in ("bubblewrap", "sandlock")
    assert status["layers"]
    assert status["backend"] in run("sandbox", "status")[1]


def in_a_box(*around: str) -> list[str]:
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        assert not IN_CI
        pytest.skip("bubblewrap is not installed; it makes the small disk of this test")
    return [bwrap, "--bind", "/", "/", "--dev", "/dev", "--proc", "/proc", *around]


def buildwright_in(box: list[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*box, sys.executable, "-m", "buildwright", *arguments],
        capture_output=True, text=True, env={**os.environ},
    )  # fmt: skip


@pytest.mark.sandbox
def test_without_any_sandbox_the_fix_is_named_and_nothing_is_left(run: Run, tmp_path: Path) -> None:
    where = shutil.which("bwrap") or ""
    box = in_a_box("--ro-bind", "/dev/null", where)
    done = buildwright_in(box, "build", "--sandbox", "bubblewrap", "-t", "tiny", TEXT)
    assert done.returncode == 3
    assert "no sandbox holds on this machine" in done.stdout
    assert "install bubblewrap" in done.stdout
    assert "builds resume" in done.stdout
    assert left_in(tmp_path) == set()


@pytest.mark.build
@pytest.mark.sandbox
@pytest.mark.parametrize("full", ["home", "out"])
def test_a_full_disk_is_one_clear_error_and_nothing_is_half_written(
    run: Run, tmp_path: Path, full: str
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    home = small if full == "home" else tmp_path / "home"
    out = small / "out" if full == "out" else tmp_path / "out"
    # 64 KiB take the database but no environment, or half of the files of a project.
    size = "262144" if full == "home" else "16384"
    box = in_a_box("--size", size, "--tmpfs", str(small))
    done = buildwright_in(
        box, "--home", str(home), "build", "-q", "-t", "tiny", "--out", str(out), TEXT
    )
    assert done.returncode in (2, 3)
    text = done.stdout + done.stderr
    assert "disk" in text or "No space left" in text
    assert "Traceback" not in text
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


@pytest.mark.build
@pytest.mark.sandbox
def test_ctrl_c_leaves_a_build_that_can_be_resumed(run: Run, tmp_path: Path) -> None:
    arguments = ["build", "-t", "tiny", "-a", "mood=slow", TEXT]
    with subprocess.Popen(
        [sys.executable, "-m", "buildwright", *arguments],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ},
        # A shell that runs the tests in the background has SIGINT ignored for its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("test ") and "note" in line:
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "interrupted" in rest
    assert "Traceback" not in rest
    (row,) = json.loads(run("builds", "list", "--json")[1])
    assert (row["status"], row["outcome"]) == ("interrupted", None)
    code, out, _ = run("builds", "cancel", row["id"])
    assert (code, "is cancelled" in out) == (0, True)


def test_a_reader_that_goes_away_is_no_error(run: Run, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "buildwright", "config", "schema"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
    assert errors == b""


def test_requirements_come_from_files_and_pipes_too(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("Could you tell us whether to move or to stay?")
    assert "does not describe" in run("build", "--file", "r.txt")[2]
    done = subprocess.run(
        [sys.executable, "-m", "buildwright", "build", "--file", "-"],
        input="Could you tell us whether to move or to stay?",
        capture_output=True, text=True, env={**os.environ},
    )  # fmt: skip
    assert done.returncode == 2
    assert "does not describe" in done.stderr
