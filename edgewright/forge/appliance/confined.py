"""Commands in the image that is built: in namespaces of their own, so that nothing can be left behind.

Whatever ends the builder, its mounts vanish with the namespace, and every process in it is killed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edgewright.forge.programs import Done, run
from edgewright.forge.progress import Job

NAMESPACES = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc")
_ENTER = """set -e
root=$1; shift
mount -t tmpfs -o mode=755 dev "$root/dev"
for node in null zero full random urandom tty; do
  : > "$root/dev/$node"; mount --bind "/dev/$node" "$root/dev/$node"
done
ln -s /proc/self/fd "$root/dev/fd"; ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"; ln -s /proc/self/fd/2 "$root/dev/stderr"
mkdir "$root/dev/shm"; chmod 1777 "$root/dev/shm"
mount -t proc proc "$root/proc"
mount -t tmpfs sys "$root/sys"
mount -t tmpfs run "$root/run"
mount -t tmpfs tmp "$root/tmp"
exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
"""


def confined(
    text: Sequence[str],
    job: Job,
    *,
    on_line: Callable[[str], None] = lambda line: None,
    env: Mapping[str, str] | None = None,
) -> Done:
    """Run a program of this machine in namespaces of its own."""
    return run([*NAMESPACES, *text], job, on_line=on_line, env=env)


def inside(root: Path, text: Sequence[str], job: Job, env: Mapping[str, str] | None = None) -> Done:
    """Run a program of the image at `root`, with a /dev, /sys, /run and /tmp that show nothing of Edgewright."""
    given = [f"{key}={value}" for key, value in (env or {}).items()]
    return confined(["sh", "-c", _ENTER, "sh", str(root), *given, *text], job)
