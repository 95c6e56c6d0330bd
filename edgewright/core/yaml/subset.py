"""A reader for the YAML that cloud-config files are written in, without any package.

Block and flow maps and lists, quoted and plain texts, `|` and `>` blocks and comments are read; anchors, aliases,
tags, merge keys, complex keys and several documents are refused with their line. Keys are always text. A key that
is there twice is an error, not a silent choice. Tested against PyYAML, which the agent cannot bring along.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, NoReturn, Tuple

from edgewright.core.yaml.scalars import MAX_NESTING, Flow, YamlError, check_start, find_colon, plain_line_end, resolve

__all__ = ["YamlError", "load"]

MAX_SIZE = 4 * 1024 * 1024
"""Characters that `load` takes."""

_FORBIDDEN = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_HEADER = re.compile(r"[|>](?:([+-])([1-9])?|([1-9])([+-])?)?(?:[ \t]+#.*|[ \t]*)")


def load(text: str, typed: bool = True) -> Any:
    """Return the one document in `text`: dicts with text keys, lists, texts, numbers, booleans and `None`.

    With `typed` false plain words stay text (only null is recognised), so that no name turns into a number.
    Raises `YamlError` with the line of what cannot be read.
    """
    if len(text) > MAX_SIZE:
        raise YamlError(f"the text is longer than {MAX_SIZE} characters", 1)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.startswith("\ufeff"):
        text = text[1:]
    bad = _FORBIDDEN.search(text)
    if bad is not None:
        raise YamlError(f"the character U+{ord(bad.group()):04X} is not allowed", text.count("\n", 0, bad.start()) + 1)
    return _Reader(text, typed).document()


class _Reader:
    def __init__(self, text: str, typed: bool) -> None:
        self.lines = text.split("\n")
        self.starts: List[int] = []
        offset = 0
        for line in self.lines:
            self.starts.append(offset)
            offset += len(line) + 1
        self.flow = Flow(text, typed)
        self.typed = typed
        self.pos = 0
        self.depth = 0

    def fail(self, problem: str) -> NoReturn:
        raise YamlError(problem, min(self.pos, len(self.lines) - 1) + 1)

    def document(self) -> Any:
        indent = self.next_indent()
        if indent == 0 and self.lines[self.pos].startswith("%"):
            self.fail("directives are not read here")
        if indent == 0 and re.match(r"---(?:[ \t]|$)", self.lines[self.pos]):
            if self.lines[self.pos][3:].split("#")[0].strip():
                self.fail("content behind --- is not read here")
            self.pos += 1
            indent = self.next_indent()
        if indent == 0 and self.ends_here():
            self.fail("the document ends before it begins")
        value = None if indent < 0 else self.node(indent, -1)
        indent = self.next_indent()
        if indent >= 0 and self.lines[self.pos].startswith("..."):
            self.pos += 1
            indent = self.next_indent()
        if indent >= 0:
            if self.lines[self.pos].startswith("---"):
                self.fail("a second document begins here; only one is read")
            self.fail("this does not belong to what precedes it; look at the indentation")
        return value

    def ends_here(self) -> bool:
        return re.match(r"(?:---|\.\.\.)(?:[ \t]|$)", self.lines[self.pos]) is not None

    def next_indent(self) -> int:
        """Move to the next line with content; return its indentation, or -1 at the end."""
        while self.pos < len(self.lines):
            line = self.lines[self.pos]
            content = line.lstrip(" ")
            if content and not content.startswith("#"):
                if content[0] == "\t":
                    if not content.strip():
                        self.pos += 1
                        continue
                    self.fail("a tab is used for indentation; use spaces")
                return len(line) - len(content)
            self.pos += 1
        return -1

    def node(self, indent: int, parent: int) -> Any:
        """Read the node whose first line is the present one, at `indent`, under a node at `parent`."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.fail("it is nested too deeply")
        line = self.lines[self.pos]
        if self.is_dash(line, indent):
            value: Any = self.sequence(indent)
        elif self.key_at(indent) is not None:
            value = self.map(indent)
        else:
            value = self.inline(indent, parent)
        self.depth -= 1
        return value

    @staticmethod
    def is_dash(line: str, indent: int) -> bool:
        return line[indent : indent + 1] == "-" and line[indent + 1 : indent + 2] in ("", " ", "\t")

    def sequence(self, indent: int) -> List[Any]:
        items: List[Any] = []
        while self.next_indent() == indent and not self.ends_here():
            line = self.lines[self.pos]
            if not self.is_dash(line, indent):
                break
            rest = line[indent + 1 :]
            content = rest.lstrip(" \t")
            if not content or content.startswith("#"):
                self.pos += 1
                items.append(self.below(indent))
                continue
            column = len(line) - len(content)
            if "\t" in line[indent + 1 : column] and (self.is_dash(line, column) or find_colon(line, column)):
                self.fail("a tab is used for indentation; use spaces")
            # the dash becomes a space: what follows it is then an ordinary node at its own column
            self.lines[self.pos] = " " * column + content
            items.append(self.node(column, indent))
        return items

    def map(self, indent: int) -> Dict[str, Any]:
        matches: Dict[str, Any] = {}
        while self.next_indent() == indent and not self.ends_here():
            pair = self.key_at(indent)
            if pair is None or self.is_dash(self.lines[self.pos], indent):
                break
            key, colon = pair
            if key in matches:
                self.fail(f"the key {key[:60]} is there twice")
            if key == "<<":
                self.fail("merge keys are not read here")
            line = self.lines[self.pos]
            content = line[colon + 1 :].lstrip(" \t")
            if not content or content.startswith("#"):
                self.pos += 1
                matches[key] = self.below(indent, in_map=True)
            else:
                matches[key] = self.inline(len(line) - len(content), indent)
        return matches

    def below(self, indent: int, in_map: bool = False) -> Any:
        """Read what is on the lines after a lone dash or key at `indent`; nothing there is null."""
        following = self.next_indent()
        if following > indent:
            return self.node(following, indent)
        if in_map and following == indent and not self.ends_here() and self.is_dash(self.lines[self.pos], indent):
            self.depth += 1
            value = self.sequence(indent)
            self.depth -= 1
            return value
        return None

    def key_at(self, indent: int) -> "Tuple[str, int] | None":
        """Return (key, offset of its colon) when the present line begins with a key."""
        line = self.lines[self.pos]
        first = line[indent]
        if first in "\"'":
            start = self.starts[self.pos] + indent
            try:
                scanned = self.flow.double(start) if first == '"' else self.flow.single(start)
            except YamlError:
                return None  # not even a text: the value reader reports it
            end = scanned.end - self.starts[self.pos]
            if end > len(line):
                return None
            after = line[end:].lstrip(" \t")
            if after.startswith(":") and after[1:2] in ("", " ", "\t"):
                return scanned.value, line.index(":", end)
            return None
        if first in "[{":
            return None
        if first == "?" and line[indent + 1 : indent + 2] in ("", " ", "\t"):
            self.fail("complex keys are not read here")
        colon = find_colon(line, indent)
        if colon is None:
            return None
        key = line[indent:colon].rstrip(" \t")
        if first not in "|>":
            check_start(line[indent : indent + 2], self.fail)
        elif key:
            self.fail("a key cannot begin with | or >; put it into quotes")
        return key, colon

    def inline(self, column: int, parent: int) -> Any:
        """Read the value that begins at `column` of the present line, under a node at `parent`."""
        line = self.lines[self.pos]
        first = line[column]
        if first in "|>":
            return self.block_text(column, parent)
        if first in "\"'[{":
            return self.quoted_or_flow(column, parent)
        check_start(line[column : column + 2], self.fail)
        return self.plain(column, parent)

    def quoted_or_flow(self, column: int, parent: int) -> Any:
        first_line = self.pos
        scanned = self.flow.value(self.starts[self.pos] + column)
        while self.pos + 1 < len(self.lines) and self.starts[self.pos + 1] < scanned.end:
            self.pos += 1
            line = self.lines[self.pos]
            if self.ends_here():
                self.fail("the document ends inside a value")
            if line.strip() and len(line) - len(line.lstrip(" ")) <= parent:
                self.fail("this line belongs to a value above it and must be indented more")
        rest = self.lines[self.pos][scanned.end - self.starts[self.pos] :]
        if rest.strip() and not (rest[0] in " \t" and rest.strip().startswith("#")):
            if first_line == self.pos and rest.lstrip().startswith(":"):
                self.fail("a key cannot be inside a value; begin a new line")
            self.fail("something follows a value that has ended")
        self.pos += 1
        return scanned.value

    def plain(self, column: int, parent: int) -> Any:
        line = self.lines[self.pos]
        end = column + plain_line_end(line[column:])  # a quoted key before it may contain " #"
        if find_colon(line, column) is not None:
            self.fail("a second colon on this line; put the value into quotes")
        pieces = [line[column:end].strip(" \t")]
        commented = end < len(line)
        self.pos += 1
        blanks = 0
        ahead = self.pos
        while ahead < len(self.lines) and not commented:
            line = self.lines[ahead]
            content = line.strip(" \t")
            if not content:
                blanks += 1
                ahead += 1
                continue
            indent = len(line) - len(line.lstrip(" "))
            if indent <= parent or content.startswith("#"):
                break
            if indent == 0 and re.match(r"(?:---|\.\.\.)(?:[ \t]|$)", line):
                break
            self.pos = ahead
            if find_colon(line, indent) is not None:
                self.fail("a key where the text above it continues; look at the indentation")
            end = plain_line_end(line)
            commented = end < len(line)
            pieces.append(("\n" * blanks if blanks else " ") + line[:end].strip(" \t"))
            blanks = 0
            ahead += 1
            self.pos = ahead
        return resolve("".join(pieces), self.typed)

    def block_text(self, column: int, parent: int) -> str:
        line = self.lines[self.pos]
        header = _HEADER.fullmatch(line, column)
        if header is None:
            self.fail("the first line of a block text may contain |, >, a sign, a digit and a comment only")
        folded = line[column] == ">"
        chomp = header.group(1) or header.group(4) or ""
        digit = header.group(2) or header.group(3)
        self.pos += 1
        indent = max(parent, 0) + int(digit) if digit else self.block_indent(max(parent, 0))
        return self.block_body(indent, folded, chomp)

    def block_indent(self, parent: int) -> int:
        widest = 0
        for line in self.lines[self.pos :]:
            content = line.lstrip(" ")
            if content:
                return max(parent + 1, widest, len(line) - len(content))
            widest = max(widest, len(line))
        return max(parent + 1, widest)

    def block_body(self, indent: int, folded: bool, chomp: str) -> str:
        """Collect the lines at `indent`; lines that are indented more leave their line ends, also when folding."""
        out: List[str] = []
        blanks = self.block_blanks(indent)
        last_break = ""
        while self.in_block(indent):
            out.append("\n" * blanks)
            line = self.lines[self.pos]
            body = line[indent:]
            out.append(body)
            # the piece behind the last line end of the text is not a line of its own
            last_break = "\n" if self.pos + 1 < len(self.lines) else ""
            self.pos += 1
            blanks = self.block_blanks(indent)
            if not self.in_block(indent):
                break
            following = self.lines[self.pos][indent : indent + 1]
            if folded and body[:1] not in (" ", "\t") and following not in (" ", "\t"):
                out.append("" if blanks else " ")
            else:
                out.append(last_break)
        if chomp != "-":
            out.append(last_break)
        if chomp == "+":
            out.append("\n" * blanks)
        return "".join(out)

    def in_block(self, indent: int) -> bool:
        if self.pos >= len(self.lines):
            return False
        line = self.lines[self.pos]
        return len(line) > indent and not line[:indent].strip(" ")

    def block_blanks(self, indent: int) -> int:
        """Skip lines without content up to `indent`; return how many line ends they contain."""
        count = 0
        while self.pos < len(self.lines):
            line = self.lines[self.pos]
            if line.strip(" ") or len(line) > indent:
                break
            if self.pos + 1 == len(self.lines):
                self.pos += 1
                break
            count += 1
            self.pos += 1
        return count
