"""Files of systemd (`[Section]`, `Key=value`) edited in place: other lines and comments stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

Which = Callable[[str], bool]


class Section:
    """One section with its raw lines; `name` is "" for what is before the first one."""

    def __init__(self, name: str, lines: list[str]) -> None:
        self.name, self.lines = name, lines

    def values(self, key: str) -> list[str]:
        """Return the values of a key in their order; an empty one takes back those before it, as systemd does."""
        result: list[str] = []
        for line in self.lines:
            name, equals, value = line.partition("=")
            if equals and name.strip() == key and not line.lstrip().startswith(("#", ";")):
                result = [*result, value.strip()] if value.strip() else []
        return result

    def drop(self, key: str, which: Which = lambda value: True) -> None:
        """Remove the lines of a key, or those whose value is one of `which`."""
        lines = []
        for line in self.lines:
            name, equals, value = line.partition("=")
            if not (equals and name.strip() == key and which(value.strip())):
                lines.append(line)
        self.lines = lines

    def add(self, key: str, values: Sequence[str]) -> None:
        """Add lines behind the last one that is not empty."""
        end = len(self.lines)
        while end and not self.lines[end - 1].strip():
            end -= 1
        self.lines[end:end] = [f"{key}={value}" for value in values]


class Ini:
    """A file of systemd. A line that continues with a backslash stays one line, as it is."""

    def __init__(self, text: str) -> None:
        self.sections = [Section("", [])]
        carried = ""
        for line in text.splitlines():
            merged, carried = carried + line, ""
            if line.endswith("\\"):
                carried = merged[:-1] + " "
                continue
            bare = merged.strip()
            if bare.startswith("[") and bare.endswith("]"):
                self.sections.append(Section(bare[1:-1], []))
            else:
                self.sections[-1].lines.append(merged)

    def all(self, name: str) -> Iterator[Section]:
        """Yield the sections of a name."""
        yield from (section for section in self.sections if section.name == name)

    def values(self, name: str, key: str) -> list[str]:
        """Return the values of a key over all sections of a name."""
        return [value for section in self.all(name) for value in section.values(key)]

    def first(self, name: str) -> Section:
        """Return the first section of a name, made at the end where there is none."""
        for section in self.all(name):
            return section
        if self.sections[-1].lines and self.sections[-1].lines[-1].strip():
            self.sections[-1].lines.append("")
        self.sections.append(Section(name, []))
        return self.sections[-1]

    def put(self, name: str, key: str, values: Sequence[str]) -> None:
        """Give a key these values alone; none removes it."""
        for section in self.all(name):
            section.drop(key)
        if values:
            self.first(name).add(key, values)

    def remove(self, which: Callable[[Section], bool]) -> None:
        """Remove sections."""
        self.sections = [section for section in self.sections if not which(section)]

    def text(self) -> str:
        """Return the file."""
        lines: list[str] = []
        for section in self.sections:
            if section.name:
                lines.append(f"[{section.name}]")
            lines += section.lines
        return "\n".join(lines).strip("\n") + "\n"
