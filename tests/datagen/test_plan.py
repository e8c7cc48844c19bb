from collections import Counter
from pathlib import Path

import pytest

from datagen import layout_files
from datagen.identities import identities
from datagen.layout import Targets
from datagen.plan import Plan, draw_up
from datagen.seeds import Concept
from kith.errors import InvalidInput
from tests.datagen.small import small_layout

ENGINE = {"name": "flat", "guidance": 7.5}


def people(number: int, category: str = "pet") -> list[Concept]:
    return [Concept(f"{category}{i}", category, "dog", "CC0-1.0", "") for i in range(number)]


def plan_of(split: str, seed: int = 0, limit: int | None = None) -> Plan:
    wanted = layout_files.load(split)
    concepts = [one.concept for one in identities(wanted, seed)]
    return draw_up(wanted, concepts, ENGINE, seed, limit)


@pytest.mark.parametrize("split", ["yollava", "msbench"])
def test_a_split_of_mp_bench_plans_what_the_thesis_kept(split: str) -> None:
    plan = plan_of(split)
    assert plan.wanted == layout_files.load(split).targets
    assert len({job.id for job in plan.jobs}) == len(plan.jobs) == len({j.seed for j in plan.jobs})


@pytest.mark.parametrize("split", ["yollava", "msbench"])
def test_every_concept_and_scenario_gets_its_fair_part(split: str) -> None:
    plan = plan_of(split)
    for part in ("train", "test"):
        jobs = [job for job in plan.jobs if job.part == part]
        shown = Counter(job.subjects[0].concept for job in jobs)
        assert len(shown) == 40
        assert max(shown.values()) - min(shown.values()) <= 1
        scenes = {(job.subjects[0].concept, job.scenario) for job in jobs}
        assert len(scenes) >= min(6, *shown.values()) * 40
    multi = [job for job in plan.jobs if job.part == "multi"]
    combined = Counter(tuple(one.category for one in job.subjects) for job in multi)
    assert len(combined) == len(layout_files.load(split).multi)
    assert max(combined.values()) - min(combined.values()) <= 1
    assert all(len({one.concept for one in job.subjects}) == len(job.subjects) for job in multi)


def test_a_group_comes_again_only_when_every_group_was_there() -> None:
    multi = [job for job in plan_of("yollava").jobs if job.part == "multi"]
    for kinds in ({"person"}, {"pet"}, {"character"}):
        groups = Counter(
            frozenset(one.concept for one in job.subjects)
            for job in multi
            if {one.category for one in job.subjects} == kinds
        )
        assert max(groups.values()) - min(groups.values()) <= 1 or len(groups) == 45
        lefts = Counter(
            job.subjects[0].concept
            for job in multi
            if {one.category for one in job.subjects} == kinds
        )
        assert len(lefts) == (10 if kinds == {"person"} else 5)


def test_ms_diffusions_bench_is_every_tuple_and_every_prompt() -> None:
    plan = plan_of("msdiffusion")
    assert plan.wanted == Targets(0, 0, 4488)
    assert len({(job.prompt, tuple(one.concept for one in job.subjects)) for job in plan.jobs}) > (
        4400
    )


def test_prompts_name_nouns_and_captions_names() -> None:
    job = next(job for job in plan_of("yollava").jobs if job.part == "multi")
    first, second = job.subjects
    assert f"{first.noun} and a {second.noun} " in job.prompt
    assert f"<{first.concept}> and <{second.concept}> " in job.caption
    assert (first.box, second.box) == ((0, 0.25, 0.5, 0.75), (0.5, 0.25, 1, 0.75))


def test_the_same_seed_is_the_same_plan_and_another_is_not() -> None:
    assert plan_of("msbench", 3) == plan_of("msbench", 3)
    assert {job.seed for job in plan_of("msbench", 3).jobs}.isdisjoint(
        job.seed for job in plan_of("msbench", 4).jobs
    )
    job = plan_of("msbench", 3).jobs[0]
    assert len({job.seed_at(attempt) for attempt in range(8)}) == 8


@pytest.mark.parametrize("of", [1, 3, 16])
def test_every_job_belongs_to_exactly_one_share(of: int) -> None:
    plan = plan_of("msbench")
    shares = [plan.share(index, of) for index in range(of)]
    assert sorted(job.id for share in shares for job in share) == sorted(j.id for j in plan.jobs)
    assert {job.part for share in shares for job in share[:10]} == {"train", "test", "multi"}


@pytest.mark.parametrize(("index", "of"), [(3, 3), (-1, 3), (0, 0)])
def test_a_share_that_is_none_is_refused(index: int, of: int) -> None:
    with pytest.raises(InvalidInput, match=rf"shard: {index}/{of} is none; give I/N"):
        plan_of("msbench").share(index, of)


def test_a_limited_plan_is_the_beginning_with_each_part_in_proportion() -> None:
    whole, some = plan_of("yollava"), plan_of("yollava", limit=85)
    assert some.jobs == whole.jobs[:85]
    assert some.wanted == Targets(38, 33, 14)
    with pytest.raises(InvalidInput, match="limit: 0 is below 1"):
        plan_of("yollava", limit=0)


def test_a_plan_survives_its_file() -> None:
    plan = plan_of("msbench", limit=20)
    assert Plan.from_json(plan.to_json()) == plan
    for text in ("", "[]", "{}", '{"jobs": [], "concepts": [], "zork": 1}'):
        with pytest.raises(ValueError, match=r"."):
            Plan.from_json(text)


def test_with_other_concepts_each_has_as_many_pictures_and_lacking_groups_are_left_out(
    tmp_path: Path,
) -> None:
    wanted = small_layout(tmp_path)
    more = draw_up(wanted, people(10), ENGINE)
    assert more.wanted == Targets(10, 6, 6)
    assert {len(job.subjects) for job in more.jobs if job.part == "multi"} == {2}
    assert draw_up(wanted, people(1), ENGINE).wanted == Targets(1, 1, 0)
    bench = layout_files.load("msdiffusion")
    for given, said in (([], "no concept at all; add 2 of living"),
                        (people(1, "object"), "1 of object; add 1 of living"),
                        (people(1, "living"), "1 of living; add 1 of living")):  # fmt: skip
        with pytest.raises(InvalidInput) as refused:
            draw_up(bench, given, ENGINE)
        assert str(refused.value) == f"seeds: no combination of msdiffusion fits {said}"
