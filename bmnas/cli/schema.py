"""``bmnas schema``."""

from __future__ import annotations

import json

import typer


def schema() -> None:
    """Print the JSON Schema of genotype files, for editors.

    Operations that this machine has besides those of bmnas are in it.

    Example: bmnas schema > genotype.schema.json
    """
    from bmnas.genotype import json_schema
    from bmnas.genotype.lookup import known

    typer.echo(json.dumps(json_schema(tuple(known())), indent=2, ensure_ascii=False))
