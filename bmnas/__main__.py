"""``python -m bmnas`` is the command ``bmnas``."""

from bmnas.cli import program

program()
