"""The JSON Schema of a genotype file: what an editor needs to complete and check one while it is written."""

from __future__ import annotations

from typing import Any

from bmnas.genotype.genotype import Genotype
from bmnas.genotype.lookup import find
from bmnas.genotype.parsing import FUSION
from bmnas.genotype.stacks import BLOCKS, KIND, StackGenotype

_OWN = {"type": "string", "description": "Where this schema is; only editors read it."}


def json_schema(operations: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The JSON Schema of a genotype file.

    It says everything that can be said about each value by itself; that names refer to earlier nodes is checked when
    a genotype is loaded.

    Args:
        operations: names of the operations that a step may have; those of bmnas itself if left out. `known` of
            `bmnas.genotype.operations` gives all that this machine has.
    """
    if operations is None:
        from bmnas.genotype.operations import OPERATIONS

        operations = tuple(OPERATIONS)
    schema = Genotype.model_json_schema()
    _add_operations(schema["$defs"]["Step"], operations)
    kind = {"const": FUSION, "description": "Left out as a rule."}
    schema["properties"] |= {"kind": kind, "$schema": _OWN}
    others = stacks_schema()
    definitions = {**schema.pop("$defs"), **others.pop("$defs")}
    is_other = {"properties": {"kind": {"const": KIND}}, "required": ["kind"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "bmnas genotype",
        "type": "object",
        "if": is_other,
        "then": others,
        "else": schema,
        "$defs": definitions,
    }


def stacks_schema() -> dict[str, Any]:
    """The JSON Schema of encoder-decoder genotypes, with the operations of blocks and their options."""
    schema = StackGenotype.model_json_schema(mode="validation")
    schema["properties"]["$schema"] = _OWN
    schema["required"] = ["kind", *schema.get("required", [])]
    names = list(BLOCKS.names())
    options = {name: BLOCKS.find(name).options.model_json_schema().get("properties", {}) for name in names}
    schema["$defs"]["Block"] = {
        "title": "Block",
        "description": "An operation by its name, or with options beside it.",
        "oneOf": [
            {"enum": names},
            *(
                {
                    "type": "object",
                    "description": BLOCKS.find(name).equation,
                    "properties": {"op": {"const": name}, **own},
                    "required": ["op"],
                    "additionalProperties": False,
                }
                for name, own in options.items()
            ),
        ],
    }
    return schema


def _add_operations(step: dict[str, Any], operations: tuple[str, ...]) -> None:
    """Name the operations, how many inputs each takes, and which options it alone has."""
    step["properties"]["op"] = {
        "title": "Op",
        "description": "The operation.",
        "oneOf": [{"const": name, "title": name, "description": _described(name)} for name in operations],
    }
    rules = []
    options: dict[str, Any] = {}
    for name in operations:
        operation = find(name)
        least, most = operation.arity
        inputs = {"minItems": least} | ({} if most is None else {"maxItems": most})
        own = operation.options.model_json_schema().get("properties", {})
        options |= own
        rules.append((name, inputs, own))
    step["properties"] |= {key: {} for key in options}
    step["additionalProperties"] = False
    step["allOf"] = [
        {
            "if": {"properties": {"op": {"const": name}}, "required": ["op"]},
            "then": {"properties": {"inputs": inputs, **{key: own.get(key, False) for key in options}}},
        }
        for name, inputs, own in rules
    ]


def _described(name: str) -> str:
    operation = find(name)
    return operation.equation + (f". Official dialect: {operation.official}" if operation.official else "")
