"""Verbs about receivers of alerts: add, list, remove, test."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param, Target


class ReceiverAdd(Command):
    """Add a receiver of alerts: a webhook (--url or --url-file), or an e-mail address (--mail with --smtp, --from).

    Alerts of the context's project go to it, of all projects when none is set. A webhook is signed with a key that is
    printed once, unless --key-file gives one. Secrets (URLs with a token, keys, passwords) are read from files.
    """

    name = "alert receiver add"
    role = "admin"
    implementation = "alert.receivers"
    needs = ("CanManageReceivers",)
    title = "add receiver"
    danger = "write"
    params = (
        Param("name", "name of the receiver", required=True, metavar="NAME"),
        Param("url", "webhook: where alerts are posted", flag="--url", metavar="URL"),
        Param("url_file", "the same from a file (- for stdin)", flag="--url-file", kind="file"),
        Param(
            "headers_file", "webhook: file with headers, a `Name: value` on each line", "--headers-file", kind="file"
        ),
        Param("body", "webhook: file with a JSON body of your own", flag="--body", kind="file"),
        Param("key_file", "webhook: file with the signing key", flag="--key-file", kind="file"),
        Param("mail", "e-mail: address to send to (repeat)", flag="--mail", many=True, metavar="ADDRESS"),
        Param("sender", "e-mail: address to send from", flag="--from", metavar="ADDRESS"),
        Param("smtp", "e-mail: mail server", flag="--smtp", metavar="HOST[:PORT]"),
        Param(
            "tls",
            "e-mail: how the connection is secured",
            "--tls",
            choices=("starttls", "tls", "none"),
            default="starttls",
        ),
        Param("user", "e-mail: user of the mail server", flag="--user", metavar="USER"),
        Param("password_file", "e-mail: file with the password", flag="--password-file", kind="file"),
        Param("ca", "certificate authority of the receiver (PEM), beside the system's", flag="--ca", kind="file"),
        Param(
            "repeat",
            "send again after this time until it is acknowledged; 0: never",
            "--repeat",
            kind="span",
            default="4h",
        ),
    )
    console = False


class ReceiverList(Command):
    """List receivers of alerts with their last success, last error and waiting messages."""

    name = "alert receiver list"
    implementation = "alert.receivers"
    needs = ("CanManageReceivers",)
    title = "receivers"
    console = False


class ReceiverRemove(Command):
    """Remove a receiver of alerts; messages that wait for it are deleted."""

    name = "alert receiver remove"
    role = "admin"
    implementation = "alert.receivers"
    needs = ("CanManageReceivers",)
    title = "remove receiver"
    danger = "destructive"
    target = Target("receiver", 1, 1)
    console = False


class ReceiverTest(Command):
    """Send a test message to a receiver now and print whether it was taken."""

    name = "alert receiver test"
    role = "admin"
    implementation = "alert.receivers"
    needs = ("CanManageReceivers",)
    title = "test receiver"
    danger = "write"
    target = Target("receiver", 1, 1)
    console = False


COMMANDS: tuple[type[Command], ...] = (ReceiverAdd, ReceiverList, ReceiverRemove, ReceiverTest)
