"""Profiles and packs for the tests of profiles."""

from __future__ import annotations

from edgewright.core.packs.pack import Pack, Preset
from edgewright.core.packs.schema import parse_entry
from edgewright.core.profiles.model import ADDON, FULL, Layer, Profile, Variable

OS_VALUES = """\
# provider image
pack:
  content:
    images:
      - image: "{{.spectro.pack.edge-native-byoi.options.system.uri}}"
options:
  system.uri: "{{ .spectro.pack.edge-native-byoi.options.system.registry }}/{{ .spectro.pack.edge-native-byoi.options.system.repo }}:k3s-{{ .spectro.system.kubernetes.version }}-{{ .spectro.pack.edge-native-byoi.options.system.customTag }}"
  system.registry: ttl.sh
  system.repo: ubuntu
  system.customTag: '{{.spectro.var.tag}}'
  system.osName: ubuntu  # not part of the image
stages:
  initramfs:
    - name: "root"
"""  # noqa: E501

K8S_VALUES = """\
cluster:
  config: |
    write-kubeconfig-mode: "0644"
    tls-san:
      - {{ .spectro.system.cluster.kubevip }}
clientConfig:
  oidc: no
"""

CNI_VALUES = """\
charts:
  flannel:
    podCidr: {{ .spectro.var.podCidr }}
    backend: vxlan
"""

APP_VALUES = """\
replicas: {{ .spectro.var.replicas }}
site: '{{ .spectro.macro.site | upper }}'
version: 1.30
alert: "{{ $labels.instance }} is down"
"""


def layer(name: str, kind: str, values: str, version: str = "1.0.0", **more: object) -> Layer:
    """Return a layer."""
    return Layer(name, kind, version=version, tag=version, values=values, **more)  # type: ignore[arg-type]


def full(**more: object) -> Profile:
    """Return a full profile of four layers."""
    fields: dict[str, object] = {
        "name": "edge-site",
        "type": FULL,
        "layers": (
            layer("edge-native-byoi", "os", OS_VALUES, "2.0.0"),
            layer("edge-k3s", "k8s", K8S_VALUES, "1.31.2"),
            layer("cni-flannel", "cni", CNI_VALUES, "0.26.1"),
            layer("web", "addon", APP_VALUES),
        ),
        "variables": (
            Variable("tag", default="demo"),
            Variable("podCidr", "Pod CIDR", format="ipv4cidr", default="100.64.0.0/18"),
            Variable("replicas", format="number", required=True),
        ),
        **more,
    }
    return Profile(**fields)  # type: ignore[arg-type]


def addon(**more: object) -> Profile:
    """Return an add-on profile of one layer."""
    fields: dict[str, object] = {"name": "apps", "type": ADDON, "layers": (layer("web", "addon", "a: 1\n"),), **more}
    return Profile(**fields)  # type: ignore[arg-type]


def pack(name: str, kind: str = "addon", version: str = "1.0.0", values: str = "", **more: object) -> Pack:
    """Return a pack."""
    return Pack(name, version, kind, values=values, **more)  # type: ignore[arg-type]


REGISTRY_VALUES = """\
# where images come from
registry:
  ingress:
    host: old.example  # replaced by presets
  private: false
  password: hunter2
  port: 5000
"""

REGISTRY_PACK = pack(
    "registry",
    values=REGISTRY_VALUES,
    presets=(
        Preset("private", "Private", "registry", 'registry:\n  private: true\n  host:\n    ip: "127.0.0.1"\n',
               ("registry.ingress.host",)),
        Preset("public", "Public", "registry", "registry:\n  private: false\n"),
    ),
    schema=(
        parse_entry("registry.port", '{{ required | format "${number:[5000-5005]}" }}'),
        parse_entry("registry.password", '{{ format "${password}" }}'),
        parse_entry("registry.kind", "{{ readonly }}"),
    ),
)  # fmt: skip
