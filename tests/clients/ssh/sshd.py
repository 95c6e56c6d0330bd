"""A real sshd as a process of a test, on 127.0.0.1 and a free port, with its own keys, configuration and home."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import ROOT, missing

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "", comment: str = "test") -> Path:
    """Make a key pair with ssh-keygen; return the path of the private key."""
    bits = ["-b", "2048"] if kind == "rsa" else []
    command = ["ssh-keygen", "-q", "-t", kind, *bits, "-N", passphrase, "-C", comment, "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def sign(authority: Path, public: Path, name: str, *options: str) -> Path:
    """Sign a public key with ssh-keygen (`-h` in `options` for a host); return the path of the certificate."""
    command = ["ssh-keygen", "-q", "-s", str(authority), "-I", name, *options, str(public)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return public.with_name(public.name.removesuffix(".pub") + "-cert.pub")


@dataclass
class Sshd:
    """One sshd: `folder` has everything of it, `host_keys` are its private keys, `lines` further configuration."""

    folder: Path
    host_keys: Sequence[Path]
    lines: Sequence[str] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def authorized(self) -> Path:
        return self.folder / "authorized_keys"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")

    def allow(self, public: Path) -> None:
        with self.authorized.open("a") as file:
            file.write(public.read_text())

    def start(self) -> Sshd:
        if SSHD is None or shutil.which("ssh-keygen") is None:
            missing("e2e", "openssh-server is not installed")
        if os.getuid() == 0:
            os.makedirs("/run/sshd", 0o755, exist_ok=True)
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        self.authorized.touch()
        config = [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"PidFile {self.folder / 'pid'}",
            f"AuthorizedKeysFile {self.authorized}",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "MaxStartups 200",
            "LogLevel VERBOSE",
            f"SetEnv HOME={home}",  # the shell reads no .bashrc of the user who tests
            *(line for line in self.lines),
            *(f"HostKey {key}" for key in self.host_keys),
        ]
        (self.folder / "sshd_config").write_text("\n".join(config) + "\n")
        assert SSHD is not None
        with (self.folder / "log").open("wb") as log:
            command = [SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")]
            self.process = subprocess.Popen(self._command(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 10
        while "Server listening" not in self.log:
            assert self.process.poll() is None and time.monotonic() < end, self.log
            time.sleep(0.01)
        return self

    def _command(self, command: list[str]) -> list[str]:
        """Return how the server is started; a subclass may put it into a namespace."""
        return command

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(5)
            self.process = None

    def __enter__(self) -> Sshd:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


USER = getpass.getuser()


def agent_process(folder: Path) -> Iterator[Path]:
    """Run a real ssh-agent; yield its socket."""
    if shutil.which("ssh-agent") is None:
        missing("e2e", "ssh-agent is not installed")
    path = folder / "agent.sock"
    process = subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + 5
    while not path.exists():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    yield path
    process.terminate()
    process.wait(5)


@contextmanager
def user_of_hosts(folder: Path, reached: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """Give a user's home and environment, with a configuration of hosts: those `reached` (names and patterns of `Host`)
    are one real sshd, nothing listens at `shut`, and `odd` has another key than is known.
    """
    host, user = make_key(folder / "host"), make_key(folder / "user")
    home = folder / "laptop"
    (home / ".ssh").mkdir(parents=True)
    with Sshd(folder, [host]) as server:
        server.allow(user.with_suffix(".pub"))
        public = " ".join(host.with_suffix(".pub").read_text().split()[:2])
        (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {public}\n")
        every = f"User {USER}\nHostName 127.0.0.1\nIdentityFile {user}\nUserKnownHostsFile {home}/.ssh/known_hosts\n"
        (home / ".ssh" / "config").write_text(
            f"Host {reached}\nPort {server.port}\nHost shut\nPort {free_port()}\nHost odd\nPort {server.port}\n"
            f"HostKeyAlias nobody\nHost *\n{every}GlobalKnownHostsFile none\n"
        )
        keep = {
            name: value for name, value in os.environ.items() if not name.startswith(("EDGEWRIGHT_", "XDG_", "SSH_"))
        }
        yield home, {**keep, "HOME": str(home), "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
