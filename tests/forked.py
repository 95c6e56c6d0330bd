"""Programs of tests, without the time in which Python imports them: a process that has imported them forks one.

`Forked([sys.executable, "-m", MODULE, ...], ...)` is a `subprocess.Popen` with arguments, environment, folder, files
and process group of its own; it ends as any program. Its modules are those of a first start, and its command line in
/proc is that of the process that forks. Tests of a start itself, of memory or of what is imported use `Popen`.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import json
import os
import runpy
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, AnyStr

from tests.support import ROOT

HUB = "edgewright.hub.process.cli"
PROGRAM = "edgewright"
IMPORTED = {
    HUB: ("edgewright.hub.process.serve", "alembic.command", "uvloop", "httptools", "logging.config"),
    PROGRAM: ("edgewright.cli.execute", "edgewright.commands.site.connecting", "httpx"),
}
"""The modules that are imported before a program begins; what more it needs it imports itself."""
STARTS = ("PYTHON", "LC_", "LANG", "LD_")
"""What Python and the loader look at when a process starts: a program with such a variable of its own is started."""
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
MOST = 1 << 18  # bytes of a request


def can_fork(variables: Mapping[str, str]) -> bool:
    """Whether a program with these variables more than this process has is the same when it is forked."""
    return sys.platform == "linux" and not any(name.startswith(STARTS) for name in variables)


class Forked(subprocess.Popen[AnyStr]):
    """A program that was forked by a process which had imported it."""

    def _execute_child(self, args: Sequence[str], *more: Any) -> None:
        """Take the place of what `Popen` does here: fork and exec. Sets `pid`; the process is a child of this one."""
        # As Popen of Python 3.11 to 3.14 calls it.
        _executable, _preexec, _close, _pass, folder, environment, _info, _flags, _shell, *files = more
        session = files[11]
        try:
            assert args[:2] == [sys.executable, "-m"], args
            request = {
                "module": args[2],
                "arguments": args[3:],
                "folder": os.path.abspath(folder or "."),
                "environment": dict(os.environ if environment is None else environment),
                "session": session,
            }
            inherit = [given if given != -1 else own for own, given in enumerate((files[0], files[3], files[5]))]
            self.pid = _forker(args[2]).fork(request, inherit)
            self._child_created = True
        finally:
            self._close_pipe_fds(*files[:6])  # type: ignore[attr-defined]


def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program as `subprocess.run(command, capture_output=True, text=True)` does; nothing arrives on its stdin."""
    timeout = options.pop("timeout", 60)
    pipe = subprocess.PIPE
    program: Forked[str]
    with Forked(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, **options) as program:
        try:
            out, err = program.communicate(timeout=timeout)
        except BaseException:
            program.kill()
            raise
    return subprocess.CompletedProcess(command, program.returncode, out, err)


class Forker:
    """The process that has imported a program, and its socket."""

    def __init__(self, module: str) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self._socket, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MOST)
        command = [sys.executable, "-m", __name__, str(theirs.fileno()), module]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd=ROOT, stdin=subprocess.DEVNULL)
        theirs.close()
        self._prctl = ctypes.CDLL(None, use_errno=True).prctl
        self._asked = 0
        atexit.register(self.close)

    def fork(self, request: dict[str, Any], files: Sequence[int]) -> int:
        """Start a program; return its process number, of a child of this process. Raises `AssertionError`."""
        # The process between it and the one that forks ends at once: the kernel gives it to this process then.
        assert self._prctl(SUBREAPER, 1) == 0
        self._asked += 1
        try:
            socket.send_fds(self._socket, [json.dumps({**request, "number": self._asked}).encode()], files)
            while True:  # a test whose time was over has left its answer there
                answer = self._socket.recv(64)
                assert answer, "the process that forks programs has ended"
                number, process = map(int, answer.split())
                if number == self._asked:
                    return process
        finally:
            self._prctl(SUBREAPER, 0)

    def close(self) -> None:
        """End the process; programs that it has forked go on."""
        self._socket.close()
        self._process.wait(10)


@functools.cache
def _forker(module: str) -> Forker:
    return Forker(module)


def serve(link: socket.socket) -> dict[str, Any] | None:
    """Fork a program for each request; return its request in that program, and None here when nobody asks any more."""
    while True:
        data, files, _, _ = socket.recv_fds(link, MOST, 3)
        if not data:
            return None
        reader, writer = os.pipe()
        between = os.fork()
        if between == 0:
            request: dict[str, Any] = json.loads(data)
            if os.fork():
                os._exit(0)
            if request["session"]:  # before anybody can ask for it
                os.setsid()
            os.write(writer, f"{request['number']} {os.getpid()}".encode())
            for number, descriptor in enumerate(files):
                os.dup2(descriptor, number)
            link.close()
            os.closerange(3, max(reader, writer, *files) + 1)
            return request
        for descriptor in (writer, *files):
            os.close(descriptor)
        answer = os.read(reader, 64)
        os.close(reader)
        os.waitpid(between, 0)
        link.send(answer)


def become(request: dict[str, Any]) -> None:
    """Be the program of a request, in this process. Raises what the program raises, `SystemExit` among them."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    # As a start opens them: a terminal by lines, anything else in blocks.
    sys.stdin = sys.__stdin__ = open(0, encoding=sys.__stdin__.encoding, closefd=False)  # type: ignore[union-attr,misc]  # noqa: SIM115
    for number, name in ((1, "stdout"), (2, "stderr")):
        old = getattr(sys, name)
        lines = number == 2 or os.isatty(number)
        way = {"encoding": old.encoding, "errors": old.errors, "buffering": 1 if lines else -1}
        new = open(number, "w", closefd=False, **way)  # noqa: SIM115
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)
    sys.path[0] = request["folder"]
    sys.argv = [request["module"], *request["arguments"]]
    sys.orig_argv = [sys.executable, "-m", *sys.argv]
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


def main() -> None:
    """Import a program, then fork it for each request that arrives on the socket with the number of the argument."""
    import gc

    link = socket.socket(fileno=int(sys.argv[1]))
    for name in IMPORTED[sys.argv[2]]:
        import_module(name)
    gc.collect()
    gc.freeze()  # a collection in a program would copy these pages
    request = serve(link)
    if request is not None:
        become(request)
    return None


if __name__ == "__main__":
    main()
