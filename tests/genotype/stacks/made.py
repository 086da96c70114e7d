"""Encoder-decoder genotypes for tests, small ones and drawn ones."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from bmnas.genotype.stacks import StackGenotype, from_dict


def plain(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "encoder-decoder",
        "name": "small",
        "width": 16,
        "head_width": 8,
        "relation_width": 4,
        "inputs": [
            {"name": "Q", "modality": "Text", "tokens": 6, "vocabulary": 11, "length": 5},
            {"name": "R", "modality": "Image", "channels": 7, "length": 6, "boxes": True},
        ],
        "stacks": [
            {"name": "Enc", "reads": "Q", "blocks": ["SelfAttention", "FeedForward"]},
            {"name": "Dec", "reads": "R", "memory": "Enc", "blocks": ["GuidedAttention", "RelationAttention"]},
        ],
        "head": {"task": "answer", "outputs": 3},
        **changes,
    }


def small(**changes: Any) -> StackGenotype:
    return from_dict(plain(**changes))


_SELF = st.one_of(
    st.sampled_from(["SelfAttention", "FeedForward", "Identity", "GatedLinear"]),
    st.builds(lambda factor: {"op": "FeedForward", "factor": factor}, st.integers(1, 3)),
    st.builds(lambda kernel: {"op": "DepthwiseConv", "kernel": kernel}, st.sampled_from([1, 3, 5])),
    st.builds(lambda width: {"op": "SelfAttention", "head_width": width}, st.sampled_from([4, 16])),
)


@st.composite
def genotypes(draw: st.DrawFn) -> StackGenotype:
    """Any genotype of one to three stacks, with any head that fits it."""
    boxes = draw(st.booleans())
    more = st.one_of(_SELF, st.just("GuidedAttention"), *([st.just("RelationAttention")] if boxes else []))
    stacks = [{"name": "Enc", "reads": "Q", "blocks": draw(st.lists(_SELF, max_size=4))}]
    if draw(st.booleans()):
        stacks.append({"name": "Aside", "reads": "R", "memory": "Enc", "blocks": draw(st.lists(more, max_size=3))})
    stacks.append({"name": "Dec", "reads": "R", "memory": "Enc", "blocks": draw(st.lists(more, max_size=5))})
    output = draw(st.sampled_from([["Enc", "Dec"], ["Dec"], ["Dec", "Enc"]]))
    tasks = ["answer", "match", None, *(["ground"] if boxes and output[-1] == "Dec" else [])]
    task = draw(st.sampled_from(tasks))
    inputs = plain()["inputs"]
    inputs[1]["boxes"] = boxes
    return small(
        stacks=stacks,
        inputs=inputs,
        output=output,
        dialect=draw(st.sampled_from(["official", "openvqa", "signed"])),
        head={"task": task, **({"outputs": 3} if task == "answer" else {})},
        dropout=draw(st.sampled_from([0.0, 0.1])),
    )
