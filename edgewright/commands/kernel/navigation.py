"""Keys that move and choose: they change nothing, so they are no commands, but they can be remapped by id all the same.

The console takes its bindings from here; the key map checks ids and conflicts against it.
"""

from __future__ import annotations

from typing import NamedTuple

from edgewright.commands.kernel.base import LISTS


class Move(NamedTuple):
    """One movement: binding id, default keys (Textual's names), the words of the help, and where it is live.

    A scope is one of `commands.kernel.base.Scope`, or one of the places that have no verbs: `replay`, `first-run`, and
    those that lie over a screen (`config.keymap.OVERLAYS`).
    """

    id: str
    keys: tuple[str, ...]
    help: str
    scope: str = "global"
    also: tuple[str, ...] = ()

    @property
    def scopes(self) -> tuple[str, ...]:
        """Return every place where its keys are live."""
        return (self.scope, *self.also)


_LOGS = ("installer-log", "hub-log", "site-log", "workload-logs")
_WITH_REPLICAS = ("deployments",)
MOVES: tuple[Move, ...] = (
    Move("nav-down", ("down", "j"), "Go one line down"),
    Move("nav-up", ("up", "k"), "Go one line up"),
    Move("nav-page-down", ("pagedown", "ctrl+f"), "Go one page down"),
    Move("nav-page-up", ("pageup", "ctrl+b"), "Go one page up"),
    Move("nav-top", ("home", "g"), "Go to the first line"),
    Move("nav-bottom", ("end", "G"), "Go to the last line"),
    Move("nav-left", ("left", "h"), "Scroll to the left"),
    Move("nav-right", ("right",), "Scroll to the right"),
    Move("nav-open", ("enter",), "Open the row under the cursor"),
    Move("nav-back", ("escape", "q"), "Go one place up"),
    Move("nav-next", ("tab",), "Go to the next pane"),
    Move("nav-previous", ("shift+tab",), "Go to the previous pane"),
    Move("nav-history-back", ("[",), "Go to the previous view of the history"),
    Move("nav-history-forward", ("]",), "Go to the next view of the history"),
    Move("nav-interrupt", ("ctrl+c",), "Copy what is marked, or leave at the second press"),
    Move("nav-repaint", ("ctrl+l",), "Paint the screen again, when another program wrote on it"),
    Move("nav-last", ("-",), "Swap with the last view"),
    Move("nav-search-next", ("n",), "Go to the next match", "feed"),
    Move("nav-search-previous", ("N",), "Go to the previous match", "feed"),
    Move("nav-sort-next", ("shift+right", "greater_than_sign"), "Sort by the next column", "hosts", LISTS),
    Move(
        "nav-sort-previous",
        ("shift+left", "less_than_sign"),
        "Sort by the column before",
        "hosts",
        LISTS,
    ),
    Move("nav-unfold", ("v",), "Show or fold the virtual network cards", "host"),
    Move("profile-all", ("v",), "Show all values or lines, or what differs", "profile-layer", ("profile-diff",)),
    Move("profile-examples", ("e",), "Resolve with example values, or without", "profile-preview"),
    Move("profile-host", ("o",), "Choose the host that it is resolved for", "profile-preview"),
    Move("profile-swap", ("x",), "Compare the other way round", "profile-diff"),
    Move("log-follow", ("s",), "Follow the log, or stop", "logs", _LOGS),
    Move(
        "log-since",
        ("T",),
        "Show the last 5 min, 15 min, hour, day, or all of the log",
        "logs",
        _LOGS,
    ),
    Move("log-level", ("L",), "Show all lines, or only info, warnings, errors and what is worse", "site-log"),
    Move("log-units", ("u",), "Read the log of another unit", "site-log"),
    Move("log-hosts", ("m",), "Add the log of another open site, merged by time", "site-log"),
    Move("log-save", ("S",), "Write the lines that are shown to a file, secrets masked", "site-log"),
    Move("log-hits", ("f",), "Show only the lines that the search finds, or all", "logs", _LOGS),
    Move("log-wrap", ("w",), "Wrap long lines, or cut them", "logs", _LOGS),
    Move("shell-console", ("ctrl+right_square_bracket",), "Keys of the console while a shell has all", "site-shell"),
    Move("namespace-all", ("0",), "Show all namespaces of the cluster", "workloads", _WITH_REPLICAS),
    Move("namespace-1", ("1",), "Show namespace 1 of the cluster", "workloads", _WITH_REPLICAS),
    Move("namespace-2", ("2",), "Show namespace 2 of the cluster", "workloads", _WITH_REPLICAS),
    Move("namespace-3", ("3",), "Show namespace 3 of the cluster", "workloads", _WITH_REPLICAS),
    Move("namespace-4", ("4",), "Show namespace 4 of the cluster", "workloads", _WITH_REPLICAS),
    Move("namespace-5", ("5",), "Show namespace 5 of the cluster", "workloads", _WITH_REPLICAS),
    Move("namespace-6", ("6",), "Show namespace 6 of the cluster", "workloads", _WITH_REPLICAS),
    Move("namespace-7", ("7",), "Show namespace 7 of the cluster", "workloads", _WITH_REPLICAS),
    Move("namespace-8", ("8",), "Show namespace 8 of the cluster", "workloads", _WITH_REPLICAS),
    Move("namespace-9", ("9",), "Show namespace 9 of the cluster", "workloads", _WITH_REPLICAS),
    Move("replay-next", ("right",), "Go one event on in the recording", "replay"),
    Move("replay-previous", ("left",), "Go one event back in the recording", "replay"),
    Move("replay-forward", ("shift+right", "f"), "Go a minute on in the recording", "replay"),
    Move("replay-back", ("shift+left", "b"), "Go a minute back in the recording", "replay"),
    Move("replay-play", ("space",), "Play or pause the recording", "replay"),
    Move("replay-faster", ("greater_than_sign",), "Play faster", "replay"),
    Move("replay-slower", ("less_than_sign",), "Play slower", "replay"),
    Move("way-start", ("1",), "Choose answer 1; at the start: start a hub here", "first-run"),
    Move("way-connect", ("2",), "Choose answer 2; at the start: connect to a hub or a Palette", "first-run"),
    Move("way-ssh", ("3",), "Choose answer 3; at the start: open a site by SSH", "first-run"),
    Move("way-demo", ("4",), "Choose answer 4; at the start: see a demo fleet", "first-run"),
    Move("way-5", ("5",), "Choose answer 5", "first-run"),
    Move("way-6", ("6",), "Choose answer 6", "first-run"),
    Move("way-7", ("7",), "Choose answer 7", "first-run"),
    Move("way-8", ("8",), "Choose answer 8", "first-run"),
    Move("way-9", ("9",), "Choose answer 9", "first-run"),
    Move("wizard-enter", ("enter",), "Go to the next field, from the last one to the next page", "wizard"),
    Move("wizard-down", ("down",), "Go to the field below", "wizard"),
    Move("wizard-up", ("up",), "Go to the field above", "wizard"),
    Move("wizard-turn", ("right", "space"), "Take the next answer of a choice", "wizard"),
    Move("wizard-turn-back", ("left",), "Take the answer before", "wizard"),
    Move("wizard-remove", ("x", "delete"), "Take a line of a list away", "wizard"),
    Move("wizard-page-next", ("pagedown",), "Go to the next page", "wizard"),
    Move("wizard-page-back", ("pageup",), "Go to the page before", "wizard"),
    Move("wizard-why", ("?", "f1"), "Show the explanation of the page", "wizard"),
    Move("wizard-whole", ("v", "f2"), "Show the complete file", "wizard"),
    Move("wizard-write", ("w", "f3"), "Write the answer file", "wizard"),
    Move(
        "wizard-choose",
        ("o", "f8"),
        "Choose from what is known: contexts, tokens, SSH keys; versions, hosts",
        "wizard",
    ),
    Move("wizard-check", ("c", "f4"), "Ask the plane and the others whether it is true", "wizard"),
    Move("wizard-build", ("b", "f5"), "Build the installer or create the cluster, from the summary", "wizard"),
    Move("wizard-add", ("plus",), "Add a layer, a variable or a pool", "wizard"),
    Move("wizard-earlier", ("K", "shift+up"), "Move a layer or a variable up", "wizard"),
    Move("wizard-later", ("J", "shift+down"), "Move a layer or a variable down", "wizard"),
    Move("wizard-give", ("e",), "Give the variables values for the preview", "wizard"),
    Move("wizard-difference", ("d",), "Show the lines that differ from the version before", "wizard"),
    Move("wizard-store", ("s",), "Store the profile as a draft, from the summary", "wizard"),
    Move("wizard-publish", ("p",), "Publish the profile, from the summary", "wizard"),
    Move("values-layer-next", ("f6", "ctrl+n"), "Go to the values of the layer above", "wizard"),
    Move("values-layer-previous", ("f5", "ctrl+p"), "Go to the values of the layer below", "wizard"),
    Move("values-problem", ("f7", "ctrl+g"), "Go to the next line with a problem", "wizard"),
    Move("values-presets", ("f8",), "Apply a preset of the pack to the values", "wizard"),
    Move("values-indent", ("tab",), "Indent the selected lines", "wizard"),
    Move("values-indent-less", ("shift+tab",), "Indent the selected lines less", "wizard"),
    Move("values-top", ("ctrl+home",), "Go to the first line of the values", "wizard"),
    Move("values-bottom", ("ctrl+end",), "Go to the last line of the values", "wizard"),
    Move("modal-leave", ("escape",), "Leave a dialog, nothing done", "form", ("confirm", "columns", "outcome")),
    Move("modal-close", ("enter",), "Close a dialog that is done", "outcome"),
    Move("modal-down", ("down",), "Read on in a plan", "confirm"),
    Move("modal-up", ("up",), "Read back in a plan", "confirm"),
    Move("modal-page-down", ("pagedown",), "Read a page on in a plan", "confirm"),
    Move("modal-page-up", ("pageup",), "Read a page back in a plan", "confirm"),
    Move("modal-stop", ("ctrl+d",), "Stop work that continues when its dialog is left", "outcome"),
    Move("modal-copy", ("c",), "Copy the command line of a plan, or the result", "confirm", ("outcome",)),
    Move("confirm-next", ("right",), "Go to the next answer", "confirm"),
    Move("confirm-previous", ("left",), "Go to the answer before", "confirm"),
    Move("form-next", ("down",), "Go to the next field of a form", "form"),
    Move("form-previous", ("up",), "Go to the field before", "form"),
    Move("columns-toggle", ("space",), "Show or hide a column", "columns"),
    Move("columns-earlier", ("K", "shift+up"), "Move a column to the left", "columns"),
    Move("columns-later", ("J", "shift+down"), "Move a column to the right", "columns"),
    Move("columns-defaults", ("D",), "Show the columns as at first", "columns"),
    Move("prompt-leave", ("escape",), "Leave a filter or a command, nothing meant", "prompt"),
    Move("prompt-earlier", ("up",), "Take an earlier filter or command", "prompt"),
    Move("prompt-later", ("down",), "Take a later filter or command", "prompt"),
    Move("prompt-complete", ("tab",), "Complete what is typed", "prompt"),
)
