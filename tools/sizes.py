"""Fail when a source file has more than 300 lines, unless a reason is beside it.

A file over the limit says why in one line: `# size: REASON`.
"""

from __future__ import annotations

import sys
from pathlib import Path

LIMIT = 300


def main() -> int:
    """Print the files that are too long; return their number."""
    root = Path(__file__).parent.parent
    bad = 0
    for path in sorted(root.glob("src/**/*.py")) + sorted(root.glob("tests/**/*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > LIMIT and not any(line.startswith("# size: ") for line in lines):
            print(f"{path.relative_to(root)}: {len(lines)} lines, at most {LIMIT}")
            bad += 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
