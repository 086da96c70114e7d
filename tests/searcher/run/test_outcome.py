"""What a training says about a genotype, and what it keeps of what was said before."""

from __future__ import annotations

from types import SimpleNamespace

from bmnas.genotype import Provenance, from_dict
from bmnas.genotype.canonical import canonical_hash
from bmnas.searcher import TrainConfig
from bmnas.searcher.run.outcome import with_training
from bmnas.tasks import Extraction, get_task
from tests.genotype.test_schema import SHORT, changed

TRAINED = SimpleNamespace(
    test=0.5, parameters=7, seconds=1.0, data="digits@1", extraction=Extraction(), best_on_test=False, options=""
)


def trained(genotype):
    task = get_task("digits")
    return with_training(genotype, TRAINED, task, TrainConfig.for_task(task), "g.json").provenance


def searched(**changes):
    """A genotype whose provenance is that of a search which gave `SHORT`."""
    of = canonical_hash(from_dict(SHORT))
    told = Provenance(command="bmnas search", scores={"validation": 0.9}, canonical_hash=of)
    return from_dict(changed(**changes)).model_copy(update={"provenance": told})


def test_what_a_search_said_is_kept_as_long_as_it_is_about_this_network():
    for same in (searched(), searched(name="mine", cells__0__name="First", cells__1__inputs__0="First")):
        assert trained(same).command == "bmnas search"
        assert trained(same).scores == {"validation": 0.9, "test": 0.5}


def test_what_a_search_said_of_another_network_is_not_carried_on():
    edited = searched(cells__1__steps__0__op="ConcatFC")
    provenance = trained(edited)
    assert provenance.command is None
    assert provenance.scores == {"test": 0.5}
    assert provenance.canonical_hash == canonical_hash(edited)


def test_without_a_hash_nothing_can_be_told():
    old = from_dict(SHORT).model_copy(update={"provenance": Provenance(command="bmnas search")})
    assert trained(old).command == "bmnas search"
