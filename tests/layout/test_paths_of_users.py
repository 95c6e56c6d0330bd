"""A path that a user types may begin with `~NAME` of nobody: one function expands it, and it raises nothing."""

import re
from pathlib import Path

import pytest

from edgewright.commands.profile.importing import read_source
from edgewright.core.errors import NotFound
from edgewright.core.small_file import local_path
from edgewright.forge.userdata import files
from tests.support import ROOT

ONE_PLACE = "edgewright/core/small_file.py"
NOBODY = "~nobody-of-this-name/file.yaml"


def test_one_function_expands_the_home_of_a_user() -> None:
    places = [path for part in ("edgewright", "tui") for path in (ROOT / part).rglob("*.py")]
    named = {path.relative_to(ROOT).as_posix() for path in places if "expanduser" in path.read_text("utf-8")}
    assert named == {ONE_PLACE}


def test_a_home_of_nobody_is_a_path_like_any_other() -> None:
    assert local_path(NOBODY) == Path(NOBODY) and local_path("~") == Path.home()


@pytest.mark.parametrize("read", [files.load, read_source])
def test_a_file_in_the_home_of_nobody_is_not_there(read: object) -> None:
    assert callable(read)
    with pytest.raises(NotFound, match=re.escape(f"There is no file {NOBODY}.")) as caught:
        read(NOBODY)
    assert caught.value.hint
