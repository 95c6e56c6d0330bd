"""One delivery by e-mail: SMTP with verified TLS, in a thread, bounded in time."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any

from edgewright.core.text import clean
from edgewright.hub.resources.alerts.failure import DeliveryFailed
from edgewright.hub.resources.alerts.message import mail_text
from edgewright.hub.resources.alerts.receivers import MOST, STARTTLS, TLS
from edgewright.hub.resources.alerts.webhook import tls_context

WITHIN = 30.0
"""Seconds for one delivery."""
_STEP = 10.0
"""Seconds for one answer of the mail server."""
_threads = ThreadPoolExecutor(MOST, thread_name_prefix="hub-mail")
"""One thread for each receiver at most, made when it is needed: a server that hangs delays no other receiver."""


def mail_of(config: dict[str, Any], doc: dict[str, Any]) -> EmailMessage:
    """Return the e-mail; its Message-ID is the delivery id, so that a mail server can see a repeated one."""
    mail = EmailMessage()
    subject, text = mail_text(doc)
    mail["From"], mail["To"], mail["Subject"] = config["from"], ", ".join(config["to"]), clean(subject, 200)
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{doc['deliveryId']}@{config['from'].rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Edgewright-Delivery"], mail["Edgewright-Event"] = doc["deliveryId"], doc["event"]
    mail.set_content(text)
    return mail


class _Session:
    """The connection of one delivery, so that it can be ended from outside."""

    def __init__(self) -> None:
        self.smtp: smtplib.SMTP | None = None

    def abort(self) -> None:
        """End the connection: the thread that waits for it gets an error at once."""
        sock = self.smtp.sock if self.smtp is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def run(self, config: dict[str, Any], password: str, mail: EmailMessage) -> None:
        """Connect, authenticate and hand the mail over. Raises what `smtplib` raises."""
        context = tls_context(config.get("ca", ""))
        host, port = config["host"], config["port"]
        if config["tls"] == TLS:
            self.smtp = smtplib.SMTP_SSL(timeout=_STEP, context=context)
        else:
            self.smtp = smtplib.SMTP(timeout=_STEP)
        smtp = self.smtp
        smtp._host = host  # type: ignore[attr-defined]  # the name that TLS verifies; the constructor would connect
        try:
            smtp.connect(host, port)
            smtp.ehlo()
            if config["tls"] == STARTTLS:
                smtp.starttls(context=context)  # raises where the server does not offer it: never in clear
                smtp.ehlo()
            if config["user"]:
                smtp.login(config["user"], password)
            smtp.send_message(mail)
            with contextlib.suppress(smtplib.SMTPException, OSError):
                smtp.quit()  # the mail is accepted already
        finally:
            smtp.close()


async def send(config: dict[str, Any], secret: dict[str, Any], doc: dict[str, Any]) -> None:
    """Deliver one message; raises `DeliveryFailed`. Refused by some recipients only counts as delivered."""
    session = _Session()
    host = f"[{config['host']}]" if ":" in config["host"] else config["host"]
    where = f"{host}:{config['port']}"
    loop = asyncio.get_running_loop()
    work = loop.run_in_executor(_threads, session.run, config, secret["password"], mail_of(config, doc))
    try:
        async with asyncio.timeout(WITHIN):
            await asyncio.shield(work)
    except TimeoutError:
        session.abort()
        work.add_done_callback(lambda done: done.exception())  # nothing else asks for it
        raise DeliveryFailed(
            f"{where} has not taken the e-mail within {WITHIN:g} s, or not answered for {_STEP:g} s."
        ) from None
    except asyncio.CancelledError:
        session.abort()
        raise
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _ in error.recipients.values()}
        raise DeliveryFailed(
            f"{where} refuses every recipient ({_codes(codes)}).", rejected=all(code >= 500 for code in codes)
        ) from None
    except smtplib.SMTPAuthenticationError as error:
        raise DeliveryFailed(f"{where} refuses user or password ({error.smtp_code}).") from None
    except smtplib.SMTPNotSupportedError:
        raise DeliveryFailed(f"{where} does not offer what is set: STARTTLS or a login.") from None
    except smtplib.SMTPResponseException as error:
        text = clean(error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else "", 120)
        raise DeliveryFailed(
            f"{where} answers {error.smtp_code} {text}".rstrip(" .") + ".", rejected=error.smtp_code in (552, 554)
        ) from None
    except ssl.SSLCertVerificationError as error:
        reason = clean(error.verify_message, 120)
        raise DeliveryFailed(f"{where}: its certificate is not trusted ({reason}).") from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        reason = clean(getattr(error, "strerror", None) or str(error) or type(error).__name__, 160)
        raise DeliveryFailed(f"{where}: {reason.rstrip('.')}.") from None


def _codes(codes: set[int]) -> str:
    return ", ".join(str(code) for code in sorted(codes))
