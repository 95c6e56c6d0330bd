"""Resolving a profile of 20 layers and 5,000 lines of values, against plain PyYAML load and Jinja render.

Ours reads each text and the defaults of its pack, replaces the references within the text, and lists the origin of
every value. The floor loads the same texts with `yaml.safe_load` and renders them with Jinja, which gives neither
origins nor lines nor checks. Jinja is not a dependency of Edgewright: `pip install jinja2` for this measurement. The
second row, for information, has the floor with libyaml's loader.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # started by its path, Python looks beside it only

from benchmarks.lib.ending import run_main
from benchmarks.lib.pty_run import ratio
from edgewright.core.packs.pack import Pack
from edgewright.core.profiles.model import FULL, Layer, Profile, Variable
from edgewright.core.profiles.scope import Context, macros
from edgewright.profiles.prepare import prepare, resolved

LAYERS = 20
LINES = 5_000
AIM = 1.5
ROUNDS = 7


def values_of(number: int, lines: int) -> str:
    """Return a values text: comments, maps, lists, quotes, and a reference in every tenth line."""
    rows = [f"# layer {number}", "charts:"]
    while len(rows) < lines:
        block = len(rows)
        rows += [
            f"  app{block}:  # block {block}",
            "    replicas: {{ .spectro.var.replicas }}" if block % 20 < 10 else "    replicas: 2",
            f"    image: 'registry.example/app{block}:1.2.{block}'",
            f'    site: "{{{{ .spectro.macro.site }}}}-{block}"' if block % 20 < 10 else f'    site: "plain-{block}"',
            "    resources:",
            "      requests: {cpu: 100m, memory: 128Mi}",
            "    ports:",
            "      - 8080",
            "      - 8443",
            "    enabled: true",
        ]
    return "\n".join(rows[:lines]) + "\n"


def profile() -> tuple[Profile, dict[str, Pack]]:
    """Return the profile and its packs, whose defaults differ from the values in some lines."""
    kinds = ["os", "k8s", "cni", "csi", *["addon"] * (LAYERS - 4)]
    layers, packs = [], {}
    for number, kind in enumerate(kinds):
        text = values_of(number, LINES // LAYERS)
        layers.append(Layer(f"pack-{number}", kind, "1.0.0", "1.0.0", values=text))
        packs[f"pack-{number}"] = Pack(f"pack-{number}", "1.0.0", kind, values=text.replace("8080", "80"))
    variables = (Variable("replicas", format="number", required=True),)
    return Profile("large", FULL, layers=tuple(layers), variables=variables), packs


def seconds(work: Callable[[], object]) -> float:
    """Return the median time of some rounds, after one that does not count."""
    work()
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def main() -> int:
    """Run and print; 1 when the aim was missed, 2 without Jinja."""
    try:
        import jinja2
    except ImportError:
        print("This measurement needs Jinja: pip install jinja2", file=sys.stderr)
        return 2
    large, packs = profile()
    context = Context({"replicas": "3"}, macros({"site": "hall-7"}, {}))
    jinja_texts = [layer.values.replace("{{ .", "{{ ") for layer in large.layers]
    names = {"spectro": {"var": {"replicas": "3"}, "macro": {"site": "hall-7"}}}

    def ours() -> int:
        resolution = resolved(prepare(large, packs), context)
        assert resolution.problems == []
        return sum(len(layer.values.text) + sum(1 for _ in layer.origins()) for layer in resolution.layers)

    def plain(loader: type) -> list[object]:
        environment = jinja2.Environment()
        return [yaml.load(environment.from_string(text).render(names), Loader=loader) for text in jinja_texts]

    expected = plain(yaml.SafeLoader)
    resolution = resolved(prepare(large, packs), context)
    assert [layer.values.document for layer in resolution.layers] == expected, "both must mean the same"
    mine, floor = seconds(ours), seconds(lambda: plain(yaml.SafeLoader))
    fast = seconds(lambda: plain(getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    met = ratio(f"resolve {LAYERS} layers, {LINES} lines", mine * 1000, floor * 1000, "ms", AIM)
    ratio("  the same, against libyaml's loader (for information)", mine * 1000, fast * 1000, "ms")
    return 0 if met else 1


if __name__ == "__main__":
    run_main(main)
