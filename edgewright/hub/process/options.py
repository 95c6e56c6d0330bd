"""What a hub is started with, and the numbers that bound it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgewright.core.errors import InvalidInput, UsageError
from edgewright.hub.process.names import check_name
from edgewright.wire import protocol


@dataclass(frozen=True)
class ServeOptions:
    """The options of `hub serve`; every time is in seconds, every size in bytes."""

    data: Path
    listen: str = "127.0.0.1:8443"
    db: str | None = None
    advertise: tuple[str, ...] = ()
    silence_limit: float = protocol.SILENCE_LIMIT
    heartbeat: float = protocol.HEARTBEAT_INTERVAL
    max_body: int = protocol.MAX_BODY
    request_timeout: float = 15.0
    max_connections: int = 0
    """Connections at the same time; 0 takes nine tenths of the file descriptors the process may have."""
    max_connections_per_address: int = 0
    """Connections from one address at the same time; 0 leaves a quarter of all to the other addresses."""
    failed_logins: int = 100
    """Wrong credentials a minute from one address before further wrong ones get 429."""
    operation_deadline: float = protocol.OPERATION_DEADLINE
    """Seconds that an operation may wait for its result."""
    sweep: float = 2.0
    """Seconds between two looks at silent hosts."""
    housekeeping: float = 3_600.0
    """Seconds between two looks at the certificate's end and at what is too old."""
    event_days: float = 30.0
    """Days that events are stored."""
    max_events: int = 200_000
    """Events that are retained at most; of the host with the most events the oldest go first."""
    max_host_events: int = 2_000
    """Events of one host that are retained at most, the newest."""
    event_rate: float = 60.0
    """Events a minute that one host may send in the long run."""
    audit_days: float = 365.0
    """Days that audit entries are stored."""
    operation_days: float = 90.0
    """Days that operations which have ended are stored, with their logs."""
    intent_days: float = 365.0
    """Days that intents are stored."""
    change_minutes: float = 60.0
    """Minutes for which a reader of the change stream can be away and continue."""
    max_changes: int = 200_000
    """Changes in the log at most, the newest."""
    simulate_palette: bool = False
    """Behave as narrowly as Palette: 10 requests a second for each path prefix, pages of 50, no stream."""
    new_admin_key: bool = False
    new_lineage: bool = False
    """Make a new admin API key at start and withdraw the one of `admin-api-key`."""
    new_ca: bool = False
    """Make a new CA at start; whoever trusts the old one must be given it."""
    log_format: str = ""
    """`json` or `text`: the log goes to stderr as well, in that form."""
    ready_json: bool = False
    """Print that the hub is ready by one line of JSON."""

    def check(self) -> None:
        """Raise `InvalidInput` for a number or a name that no hub can work with."""
        for flag, value, least, most in (
            ("--silence-limit", self.silence_limit, 0.1, 31_536_000.0),
            ("--heartbeat", self.heartbeat, 0.1, 86_400.0),
            ("--request-timeout", self.request_timeout, 0.1, 3_600.0),
            ("--operation-deadline", self.operation_deadline, 0.1, 31_536_000.0),
            ("--max-connections", float(self.max_connections), 0.0, 1_000_000.0),
            ("--max-connections-per-address", float(self.max_connections_per_address), 0.0, 1_000_000.0),
            ("--keep-events", self.event_days, 1.0, 36_500.0),
            ("--max-events", float(self.max_events), 1_000.0, 100_000_000.0),
            ("--max-host-events", float(self.max_host_events), 100.0, 100_000_000.0),
            ("--event-rate", self.event_rate, 1.0, 1_000_000.0),
            ("--keep-audits", self.audit_days, 1.0, 36_500.0),
            ("--keep-operations", self.operation_days, 1.0, 36_500.0),
            ("--keep-intents", self.intent_days, 1.0, 36_500.0),
            ("--keep-changes", self.change_minutes, 1.0, 10_080.0),
            ("--max-changes", float(self.max_changes), 1_000.0, 10_000_000.0),
            ("--max-body", float(self.max_body), 1_024.0, 10_485_760.0),
        ):
            if not least <= value <= most:
                raise InvalidInput(f"{flag} is between {least:.12g} and {most:.12g}, not {value:g}.")
        for name in self.advertise:
            check_name(name, "--advertise")

    def address(self) -> tuple[str, int]:
        """Return host and port of `listen`; raises `UsageError` for a text that is not HOST:PORT."""
        host, _, port = self.listen.rpartition(":")
        host = host.strip("[]")
        if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
            raise UsageError(
                f"The listen address {self.listen!r} is not HOST:PORT.", "Write for example --listen 127.0.0.1:8443."
            )
        return host, int(port)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names and addresses that the server certificate is for."""
        return (self.address()[0], *self.advertise)

    @property
    def page_limit(self) -> int:
        """Return the largest page a client may ask for."""
        return protocol.PAGE_LIMIT if self.simulate_palette else protocol.PAGE_LIMIT_EXTENDED
