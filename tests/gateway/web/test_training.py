"""The page in front of a method that trains."""

from pathlib import Path

from playwright.sync_api import expect

from tests.baselines.service import BO
from tests.baselines.steps import Steps
from tests.gateway.training import training_gateway
from tests.gateway.web.conftest import Opener
from tests.gateway.web.hands import Hands


def test_a_concept_is_learned_before_it_is_known(open_page: Opener, tmp_path: Path) -> None:
    steps = Steps()
    photos = tmp_path / "photos"
    photos.mkdir()
    with training_gateway(tmp_path, steps) as url:
        steps.may_go.let(1)
        hands = Hands(open_page(url), photos)
        hands.choose("Add a photo", *(hands.photo(thing) for thing in BO))
        hands.form.get_by_label("Name").fill("bo")
        hands.page.get_by_role("button", name="Remember", exact=True).click()
        expect(hands.page.get_by_text("Kith learns bo now")).to_be_visible()
        expect(hands.card("bo")).to_contain_text("training")
        steps.may_go.set()
        expect(hands.card("bo")).not_to_contain_text("training")
        assert "bo" in hands.ask("Who is <bo>?").inner_text()
