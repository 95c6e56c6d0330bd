"""Pages: where the box reports to, how it is admitted, and its identity."""

from __future__ import annotations

import re
from typing import Any

from edgewright.core import times
from edgewright.core.installer import checks
from edgewright.core.installer.questions import Answers, Choice, Page, Question
from edgewright.core.installer.when import both, central, given, local, on

UID_FILES = {
    "product_uuid": "/sys/class/dmi/id/product_uuid",
    "product_serial": "/sys/class/dmi/id/product_serial",
    "board_serial": "/sys/class/dmi/id/board_serial",
    "chassis_serial": "/sys/class/dmi/id/chassis_serial",
}
"""Where the firmware's identities are read; the keys are the answers of `uid.source`."""


def _token(value: Any, answers: Answers) -> str:
    if value and (any(character.isspace() for character in value) or not value.isprintable() or len(value) > 512):
        return "A token has no blanks; copy all of it."
    return ""


def _expiry(value: Any, answers: Answers) -> str:
    try:
        seconds = times.parse_span(value)
    except ValueError as error:
        return f"{str(error)[:1].upper()}{str(error)[1:]}."
    return "" if 60 <= seconds <= 3650 * times.DAY else "A token is valid for a minute at least and ten years at most."


def _regex(value: Any, answers: Answers) -> str:
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        return f"The expression is not valid: {error}."
    return "" if len(value) <= 256 else "The expression is longer than 256 characters."


def _prefix(value: Any, answers: Answers) -> str:
    good = all((character.isalnum() and character.isascii()) or character == "-" for character in value)
    return "" if good and len(value) <= 60 else "A prefix is at most 60 letters, digits and '-'."


def _uid_file(value: Any, answers: Answers) -> str:
    return "" if value.startswith("/") and "\n" not in value else "Give the absolute path of the file on the box."


PLANE = Page(
    "plane",
    "Plane",
    "plane",
    "Where does the box report to?",
    (
        Question(
            "plane.mode",
            "managed",
            "choice",
            "A box with a plane is operated from the console wherever it is. One without is operated at its site "
            "by its own address. This cannot be changed later without installing again.",
            "central",
            (Choice("central", "by a plane (an Edgewright hub, or Palette)"), Choice("local", "at its site only")),
        ),
        Question(
            "plane.context",
            "context",
            "text",
            "A plane that this console knows already: its address and its certificate authority are taken from there, "
            "and a token can be made here. Leave it empty to enter the address manually.",
            placeholder="no context, the address below counts",
            shown=central,
        ),
        Question(
            "plane.endpoint",
            "address",
            "text",
            "The box calls this address, never the other way round. It must be the one that the site sees: a name or "
            "an address that works on your machine only would leave the box silent.",
            required=True,
            example="https://hub.example.org:8443",
            shown=central,
            check=given(checks.endpoint),
        ),
        Question(
            "plane.ca",
            "CA file",
            "file",
            "A plane whose certificate no public authority signed is trusted only with this one. It goes onto the box, "
            "so that the box cannot be redirected to another plane.",
            placeholder="public authorities",
            example="/path/of/ca.pem",
            shown=central,
            check=given(checks.certificate),
        ),
        Question(
            "plane.project",
            "project",
            "text",
            "Hosts come into the token's own project unless another one is named here.",
            placeholder="the token's own",
            shown=central,
        ),
        Question(
            "local.port",
            "port",
            "int",
            "The box answers at this port of its own address for whoever operates it at the site.",
            5080,
            shown=local,
            check=lambda value, answers: checks.between(value, 1, 65535, "A port"),
        ),
        Question(
            "local.multi_node",
            "link hosts",
            "flag",
            "Lets several boxes of the site be linked into one cluster without a plane.",
            False,
            shown=local,
        ),
    ),
)

