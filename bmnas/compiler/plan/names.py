"""The names that a network's modules get, and where in a genotype a node is."""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Iterable

from bmnas.genotype import Genotype
from bmnas.genotype.graph import Node, used_nodes

# What a `torch.nn.Module` or `ModuleDict` calls its own; a submodule cannot have such a name.
_RESERVED = frozenset(
    """
    T_destination add_module apply bfloat16 buffers call_super_init children clear compile cpu cuda double
    dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu items
    keys load_state_dict modules mtia named_buffers named_children named_modules named_parameters parameters pop
    register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
    register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty
    train training type update values xpu zero_grad
    """.split()  # noqa: SIM905
)


def module_names(genotype: Genotype) -> dict[Node, str]:
    """For the used features, cells and steps, the name of the submodule that holds their weights.

    ``reshapes.Video_3``, ``cells.Cell_1.steps.Step_1``, ``cells.Cell_1.output``; characters that a Python name cannot
    have become ``_``, and what then has the same name is numbered. A member of an ensemble has all of them, within its
    `member_module`.
    """
    used = used_nodes(genotype)
    features = [feature.name for feature in genotype.features if ("feature", feature.name) in used]
    cells = [cell for cell in genotype.cells if ("cell", cell.name) in used]
    keys = distinct([*features, *(cell.name for cell in cells)])
    found: dict[Node, str] = {("feature", name): f"reshapes.{key}" for name, key in zip(features, keys, strict=False)}
    for cell, key in zip(cells, keys[len(features) :], strict=True):
        steps = [step.name for step in cell.steps if ("step", cell.name, step.name) in used]
        for step, own in zip(steps, distinct(steps), strict=True):
            found["step", cell.name, step] = f"cells.{key}.steps.{own}"
        found["cell", cell.name] = f"cells.{key}.output"
    found["output",] = "output"
    return found


def member_module(number: int) -> str:
    """The name of the submodule that holds all weights of the member of that number, of an ensemble."""
    return f"members.{number}"


def within_member(parameter: str) -> str:
    """The name that a parameter of a member of an ensemble has in the member."""
    return parameter.split(".", 2)[-1] if parameter.startswith("members.") else parameter


def distinct(names: Iterable[str]) -> list[str]:
    """Distinct names that modules may have, as near to the given ones as possible: ``Video_3`` stays ``Video_3``."""
    taken: dict[str, None] = {}
    for name in names:
        base = _plain(name)
        key, number = base, 2
        while key in taken:
            key, number = f"{base}_{number}", number + 1
        taken[key] = None
    return list(taken)


def _plain(name: str) -> str:
    # torch.export writes code with these names, which Python reads in this normal form.
    text = "".join(letter if f"a{letter}".isidentifier() else "_" for letter in unicodedata.normalize("NFKC", name))
    if text.startswith("_"):
        return f"n{text}"
    return f"{text}_" if text in _RESERVED or keyword.iskeyword(text) else text


def where(genotype: Genotype, node: Node) -> str:
    """A node of the genotype's graph as messages name it: ``cells[0].steps[1] ('Step_2', Attention)``."""
    match node:
        case ("feature", name):
            index = next(i for i, feature in enumerate(genotype.features) if feature.name == name)
            return f"features[{index}] ({name!r})"
        case ("cell" | "step" | "input", name, *rest):
            index, cell = next((i, cell) for i, cell in enumerate(genotype.cells) if cell.name == name)
            if node[0] != "step":
                return f"cells[{index}] ({name!r})"
            number, step = next((i, step) for i, step in enumerate(cell.steps) if step.name == rest[0])
            return f"cells[{index}].steps[{number}] ({step.name!r}, {step.op})"
    return "the output"
