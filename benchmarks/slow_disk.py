"""A program run as on a slower disk: every fsync and fdatasync of it and of its children takes so much longer."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static int slowed(const char *name, int descriptor) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    struct timespec longer = {MICROSECONDS / 1000000, MICROSECONDS % 1000000 * 1000};
    int result = real(descriptor);
    while (nanosleep(&longer, &longer) != 0) {}
    return result;
}

int fsync(int descriptor) { return slowed("fsync", descriptor); }
int fdatasync(int descriptor) { return slowed("fdatasync", descriptor); }
"""


def run_slowed(arguments: Sequence[str], microseconds: int) -> int:
    """Run this Python with the arguments where each sync takes so many microseconds more; return its exit code.

    Linux with a C compiler only.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "slow.c", Path(folder) / "slow.so"
        Path(folder).chmod(0o755)  # a server of PostgreSQL runs as another user
        source.write_text(_SOURCE, "utf-8")
        flags = ["-shared", "-fPIC", "-O2", f"-DMICROSECONDS={microseconds}"]
        subprocess.run(["cc", *flags, "-o", str(library), str(source), "-ldl"], check=True)
        environment = {**os.environ, "LD_PRELOAD": str(library)}
        return subprocess.run([sys.executable, *arguments], env=environment, check=False).returncode
