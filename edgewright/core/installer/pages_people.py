"""Pages: who may log in, which registries and authorities the box trusts, where it is."""

from __future__ import annotations

from typing import Any, Mapping

from edgewright.core.installer import checks
from edgewright.core.installer.questions import Answers, Page, Question
from edgewright.core.installer.when import each, given

HASH = "$6$"
"""What a password begins with once it is hashed (SHA-512 crypt)."""

MIN_PASSWORD = 8


def password(value: Any, answers: Answers) -> str:
    """Check a new password; one that is hashed already passes."""
    if not value or (value.startswith(HASH) and value.count("$") in (3, 4)):
        return ""
    if len(value) < MIN_PASSWORD:
        return f"A password has {MIN_PASSWORD} characters at least; it is the only access when everything else fails."
    return "" if len(value.encode()) <= 256 and value.isprintable() else "256 printable characters at most."


def _first_keys(value: Any, answers: Answers) -> str:
    problem = each(checks.ssh_key)(value, answers)
    if not problem and answers.get("user.name") and not answers.get("user.password") and not any(value):
        return "Give a password or a key; without one no login is possible."
    return problem


def _row_keys(value: Any, answers: Answers) -> str:
    problem = each(checks.ssh_key)(value, answers)
    if not problem and not answers.get("password") and not any(value):
        return "Give a password or a key, or this user cannot log in."
    return problem


def _users(value: Any, answers: Answers) -> str:
    names = [row["name"] for row in value] + [str(answers.get("user.name") or "")]
    doubled = next((name for name in names if name and names.count(name) > 1), "")
    return f"The user {doubled} is listed twice." if doubled else ""


USER = Page(
    "user",
    "User",
    "users",
    "Who may log in at the box?",
    (
        Question("user.name", "name", "text", "For the day when the plane cannot be reached and someone is at "
                 "the box. Without a user there is no way in by SSH, and the box asks at its first start.",
                 "edge", placeholder="none", check=given(checks.user)),
        Question("user.password", "password", "secret", "For the console of the box. It is stored as a SHA-512 hash "
                 "only; whoever gets the ISO can try to guess it, so take a long one.",
                 placeholder="no password, keys only", secret=True,
                 shown=lambda a: bool(a.get("user.name", "edge")), check=password),
        Question("user.admin", "may do all", "flag", "May become root by sudo. Repairing a box needs it.", True,
                 shown=lambda a: bool(a.get("user.name", "edge"))),
        Question("user.keys", "SSH keys", "lines", "Public keys, one on a line, as in the .pub files. A key cannot be "
                 "guessed, so prefer it to a password.", example="ssh-ed25519 AAAA... you@laptop",
                 shown=lambda a: bool(a.get("user.name", "edge")), check=_first_keys),
    ),
)  # fmt: skip

USERS = Page(
    "users",
    "More users",
    "users",
    "Who else may log in?",
    (
        Question(
            "users.more",
            "users",
            "rows",
            "With a user for each operator or team the log shows who it was. Leave it empty if one is enough.",
            check=_users,
            fields=(
                Question("name", "name", "text", "Small letters.", required=True, example="field",
                         check=given(checks.user)),
                Question("password", "password", "secret", "Stored as a hash.", secret=True, check=password),
                Question("admin", "may do all", "flag", "May become root by sudo.", False),
                Question("keys", "SSH keys", "lines", "Public keys.", check=_row_keys),
            ),
        ),
    ),
    shown=lambda answers: bool(answers.get("user.name", "edge")),
)  # fmt: skip


def _domain(text: str) -> str:
    if "://" in text:
        return "A registry is named without https://, like registry.example.org:5000."
    name, _, port = text.partition("/")[0].rpartition(":") if ":" in text else (text.partition("/")[0], "", "")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        return f"{port[:20]!r} is not a port."
    return checks.host(name)


def _registries(value: Any, answers: Answers) -> str:
    names = [(row["domain"], row["repository"]) for row in value]
    doubled = next((name for name in names if names.count(name) > 1), ("", ""))
    return f"The registry {doubled[0]} is listed twice." if doubled[0] else ""


def _registry_user(value: Any, answers: Answers) -> str:
    return "Give its password too." if value and not answers.get("password") else ""


def _registry_password(value: Any, answers: Answers) -> str:
    return "Give the user's name too." if value and not answers.get("username") else ""


def _rules(value: Mapping[str, str], answers: Answers) -> str:
    for source, target in value.items():
        if not target or "://" in source or "://" in target or any(c.isspace() for c in source + target):
            return f"The rule for {source[:40]} needs a prefix on both sides, without https:// and blanks."
    return ""


REGISTRIES = Page(
    "registries",
    "Registries",
    "trust",
    "Where does the box get its images?",
    (
        Question(
            "registries.list",
            "registries",
            "rows",
            "Registries of your own, with their credentials. Leave it empty when the box may pull from the public "
            "ones, or gets its images with the installer. Credentials stay on the box: give one that may only read.",
            check=_registries,
            fields=(
                Question("domain", "registry", "text", "Name and port, without https://.", required=True,
                         example="registry.example.org:5000", check=given(_domain)),
                Question("repository", "repository", "text", "The part of the registry that is ours.",
                         placeholder="all of it"),
                Question("username", "user", "text", "Who pulls.", placeholder="nobody", check=_registry_user),
                Question("password", "password", "secret", "Stored in readable form on the box: the pull needs it.",
                         secret=True, check=_registry_password),
                Question("ca", "CA file", "file", "For a certificate that no public authority signed.",
                         placeholder="public authorities", example="/path/of/ca.pem",
                         check=given(checks.certificate)),
                Question("insecure", "do not check TLS", "flag", "Anybody on the way could give other images.", False),
            ),
        ),
        Question("registries.rules", "instead of", "map", "Images whose name begins with the left side are pulled from "
                 "the right side, so that profiles need not change.", example="docker.io=registry.example.org/hub",
                 shown=lambda a: bool(a.get("registries.list")), check=_rules),
    ),
)  # fmt: skip

CAS = Page(
    "cas",
    "Authorities",
    "trust",
    "Which certificate authorities does the box trust besides?",
    (
        Question("ca.certificates", "CA files", "lines", "For a proxy that opens TLS, or for services of your own. The "
                 "plane's and the registries' own are taken already.", placeholder="no other one",
                 example="/path/of/ca.pem", check=each(checks.certificate)),
    ),
)  # fmt: skip


def _site_name(value: Any, answers: Answers) -> str:
    return checks.tags({"site": value}) if value else ""


def _tags(value: Any, answers: Answers) -> str:
    for key in ("site", "installer"):
        if key in value:
            return f"The tag {key} is set by the answer above." if key == "site" else "The tag installer is set by us."
    return checks.tags(value)


SITE = Page(
    "site",
    "Site",
    "site",
    "Where is the box?",
    (
        Question("site.name", "site", "text", "Hosts of one site are shown together, and when all of them fall silent "
                 "at once it is reported as one outage of the link. Leave it empty when a plan of sites defines it.",
                 example="berlin-04", check=_site_name),
        Question("site.tags", "tags", "map", "Words to find and filter hosts by. A tag `installer` is added, so that "
                 "the console knows which hosts came from this installer.", example="country=de", check=_tags),
        Question("site.registration_url", "QR address", "text", "Shown as a QR code on the box until it is approved, "
                                                                "so "
                 "that someone at the site can do it with a telephone.", placeholder="none",
                 check=lambda value, a: "" if not value or value.startswith("https://") else
                 "The QR address begins with https://."),
    ),
)  # fmt: skip
