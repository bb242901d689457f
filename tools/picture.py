"""Write docs/images/build.svg: what a terminal really shows of a build.

    python tools/picture.py

Runs `buildwright build` under a pseudo-terminal in an empty folder and draws its last screen.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

COMMAND = 'make build REQ="A REST API that tracks books with title, author and year"'
TEXT = "A REST API that tracks books with title, author and year"
OUT = Path(__file__).parent.parent / "docs" / "images" / "build.svg"
COLOURS = {"31": "#ff7b72", "32": "#56d364", "33": "#e3b341", "36": "#79c0ff", "35": "#d2a8ff"}
WIDTH, LINE, CHAR = 100, 19, 8.05


def main() -> None:
    """Run the build, keep its screen, write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        screen = last_screen(run_in_terminal(Path(folder)))
    lines = [f"$ {COMMAND}", *(line.replace(folder, "~") for line in screen)]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(svg(lines), encoding="utf-8")
    print(f"wrote {OUT.name}: {len(lines)} lines")


def run_in_terminal(folder: Path) -> str:
    """Return everything a terminal of 100 columns got."""
    main_end, other_end = pty.openpty()
    env = {**os.environ, "COLUMNS": str(WIDTH), "LINES": "50", "TERM": "xterm-256color"}
    arguments = [sys.executable, "-m", "buildwright", "build", TEXT]
    process = subprocess.Popen(  # noqa: S603 - our own command
        arguments, cwd=folder, env=env, stdout=other_end, stderr=other_end, stdin=other_end
    )
    os.close(other_end)
    parts = []
    while True:
        try:
            part = os.read(main_end, 65536)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    process.wait()
    return b"".join(parts).decode()


def last_screen(text: str) -> list[str]:
    """Return the lines left after cursor movements: up, erase line, carriage return."""
    lines, row = [""], 0
    for part in re.findall(r"\x1b\[\??[\d;]*[a-zA-Z]|\r|\n|[^\x1b\r\n]+", text):
        if part == "\n":
            row += 1
            if row == len(lines):
                lines.append("")
        elif part == "\r":
            continue
        elif part.startswith("\x1b[") and part.endswith("A"):
            row = max(0, row - int(part[2:-1] or 1))
        elif part.startswith("\x1b[") and part.endswith("K"):
            lines[row] = ""
        elif not part.startswith("\x1b[") or part.endswith("m"):
            lines[row] += part
    return [line.rstrip() for line in lines]


def svg(lines: list[str]) -> str:
    """Return the picture; text stays text."""
    height = 52 + LINE * len(lines)
    width = int(WIDTH * CHAR) + 32
    rows = [
        f'<text x="16" y="{58 + LINE * i}">{spans(line)}</text>' for i, line in enumerate(lines)
    ]
    dots = "".join(
        f'<circle cx="{20 + 20 * i}" cy="18" r="6" fill="{colour}"/>'
        for i, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    style = "text{font:13.4px ui-monospace,Menlo,Consolas,monospace;fill:#e6edf3;white-space:pre}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">'
        f'<style>{style}</style><rect width="{width}" height="{height}" rx="10" fill="#0d1117"/>'
        f"{dots}{''.join(rows)}</svg>\n"
    )


def spans(line: str) -> str:
    """Return a line with its colours as tspans."""
    parts, colour, bold = [], "", ""
    for token in re.findall(r"\x1b\[[\d;]*m|[^\x1b]+", line):
        if not token.startswith("\x1b"):
            parts.append(f"<tspan{colour}{bold}>{escape(token)}</tspan>")
            continue
        for code in token[2:-1].split(";"):
            if code in ("", "0"):
                colour = bold = ""
            elif code == "1":
                bold = ' font-weight="700"'
            elif code in COLOURS:
                colour = f' fill="{COLOURS[code]}"'
    return "".join(parts)


if __name__ == "__main__":
    main()
