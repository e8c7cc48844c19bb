import re
from pathlib import Path

import pytest

from tests.contract.reader import Contract

DESIGN = Path(__file__).resolve().parents[3] / "shared" / "design.md"
UNARY, SENDS, STREAMS = "unary", "client stream", "server stream"
# What people and services build on: a change here is a change of the contract.
RPCS = {
    "Assistant": {
        "Remember": UNARY,
        "TrainConcepts": UNARY,
        "GetConcept": UNARY,
        "ListConcepts": UNARY,
        "UpdateConcept": UNARY,
        "GetView": UNARY,
        "AddViews": UNARY,
        "RemoveViews": UNARY,
        "RejectMatch": UNARY,
        "Forget": UNARY,
        "Unforget": UNARY,
        "WatchConcepts": STREAMS,
        "ImportMemory": SENDS,
        "ExportMemory": STREAMS,
        "Retrieve": UNARY,
        "Recognize": UNARY,
        "Generate": STREAMS,
        "GetCapabilities": UNARY,
    },
    "Detection": {"Detect": UNARY, "GetDetectionModel": UNARY},
    "Embedding": {"EmbedImages": UNARY, "EmbedTexts": UNARY, "GetEmbeddingModel": UNARY},
    "Generation": {"Generate": STREAMS, "GetGenerationModel": UNARY},
    "Datagen": {
        "UploadSeedSet": SENDS,
        "ListSeedSets": UNARY,
        "DeleteSeedSet": UNARY,
        "MakeDataset": UNARY,
        "WatchDataset": STREAMS,
        "GetDataset": UNARY,
        "ListDatasets": UNARY,
        "DownloadDataset": STREAMS,
        "DeleteDataset": UNARY,
        "MineNegatives": STREAMS,
        "MakeMask": UNARY,
    },
    "Evaluation": {
        "RunEvaluation": UNARY,
        "WatchEvaluation": STREAMS,
        "GetReport": UNARY,
        "ListReports": UNARY,
        "DownloadReport": STREAMS,
        "DeleteReport": UNARY,
    },
}


def test_the_services_and_their_rpcs_are_these(contract: Contract) -> None:
    kinds = {(False, False): UNARY, (True, False): SENDS, (False, True): STREAMS}
    found = {
        name: {
            rpc.name: kinds[rpc.client_streaming, rpc.server_streaming] for rpc in service.method
        }
        for name, service in contract.services.items()
    }

    assert found == RPCS


def test_every_rpc_that_the_design_names_is_there() -> None:
    if not DESIGN.exists():
        pytest.skip(f"the design is not beside this checkout: {DESIGN}")
    api = DESIGN.read_text(encoding="utf-8").split("## The API")[1].split("\n## ")[0]
    named = set()
    for line in api.splitlines():
        if line.startswith(("- `Assistant`", "- `Detection", "- `Embedding")):
            # `Remember` ..., `Detection.Detect`, `EmbedImages` / `EmbedTexts`
            named |= set(re.findall(r"`(?:[A-Z]\w+\.)?([A-Z][a-z]\w+)`", line))

    assert {"Remember", "Detect", "EmbedTexts", "Generate"} <= named
    assert named - {"Assistant"} <= {rpc for rpcs in RPCS.values() for rpc in rpcs}


def test_only_jobs_and_trainings_are_operations(contract: Contract) -> None:
    operations = {
        rpc.name
        for service in contract.services.values()
        for rpc in service.method
        if rpc.output_type == ".google.longrunning.Operation"
    }

    assert operations == {"Remember", "TrainConcepts", "MakeDataset", "RunEvaluation"}


def test_only_names_and_parents_say_whose_a_thing_is(contract: Contract) -> None:
    assert [name for name, _ in contract.sent_fields() if re.search(r"\.user(_id)?$", name)] == []
