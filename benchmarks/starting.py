"""From the command line to its help: seconds, beside the bare interpreter in the same run.

python benchmarks/starting.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 15
TARGET = 0.3


def median(*command: str) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    bare = median(sys.executable, "-c", "pass")
    for arguments in (("--help",), ("import", "--help"), ("--version",)):
        seconds = median(sys.executable, "-m", "lianxing", *arguments)
        times = f"{seconds:.3f} s   {seconds / bare:4.1f} x the bare interpreter ({bare:.3f} s)"
        print(f"lianxing {' '.join(arguments):15s} {times}")
    print(f"target {TARGET} s")


if __name__ == "__main__":
    main()
