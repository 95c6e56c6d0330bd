"""A switch between a virtual machine and this one: a trunk with VLANs beside untagged frames.

QEMU hands over whole Ethernet frames as datagrams, so a tag that the guest's kernel writes is seen, taken off and put
on here: this machine's kernel needs no VLANs. Each side of the switch is a tap device in a network namespace.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import socket
import struct
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

TUN = Path("/dev/net/tun")
_TUNSETIFF = 0x400454CA
_TAP, _NO_INFO = 0x0002, 0x1000
_TAGGED = b"\x81\x00"
IPV4 = 0x0800


def open_tap(name: str) -> int:
    """Make a tap device and return its handle; it goes when that is closed."""
    handle = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(handle, _TUNSETIFF, struct.pack("16sH", name.encode(), _TAP | _NO_INFO))
    return handle


class VlanSwitch:
    """Switches between a machine and a namespace; `addresses`: ours with their prefix, by VLAN (0: untagged)."""

    def __init__(self, namespace: str, folder: Path, addresses: Mapping[int, str]) -> None:
        self.seen: Counter[tuple[int, int]] = Counter()
        """Frames of the guest by VLAN (0: untagged) and kind of the packet in it (`IPV4`)."""
        self.port, self._machine = folder / "port", folder / "machine"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.port))
        self._socket.setblocking(False)
        self._taps: dict[int, int] = {}
        self._over = threading.Event()
        for vlan, address in addresses.items():
            name = f"ewvlan{vlan}"
            self._taps[vlan] = open_tap(name)
            for words in (
                ["ip", "link", "set", name, "netns", namespace],
                ["ip", "-n", namespace, "address", "add", address, "dev", name],
                ["ip", "-n", namespace, "link", "set", name, "up"],
            ):
                subprocess.run(words, check=True, capture_output=True)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def words(self) -> list[str]:
        """What gives a machine of QEMU its adapter on this switch."""
        ends = f"local.type=unix,local.path={self._machine},remote.type=unix,remote.path={self.port}"
        adapter = "virtio-net-pci,netdev=trunk,romfile=,addr=0x5,mac=52:54:00:77:00:01"
        return ["-netdev", f"dgram,id=trunk,{ends}", "-device", adapter]

    def packets(self, vlan: int) -> int:
        """Return how many IPv4 packets the guest has sent in a VLAN."""
        return self.seen[vlan, IPV4]

    def _work(self) -> None:
        wait = selectors.DefaultSelector()
        wait.register(self._socket, selectors.EVENT_READ)
        for handle in self._taps.values():
            wait.register(handle, selectors.EVENT_READ)
        vlan_of = {handle: vlan for vlan, handle in self._taps.items()}
        while not self._over.is_set():
            for key, _ in wait.select(0.2):
                with contextlib.suppress(OSError):
                    if key.fileobj is self._socket:
                        self._from_machine(self._socket.recv(65536))
                    else:
                        self._to_machine(os.read(key.fd, 65536), vlan_of[key.fd])
        wait.close()

    def _from_machine(self, frame: bytes) -> None:
        vlan = 0
        if frame[12:14] == _TAGGED:
            vlan = struct.unpack(">H", frame[14:16])[0] & 0xFFF
            frame = frame[:12] + frame[16:]
        self.seen[vlan, struct.unpack(">H", frame[12:14])[0]] += 1
        if vlan in self._taps:
            os.write(self._taps[vlan], frame)

    def _to_machine(self, frame: bytes, vlan: int) -> None:
        if vlan:
            frame = frame[:12] + _TAGGED + struct.pack(">H", vlan) + frame[12:]
        for _ in range(50):  # a machine that gets no time takes ten frames and no more
            try:
                self._socket.sendto(frame, str(self._machine))
                return
            except BlockingIOError:
                time.sleep(0.01)

    def close(self) -> None:
        """End it; the tap devices go."""
        self._over.set()
        self._thread.join(5)
        for handle in self._taps.values():
            os.close(handle)
        self._socket.close()
        self.port.unlink(missing_ok=True)
