"""The control groups that limit the memory of this process, as containers set them; Linux alone has some."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Hierarchy(NamedTuple):
    """Where a process stands among control groups.

    Attributes:
        root: the folder of all groups.
        name: of the process's group, a path below the root.
        limit: the file of a group that has its most bytes.
        usage: the file that has how many it uses.
    """

    root: Path
    name: str
    limit: str
    usage: str

    def groups(self) -> Iterator[Path]:
        """The folder of the process's group, and those of the groups above it."""
        folder = self.root / self.name.strip("/")
        for group in (folder, *folder.parents):
            yield group
            if group == self.root:
                return


def hierarchies() -> Iterator[Hierarchy]:
    """That of version 2, or the one for memory of version 1; none where there are no control groups."""
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, name = line.split(":", 2)
            if controllers == "":
                yield Hierarchy(Path("/sys/fs/cgroup"), name, "memory.max", "memory.current")
            elif "memory" in controllers.split(","):
                root = Path("/sys/fs/cgroup/memory")
                yield Hierarchy(root, name, "memory.limit_in_bytes", "memory.usage_in_bytes")
