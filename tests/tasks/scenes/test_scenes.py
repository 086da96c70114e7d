"""The scenes tasks: what is said of a scene is true of it, and only what the ceilings say is told by less than all."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.tasks import SPLITS, get_task
from bmnas.tasks.heads import overlap
from bmnas.tasks.scenes import ScenesAnswerTask, ScenesGroundTask, ScenesMatchTask
from bmnas.tasks.scenes.answering import ANSWERS, FAMILIES, TEXTS, draw_questions, without_positions
from bmnas.tasks.scenes.grounding import draw_descriptions
from bmnas.tasks.scenes.matching import GALLERY, draw_galleries, text_of
from bmnas.tasks.scenes.things import COLOURS, KINDS, SHAPES, SIDE, WIDTHS, region_table, seed_of
from bmnas.tasks.sequences import is_padding, longest

TASKS = {"scenes-answer": ScenesAnswerTask, "scenes-match": ScenesMatchTask, "scenes-ground": ScenesGroundTask}


def scene(scenes, place: int):
    """Names, centres and widths of the things of a scene."""
    count = scenes.count[place]
    names = [KINDS[kind] for kind in scenes.kind[place, :count]]
    return names, scenes.centre[place, :count], scenes.width[place, :count]


def apart(centre, one: int) -> np.ndarray:
    """Distances of all things to one; infinite to itself."""
    found = np.sqrt(((centre - centre[one]) ** 2).sum(axis=1))
    found[one] = np.inf
    return found


@pytest.fixture(scope="module")
def asked():
    return draw_questions(600, seed_of(3, 0))


def test_answers_are_true(asked):
    for place in range(len(asked.scenes)):
        names, centre, width = scene(asked.scenes, place)
        texts = [TEXTS[text] for text in asked.text[place]]
        shape, color, bigger, exists = (ANSWERS[answer] for answer in asked.answer[place])
        name = texts[0].removeprefix("what shape is nearest to the ")
        assert names.count(name) == 1
        one = names.index(name)
        first, second = apart(centre, one).argsort()[:2]
        assert apart(centre, one)[second] >= 1.4 * apart(centre, one)[first]
        assert (color, shape) == tuple(names[first].split())
        assert int(bigger) == sum(other > width[one] for other in width)
        assert texts[1:3] == [f"what color is nearest to the {name}", f"how many things are bigger than the {name}"]
        sought = texts[3].removeprefix("is there a ")
        assert exists == ("yes" if sought in names else "no")
        # Its colour and its shape are there in any case.
        assert set(sought.split()) <= {word for thing in names for word in thing.split()}


def test_things_do_not_overlap_and_have_different_widths(asked):
    scenes = asked.scenes
    assert sorted(set(scenes.count.tolist())) == [4, 5, 6, 7, 8]
    for place in range(200):
        width = scene(scenes, place)[2]
        assert len(set(width.tolist())) == len(width)
        boxes = torch.from_numpy(scenes.boxes[place, : len(width)])
        assert (overlap(boxes[:, None], boxes) - torch.eye(len(width)) <= 1e-9).all()
        assert 0 <= boxes.min() <= boxes.max() <= SIDE
    assert (WIDTHS[:-1] / WIDTHS[1:]).min() == pytest.approx(1.25)


def test_words_tell_nothing_of_the_answer():
    """Each answer of a text is as frequent as the others, to a few deviations of chance."""
    drawn = draw_questions(16_000, seed_of(0, 0))
    for family, answers in enumerate((SHAPES, COLOURS, "0123", ("yes", "no"))):
        for text in range(len(KINDS)):
            of_text = drawn.answer[drawn.text[:, family] == family * len(KINDS) + text, family]
            counts = Counter(ANSWERS[answer] for answer in of_text)
            share = np.array([counts[answer] for answer in answers]) / len(of_text)
            chance = 1 / len(answers)
            assert np.abs(share - chance).max() < 4.5 * np.sqrt(chance / len(of_text)), TEXTS[
                family * len(KINDS) + text
            ]


def test_the_guess_without_positions_reaches_what_it_promises():
    """Bayes' rule is calibrated: guessing by it from the bag of things is right as often as it says."""
    drawn = draw_questions(8000, seed_of(1, 0))
    kind, first = drawn.scenes.kind, drawn.text[:, 0] % len(KINDS)
    promised = without_positions(kind, first)
    # A plain guess, the most frequent shape of the other things, is nearly as good and never better.
    others = np.where(kind == first[:, None], -1, kind)
    counts = np.stack([((others >= 0) & (others % len(SHAPES) == shape)).sum(axis=1) for shape in range(len(SHAPES))])
    right = (counts.argmax(axis=0) == drawn.answer[:, 0]).mean()
    assert promised[0] - 0.05 < right < promised[0] + 0.02
    assert promised == pytest.approx((0.515, 0.515), abs=0.015)


