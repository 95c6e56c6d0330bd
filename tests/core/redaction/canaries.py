"""Secrets of every kind in the places where hosts have them: a text for each, and the parts that must not be seen."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import NamedTuple

WORD = "cAnary7Qx"


class Canary(NamedTuple):
    """`text` contains a secret; no part of `hidden` may be left of it, `kept` must be."""

    kind: str
    text: bytes
    hidden: tuple[bytes, ...]
    kept: tuple[bytes, ...] = ()


def _of(kind: str, text: str, *hidden: str, kept: tuple[str, ...] = ()) -> Canary:
    parts = hidden or (WORD,)
    return Canary(kind, text.encode(), tuple(part.encode() for part in parts), tuple(part.encode() for part in kept))


JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImNhbmFyeSJ9.eyJzdWIiOiJjYW5hcnktc3ViamVjdCJ9.c2lnbmF0dXJlLW9mLXRoZS1jYW5hcnk"
LONG = base64.b64encode(b"canary of a long random text, that has neither name nor form \xff\x01\xfe").decode()
CRYPT = "$6$rounds=4096$canarysalt$Wb9fJkV0nYH1mV8uHq1eX2dT5cS7rA3pQ4zL6iO8gN0kM2jB5vC7xD9wE1yF3tG"


def key(kind: str = "rsa", bits: int = 2048) -> str:
    """Return a private key as PEM, made by openssl."""
    algorithm = {
        "rsa": ["rsa", "-pkeyopt", f"rsa_keygen_bits:{bits}"],
        "ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "ed25519": ["ed25519"],
    }[kind]
    command = ["openssl", "genpkey", "-quiet", "-algorithm", *algorithm]
    if subprocess.run([*command[:2], "-help"], capture_output=True).stderr.find(b"-quiet") < 0:
        command.remove("-quiet")
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _lines(pem: str) -> tuple[str, ...]:
    return tuple(line for line in pem.splitlines() if line and "-----" not in line)


RSA, EC, ED25519 = key(), key("ec"), key("ed25519")
_B64_RSA = base64.b64encode(RSA.encode()).decode()
_KUBECONFIG = f"""apiVersion: v1
kind: Config
clusters:
- cluster:
    server: https://10.1.2.3:6443
  name: edge
users:
- name: admin
  user:
    client-key-data: {_B64_RSA}
    token: {WORD}
