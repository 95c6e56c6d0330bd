"""All pages of the installer wizard in the order in which they are asked, and every key of an answer file."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

from edgewright.core.installer.pages_box import BASE, CONTENT, DISK, OUTPUT, PARTITIONS, PROOF, STAGES
from edgewright.core.installer.pages_link import LINK
from edgewright.core.installer.pages_network import BOND, CARDS, DNS, NETWORK, NTP, PROXY
from edgewright.core.installer.pages_people import CAS, REGISTRIES, SITE, USER, USERS
from edgewright.core.installer.pages_plane import PLANE, TOKEN, UID
from edgewright.core.installer.questions import Answers, Page, Question

PAGES: Tuple[Page, ...] = (
    PLANE, TOKEN, UID, NETWORK, CARDS, BOND, PROXY, DNS, NTP, USER, USERS, REGISTRIES, CAS, SITE, LINK, DISK,
    PARTITIONS, STAGES, BASE, OUTPUT, CONTENT, PROOF,
)  # fmt: skip

STORED: Tuple[Question, ...] = (
    Question(
        "token.uid", "token's uid", help="Found out when the token was made or looked up; goes into the manifest."
    ),
)
"""What is stored with the answers without a question."""

QUESTIONS: Dict[str, Question] = {question.key: question for page in PAGES for question in page.fields}
QUESTIONS.update((question.key, question) for question in STORED)

STEPS: Tuple[str, ...] = tuple(dict.fromkeys(page.short for page in PAGES))
"""The words of the row of steps, each once."""


def visible_pages(answers: Answers) -> Tuple[Page, ...]:
    """Return the pages that apply to what was answered."""
    return tuple(page for page in PAGES if page.shown(answers))


def page_of(key: str) -> Optional[Page]:
    """Return the page of a question, or None."""
    return next((page for page in PAGES if any(question.key == key for question in page.fields)), None)