@pytest.fixture(scope="module")
def galleries():
    return draw_galleries(4, seed_of(5, 0))


def is_true(clause: int, names, centre, factor: float) -> bool:
    """Whether one is nearest to the other: clearly (factor above 1), or perhaps (below 1)."""
    one, other = KINDS[clause // len(KINDS)], KINDS[clause % len(KINDS)]
    for place in (place for place, name in enumerate(names) if name == one):
        distance = apart(centre, place)
        for near in (near for near, name in enumerate(names) if name == other and near != place):
            rest = np.delete(distance, [place, near])
            if distance[near] * factor <= rest.min():
                return True
    return False


def test_texts_are_true_of_their_scene_alone(galleries):
    scenes, clauses = galleries
    for place in range(len(scenes)):
        names, centre, _ = scene(scenes, place)
        start = place // GALLERY * GALLERY
        for text in clauses[place]:
            assert all(is_true(clause, names, centre, 1.4) for clause in text)
            for other in range(start, start + GALLERY):
                if other != place:
                    theirs = scene(scenes, other)[:2]
                    assert not all(is_true(clause, *theirs, 1 / 1.4) for clause in text)


def test_twins_are_the_same_things_elsewhere(galleries):
    scenes, clauses = galleries
    for place in range(0, len(scenes), 2):
        (names, centre, width), (others, elsewhere, wide) = scene(scenes, place), scene(scenes, place + 1)
        assert sorted(zip(names, width, strict=True)) == sorted(zip(others, wide, strict=True))
        assert not np.isin(centre, elsewhere).any()
    assert len(text_of(clauses[0, 0]).split()) == 17


def test_descriptions_are_of_one_of_two_that_look_alike():
    drawn = draw_descriptions(300, seed_of(7, 0))
    for place in range(len(drawn.scenes)):
        names, centre, width = scene(drawn.scenes, place)
        (twice,) = [name for name, count in Counter(names).items() if count > 1]
        two = [at for at, name in enumerate(names) if name == twice]
        assert len(two) == 2
        targets = drawn.target[place].tolist()
        assert sorted(targets[:2]) == sorted(targets[2:]) == two
        for text, target in zip(drawn.texts[place], targets, strict=True):
            (rest,) = set(two) - {target}
            if "nearest" in text:
                distance = apart(centre, names.index(text.partition(" nearest to the ")[2]))
                assert distance[rest] >= 1.4 * distance[target]
            else:
                assert (width[target] > width[rest]) == text.startswith("the larger")
    boxes, proposals = (torch.from_numpy(values) for values in (drawn.scenes.boxes, drawn.proposals))
    near = overlap(boxes, proposals)[torch.from_numpy(drawn.scenes.there)]
    assert near.min() >= 0.55
    assert near.mean() < 0.9


def test_a_region_says_colour_and_shape_and_not_where_it_is(asked):
    table = region_table(asked.scenes, seed_of(0, 10))
    regions = table.take(torch.arange(len(table)))
    there = ~is_padding(regions.features)
    assert there.numpy().tolist() == asked.scenes.there.tolist()
    features, kinds = regions.features[there], torch.from_numpy(asked.scenes.kind)[there]
    clean = torch.stack([features[kinds == kind].mean(dim=0) for kind in range(len(KINDS))])
    assert (torch.cdist(features, clean).argmin(dim=1) == kinds).all()
    rest = (features - clean[kinds]).double()
    assert rest.std().item() == pytest.approx(0.15, abs=0.01)
    where = regions.boxes[there].double()
    together = torch.corrcoef(torch.cat([rest, where], dim=1).T)[:16, 16:]
    assert together.abs().max() < 0.08


@pytest.mark.parametrize("name", TASKS)
def test_the_tasks_as_networks_on_sequences_get_them(name):
    task = get_task(f"{name}:scenes=80")
    assert isinstance(task, TASKS[name])
    data = task.pairs("train")
    assert data is task.pairs("train")
    assert (len(data.regions), data.regions.length, data.regions.channels) == (80, task.regions, task.channels)
    assert data.tokens.shape[1] == task.length == longest([task.words.decode(row) for row in data.tokens.tolist()])
    assert data.words == len(task.words) <= 32
    assert task.pair_objective.head == task.head
    assert task.pair_objective.main in ("accuracy", "text to image R@1", "overlap>=0.5")
    assert list(task.ceilings) == ["chance", "language alone", "image alone", "without positions"]
    assert dict(task.options) == {"scenes": 80, "seed": 0}
    # No word of the held-out splits is unknown.
    assert all((task.pairs(split).tokens != 1).all() for split in SPLITS)


@pytest.mark.parametrize("name", TASKS)
def test_the_tasks_as_fusion_networks_get_them(name):
    task = get_task(f"{name}:scenes=80")
    task.check()
    split = task.split("train")
    for feature in task.features:
        values = split.inputs[feature.modality][feature.name]
        assert values.shape[:2] == (len(split), feature.channels), feature.name
        assert values.isfinite().all()
    groups = [task.groups(split) for split in SPLITS]
    assert [len(own) for own in groups] == [len(task.split(split)) for split in SPLITS]
    assert groups[0].max() < groups[1].min() <= groups[1].max() < groups[2].min()
    assert len(task.data_fingerprint()) == 64
    assert task.with_modalities(["regions"]).split("test").inputs.keys() == {"Regions"}


def test_the_label_of_a_fusion_network_is_that_of_the_pair():
    answer = get_task("scenes-answer:scenes=40")
    assert answer.split("train").labels.tolist() == answer.pairs("train").labels["answers"][:, 0].tolist()
    assert answer.pairs("train").kind_names == FAMILIES
    match = get_task("scenes-match:scenes=40")
    samples = match.fusion_samples("train")
    own = match.pairs("train").image[samples.texts]
    assert ((samples.images == own) == (samples.labels == 1)).all()
    assert (samples.images // 2 == own // 2).all()
    assert samples.labels.double().mean() == 0.5
    ground = get_task("scenes-ground:scenes=40")
    data, place = ground.pairs("train"), ground.split("train").labels
    boxes = data.regions.take(data.image).boxes[torch.arange(len(data)), place]
    assert overlap(boxes, data.labels["truth"]).min() >= 0.55


def test_what_is_known_beforehand_is_said():
    task = get_task("scenes-answer:scenes=40")
    assert task.ceilings["language alone"] == 0.3125
    assert task.ceilings["without positions"] == pytest.approx(0.57, abs=0.015)
    (remark,) = task.remarks()
    assert remark.startswith(
        "task scenes-answer: chance is 7.1 %; no network gets beyond 31.2 % from language alone, 25.0"
    )
    (remark,) = get_task("scenes-match:scenes=40").remarks()
    assert "chance is 50.0 %; no network gets beyond 50.0 % from language alone" in remark


@pytest.mark.parametrize("name", TASKS)
def test_the_data_never_change(name):
    # Scores are comparable only while this holds.
    assert get_task(f"{name}:scenes=40").data_fingerprint() == DATA[name]
    assert get_task(f"{name}:scenes=40,seed=1").data_fingerprint() != DATA[name]


DATA = {
    "scenes-answer": "3334b069761658085aeed8c2f9ff621f29ca45de5e0de78c75c76808d72615ce",
    "scenes-match": "ae8d45b0d48cd348d135951107ad140d12de12cd1bd43edb29ce143670c8043e",
    "scenes-ground": "e87563f6c02caec8e50df4decf4ca8bc33b2c6451bdf1266cd6f0c4d4ad70f24",
}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("scenes=3", "option scenes of task scenes-ground is '3'"),
        ("seed=-1", "option seed of task scenes-ground is '-1'"),
        ("scene=50", "task scenes-ground has no option 'scene'; did you mean 'scenes'"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(BmnasError, match=f"^{message}"):
        get_task(f"scenes-ground:{options}")