"""
_JOURNAL = "2026-11-29T16:00:01+0000 edge-1 stylus-agent[812]: "
_CRI = "2026-11-29T16:00:01.123456789Z stdout F "

CANARIES: tuple[Canary, ...] = (
    _of("key, RSA", f"before\n{RSA}after\n", *_lines(RSA), kept=("before", "after")),
    _of("key, EC", EC, *_lines(EC)),
    _of("key, ed25519", ED25519, *_lines(ED25519)),
    _of("key, indented", "content: |\n" + "".join(f"  {line}\n" for line in RSA.splitlines()), *_lines(RSA)),
    _of("key, journal", "".join(f"{_JOURNAL}{line}\n" for line in RSA.splitlines()), *_lines(RSA)),
    _of("key, JSON", json.dumps({"crt": "x", "pem": RSA}) + "\n", *_lines(RSA)),
    _of("key, without its begin", "\n".join(RSA.splitlines()[9:]) + "\nafter\n", *_lines(RSA)[8:], kept=("after",)),
    _of(
        "key, journal, without its begin",
        "".join(f"{_JOURNAL}{line}\n" for line in [*RSA.splitlines()[9:], "after"]),
        *_lines(RSA)[8:],
        kept=("after",),
    ),
    _of("key, base64", f"key: {_B64_RSA}\n", _B64_RSA[:40], _B64_RSA[-40:]),
    _of("key, base64 in lines", base64.encodebytes(RSA.encode()).decode(), _B64_RSA[:40], _B64_RSA[800:840]),
    _of("kubeconfig", _KUBECONFIG, WORD, _B64_RSA[100:140], kept=("https://10.1.2.3:6443", "client-key-data")),
    _of("header", f"> Authorization: Bearer {WORD}.x\r\n> Host: hub\r\n", kept=("Host: hub",)),
    _of("header, basic", f"curl -H 'Authorization: Basic {WORD}==' https://hub/\n", kept=("https://hub/",)),
    _of("header, JSON", json.dumps({"Authorization": f"Token {WORD} two"}) + "\n", WORD, "two"),
    _of("cookie", f"Set-Cookie: session={WORD}; Path=/\n"),
    _of("header of Palette", f"ApiKey: {WORD}\nProjectUid: 1\n", kept=("ProjectUid: 1",)),
    _of("URL", f"proxy: http://user:{WORD}/@x@10.0.0.1:3128/\n".replace("/@x", "@x"), kept=("user", "10.0.0.1:3128")),
    _of("URL, token alone", f"clone https://{WORD}-x0@git.example/r\n", kept=("git.example",)),
    _of("URL, query", f"GET /v1/x?token={WORD}&limit=5 200\n", kept=("limit=5",)),
    _of("YAML", f"  edgeHostToken: {WORD} tail\n", WORD, "tail"),
    _of("YAML, quoted", f"password: 'a''{WORD}'\nnext: 1\n", kept=("next: 1",)),
    _of(
        "YAML, block", f"stylus:\n  password: |\n    {WORD}\n    second\n  site: s\n", WORD, "second", kept=("site: s",)
    ),
    _of("YAML, folded, next line", f"password:\n  {WORD}\nuser: u\n", kept=("user: u",)),
    _of("YAML, list", f"tokens:\n- {WORD}\n- {WORD}2\nend: 1\n", kept=("end: 1",)),
    _of("YAML, of two lines", f"password: first part\n  {WORD}\nnext: 1\n", "first part", WORD, kept=("next: 1",)),
    _of("YAML, quoted, of two lines", f'- password: "first part\n    {WORD}"\n  next: 1\n', WORD, kept=("next: 1",)),
    _of("YAML, block with a tag", f"password: !!binary |\n  {WORD}\nnext: 1\n", kept=("next: 1",)),
    _of("YAML, block with a comment", f"token: | # of the plane\n  {WORD}\nnext: 1\n", kept=("next: 1",)),
    _of("YAML, comment, next line", f"token: # of the plane\n  {WORD}\nnext: 1\n", kept=("next: 1",)),
    _of("YAML in JSON", json.dumps({"log": f"a:\n  password: |\n    {WORD}\n", "b": 2}) + "\n", kept=('"b": 2',)),
    _of("list, JSON", json.dumps({"tokens": [WORD, WORD], "b": 2}) + "\n", kept=('"b": 2',)),
    _of("mapping, JSON", json.dumps({"credentials": {"n": WORD}, "b": 2}) + "\n", kept=('"b": 2',)),
    _of("container, YAML", f"{_CRI}password: two {WORD}\n{_CRI}next: 1\n", WORD, "two", kept=("next: 1",)),
    _of("container, block", f"{_CRI}password: |\n{_CRI}  {WORD}\n{_CRI}next: 1\n", kept=("next: 1",)),
    _of("container, key", "".join(f"{_CRI}{line}\n" for line in [*RSA.splitlines()[9:], "x"]), *_lines(RSA)[8:]),
    _of("option, continued line", f"ExecStart=/bin/x --token \\\n  {WORD}\n", kept=("ExecStart",)),
    _of("interfaces", f"  wpa-ssid s\n  wpa-psk {WORD}\n  wpa-key-mgmt WPA-PSK\n", kept=("wpa-ssid s", "WPA-PSK")),
    _of("Secret", f"apiVersion: v1\ndata:\n  ca: {WORD}\nkind: Secret\n", kept=("kind: Secret",)),
    _of("Secret, JSON", json.dumps({"kind": "Secret", "data": {"ca": WORD}}) + "\n", kept=("Secret",)),
    _of("Secret, JSON in lines", json.dumps({"kind": "Secret", "data": {"ca": WORD}}, indent=1) + "\n"),
    _of("environment", f"export DB_PASSWORD={WORD} two words\n", WORD, "two words"),
    _of("environment of a unit", f'Environment="K3S_TOKEN={WORD}"\n'),
    _of("environment, YAML", f"- name: DB_PASSWORD\n  value: {WORD}\n- name: A\n", kept=("name: A",)),
    _of("environment, JSON", json.dumps([{"name": "DB_PASSWORD", "value": WORD}]) + "\n"),
    _of("option", f"kubeadm join --token {WORD} --v 5\n", kept=("--v 5",)),
    _of("option, =", f"k3s server --token={WORD} --debug\n", kept=("--debug",)),
    _of("option, JSON", json.dumps(["--bootstrap-token", WORD, "--v"]) + "\n", kept=("--v",)),
    _of("option, two lines", f"- --password\n- {WORD}\n- --v\n", kept=("--v",)),
    _of("option, kubeadm", f"kubeadm init --certificate-key {WORD}{'0' * 40}\n"),
    _of("option, curl", f"curl -s -u admin:{WORD} http://x/\n", kept=("http://x/",)),
    _of("JSON", json.dumps({"a": 1, "password": f'q"{WORD}"x', "b": 2}) + "\n", kept=('"b": 2',)),
    _of("JSON in JSON", json.dumps({"m": json.dumps({"token": f'a"{WORD}', "b": 3})}) + "\n", kept=("b",)),
    _of("JSON in JSON in JSON", json.dumps({"m": json.dumps({"n": json.dumps({"secret": f'a"{WORD}'})})}) + "\n"),
    _of("journal, YAML", f"{_JOURNAL}password: {WORD} two\n", WORD, "two"),
    _of("journal, logfmt", f'{_JOURNAL}level=info token={WORD} msg="ok"\n', kept=('msg="ok"',)),
    _of("coloured", f"\x1b[36mtoken\x1b[0m=\x1b[1m{WORD}\x1b[0m\n"),
    _of("JWT", f"got {JWT} from\n", *JWT.split("."), kept=("from",)),
    _of("crypt(3)", f"root:{CRYPT}:19000:0:99999:7:::\n", CRYPT[20:], kept=("root:",)),
    _of("crypt(3), yescrypt", "u:$y$j9T$canaryyescryptsalt$canaryhashofyescrypt:1\n", "canaryhashofyescrypt"),
    _of("ours", "x ewt_cAnary7QxAAAAAAAAAAAA y ewk_cAnary7QxBBBBBB z ewh_cAnary7QxCCCCC\n", WORD, kept=("x ", " z ")),
    _of("kubeadm", "using c4nary.0123456789abcdef now\n", "0123456789abcdef", kept=("now",)),
    _of("k3s", f"K10{'a' * 64}::server:{WORD} x\n", WORD, kept=(" x",)),
    _of("AWS", "id AKIACANARY7QX0000000 x\n", "CANARY7QX"),
    _of("WireGuard", "PrivateKey = cAnary7Qxk4vC0mJ2oP9sD1fG3hJ5kL7zX9cV1bN3mA=\n"),
    _of("key of 32 bytes", "is cAnary7Qxk4vC0mJ2oP9sD1fG3hJ5kL7zX9cV1bN3mA= x\n"),
    _of("wireless", f'  psk="{WORD}"\n  ssid="s"\n', kept=('ssid="s"',)),
    _of("registry", json.dumps({"auths": {"r": {"auth": WORD}}}) + "\n"),
    _of("connection", f"Server=db;Uid=u;Pwd={WORD};\n", kept=("Server=db",)),
    _of("long random text", f"blob {LONG} end\n", LONG[:20], LONG[-20:], kept=("end",)),
    _of("age", "AGE-SECRET-KEY-1CANARYCANARYCANARYCANARYCANARYCANARYCANARYCANARYCANARY0\n", "CANARYCANARY"),
)

HARMLESS = (
    "containerd: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 pulled\n"
    "kube-system etcd-edge-1 1/1 Running 0 3d /kubepods/burstable/pod5f0e3a3e-1f5f-4d0a-9d57-2f1a3f2b1c0d\n"
    "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/123/fs\n"
    'secret "registry-pull" not found\nserviceAccountName: default\nsecretName: tls\n'
    "automountServiceAccountToken: true\n"
    "git clone ssh://git@git.example/r and https://hub.example:8443/v1/edgehosts?limit=50\n"
    "token: null\n  indented: 1\npassword: ''\n"
    "BOOT_IMAGE=/boot/vmlinuz root=LABEL=COS_ACTIVE cos-img/filename=/cOS/active.img\n"
    "2026-11-29T16:00:01+0000 edge-1 kubelet[77]: E1129 reflector.go:205] failed to list *v1.Pod: forbidden\n"
)
"""Text that an engineer needs, and that no rule may touch."""
