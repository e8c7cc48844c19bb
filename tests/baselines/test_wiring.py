"""How a service whose method trains is put together, by the command line and in a program."""

from pathlib import Path

import pytest

from kith import Client
from kith.cli import main
from kith.cli.server import settings_of
from kith.cli.session import Session
from kith.errors import InvalidInput, Refused
from kith.local import TRAINED
from services.assistant.stages import Embedder
from services.baselines.base_model import BaseModel
from services.baselines.methods import METHODS, method
from services.baselines.settings import AloneTrainingSettings, TrainingSettings
from services.baselines.wiring import assembled
from services.runtime.profile import Profile
from services.runtime.server import Server
from services.runtime.weights import fingerprint_of
from tests.baselines.pictures import strangers


def session(**chosen: object) -> Session:
    named = ("server", "memory", "user", "token", "method", "profile", "weights")
    return Session(**{name: chosen.get(name) for name in named}, as_json=True)  # type: ignore[arg-type]


def test_the_client_knows_the_methods_that_train() -> None:
    assert set(TRAINED) == set(METHODS)
    for name in TRAINED:
        can = method(name).capabilities
        assert (can.method, can.training, can.retrieval) == (name, True, False)
        assert not can.real_time_edit


@pytest.mark.parametrize(
    ("service", "settings"), [(None, TrainingSettings), ("assistant", AloneTrainingSettings)]
)
def test_the_settings_are_those_of_the_method(
    service: str, settings: type, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KITH_NEGATIVES", str(tmp_path))
    chosen = settings_of(session(method="yollava-s"), service)  # type: ignore[arg-type]
    assert type(chosen) is settings
    assert chosen.negatives == tmp_path
    monkeypatch.setenv("KITH_METHOD", "myvlm")
    assert type(settings_of(session(), service)) is settings  # type: ignore[arg-type]
    assert not isinstance(settings_of(session(method="rap"), service), TrainingSettings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ({"generation_url": "http://127.0.0.1:1/v1"}, "OPTION_CONFLICT"),
        ({"negatives": Path("nowhere")}, "FOLDER_MISSING"),
        ({"further_methods": {"mc-llava": 7455}}, "METHOD_UNKNOWN"),
        ({"method": "magic"}, "METHOD_UNKNOWN"),
    ],
)
async def test_what_can_not_be_served_is_told_at_once(
    tmp_path: Path, chosen: dict[str, object], reason: str
) -> None:
    settings = TrainingSettings(**{"memory": tmp_path, "method": "yollava-s", **chosen})
    with pytest.raises(InvalidInput) as refused:
        async with assembled(settings):
            pass
    assert refused.value.reason == reason


async def test_one_language_model_answers_for_all_methods_of_a_process(tmp_path: Path) -> None:
    settings = TrainingSettings(
        memory=tmp_path, port=0, grace_s=0, method="yollava-s", further_methods={"rap": 1}
    )
    async with assembled(settings) as assembly:
        names = [one.descriptor.name for one in assembly.services]
        assert names == ["Assistant", "Operations", "Detection", "Embedding", "Generation"]
        assert list(assembly.further) == [1]
        async with Server(settings, assembly.services):
            await assembly.load()
            rap = assembly.further[1].servicer.assistant  # type: ignore[attr-defined]
            trained = assembly.services[0].servicer.assistant  # type: ignore[attr-defined]
            assert rap.stages is trained.stages
            embedder: Embedder = rap.stages.embedder
            assert trained.known.memory == embedder.name


@pytest.mark.timeout(240)
def test_in_a_program_and_on_the_command_line_nothing_runs_beside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    memory = tmp_path / "memory"
    with Client(method="yollava-m", memory=memory) as kith:
        can = kith.capabilities()
        assert can.max_concepts_at_once == 16
        folder = Profile.load("pocket").generator.directory
        told = {model.stage: model.fingerprint for model in can.models}
        assert (
            told["generation"] == BaseModel(Profile.load("pocket").generator, "cpu", 0).fingerprint
        )
        assert told["generation"] == fingerprint_of(folder)
        with pytest.raises(Refused) as refused:
            kith.remember("bo", strangers(5), category="dog")
        assert refused.value.reason == "NEGATIVES_MISSING"
        with pytest.raises(InvalidInput, match="2 photos"):
            kith.remember("bo", strangers(2), category="dog")
    capsys.readouterr()
    assert main(["--method", "yollava-s", "--memory", str(memory), "--json", "list"]) == 0
    assert capsys.readouterr().out == '{"concepts": []}\n'
