"""A disk whose syncs take as long as a file says, by a library that is loaded before the C library."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.support import missing

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void wait_as_asked(void) {
    const char *path = getenv("SLOW_SYNC");
    double seconds = 0;
    FILE *file = path ? fopen(path, "r") : NULL;
    if (file) { if (fscanf(file, "%lf", &seconds) != 1) seconds = 0; fclose(file); }
    struct timespec left = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
    while (seconds > 0 && nanosleep(&left, &left)) {}
}
int fsync(int fd) { wait_as_asked(); return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd); }
int fdatasync(int fd) { wait_as_asked(); return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd); }
"""


class SlowDisk:
    """`environment` is for the hub's process; `syncs_take` sets how long each of its syncs takes from now on."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            missing("e2e", "there is no C compiler for a library that slows syncs down")
        source, library = folder / "slow_sync.c", folder / "slow_sync.so"
        source.write_text(_SOURCE)
        command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
        subprocess.run(command, check=True, capture_output=True)
        self._control = folder / "seconds"
        self.syncs_take(0)
        self.environment = {"LD_PRELOAD": str(library), "SLOW_SYNC": str(self._control)}

    def syncs_take(self, seconds: float) -> None:
        """Let each sync take this long."""
        draft = self._control.with_suffix(".draft")
        draft.write_text(f"{seconds}\n")
        draft.replace(self._control)
