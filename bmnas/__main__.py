"""``python -m bmnas`` is the command ``bmnas``."""

from bmnas.cli import main

main()