TOKEN = Page(
    "token",
    "Token",
    "plane",
    "How is the box let in?",
    (
        Question(
            "token.how",
            "token",
            "choice",
            "A registration token allows hosts to be registered. A token of its own for each installer can be "
            "revoked alone, and shows later which hosts registered with it.",
            "existing",
            (Choice("existing", "one that I have"), Choice("new", "make one here")),
        ),
        Question(
            "token.text",
            "text",
            "secret",
            "It goes into the installer as it is: whoever has the ISO has the token. It is stored in files that only "
            "you "
            "can read, and never shown.",
            required=True,
            secret=True,
            shown=on("token.how", "existing", default="existing"),
            check=_token,
        ),
        Question(
            "token.name",
            "name",
            "text",
            "The name under which you find the token again when you want to revoke it.",
            required=True,
            example="shop-installer",
            shown=on("token.how", "new"),
            check=lambda value, answers: "" if len(value) <= 128 and value.isprintable() else "128 characters at most.",
        ),
        Question(
            "token.project",
            "project",
            "text",
            "Hosts that register with the token appear in this project. Empty: the context's own.",
            placeholder="the context's own",
            shown=on("token.how", "new"),
        ),
        Question(
            "token.expires",
            "valid for",
            "text",
            "After that time this installer can no longer register hosts; registered hosts are unaffected. Long "
            "enough to ship "
            "and to install, and not longer.",
            "30d",
            example="30d",
            shown=on("token.how", "new"),
            check=_expiry,
        ),
        Question(
            "token.approval",
            "ask first",
            "flag",
            "With this the box waits until an operator approves it in the console, also when its token is good.",
            False,
        ),
    ),
    shown=central,
)

UID = Page(
    "uid",
    "Identity",
    "host",
    "How does the box know who it is?",
    (
        Question(
            "uid.rule",
            "by",
            "choice",
            "The UID is what the plane knows the box by. Taken from the firmware, the same box has the same UID when "
            "it is installed again; a random one makes it a stranger each time. It cannot be changed after "
            "registering.",
            "device",
            (
                Choice("device", "from its firmware (one ISO for many boxes)"),
                Choice("name", "a name that I give (one box only)"),
                Choice("random", "chance"),
            ),
        ),
        Question(
            "uid.name",
            "UID",
            "text",
            "Two boxes with the same UID would fight over one record: use it for one box only.",
            required=True,
            example="shop-berlin-04",
            shown=on("uid.rule", "name"),
            check=given(checks.uid),
        ),
        Question(
            "uid.source",
            "from",
            "choice",
            "Makers fill these fields with more or less care. The product UUID is right on nearly all machines; take a "
            "serial number when your sites know the boxes by it.",
            "product_uuid",
            (
                Choice("product_uuid", "product UUID"),
                Choice("product_serial", "product serial number"),
                Choice("board_serial", "board serial number"),
                Choice("chassis_serial", "chassis serial number"),
                Choice("file", "another file on the box"),
            ),
            shown=on("uid.rule", "device", default="device"),
        ),
        Question(
            "uid.file",
            "file",
            "text",
            "Any file that is there before the agent starts, for example one that a stage writes.",
            required=True,
            example="/sys/class/net/eno1/address",
            shown=both(on("uid.rule", "device", default="device"), on("uid.source", "file")),
            check=given(lambda value: _uid_file(value, {})),
        ),
        Question(
            "uid.regex",
            "part",
            "text",
            "An expression that picks a part out of what the file contains; its first group is taken when it has one.",
            placeholder="all of it",
            shown=on("uid.rule", "device", default="device"),
            check=_regex,
        ),
        Question(
            "uid.prefix",
            "prefix",
            "text",
            "Prefix of the identity, so that a list of hosts shows immediately what they are.",
            "edge",
            placeholder="edge",
            shown=on("uid.rule", "device", "random", default="device"),
            check=_prefix,
        ),
        Question(
            "uid.host_name",
            "host name",
            "text",
            "The name that the box gives itself on its console, and the name of its node. Empty: its UID. Leave it "
            "empty for an ISO of many boxes, or all of them have the same name.",
            placeholder="its UID",
            check=given(checks.hostname),
        ),
    ),
)
