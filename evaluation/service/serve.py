"""`kith serve evaluation`: methods measured for others, in a process of its own."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from evaluation.service.books import Books
from evaluation.service.calls import EvaluationServicer
from evaluation.service.measuring import Measuring
from evaluation.service.settings import EvaluationSettings
from kith.errors import Refused
from kith.v1 import evaluation_pb2, evaluation_pb2_grpc
from services.runtime import serving
from services.runtime.job_book import FolderJobs
from services.runtime.operations import OPERATIONS, operations_of
from services.runtime.server import Server, Service
from services.runtime.user_folder import sweep
from services.runtime.workshop import Workshop

EVALUATION = evaluation_pb2.DESCRIPTOR.services_by_name["Evaluation"]

MOST: Final = 4
"""Operations on a page: a large report has half a megabyte of figures, and a caller that says
nothing takes 4 MiB."""


async def serve(settings: EvaluationSettings, announce: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM; see `serving.serve`.

    Jobs that an earlier process left open are gone on with. When it stops, the questions that are
    under way are answered first.

    Raises:
        Refused: The folder can't be written; the port is taken.
    """
    root = settings.evaluation_dir
    try:
        (root / "datasets").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(
            f"evaluation_dir: can't write {root}: {error.strerror}; name another folder",
            reason="FOLDER_UNWRITABLE",
            field="evaluation_dir",
        ) from error
    books = books_of(settings)
    with ExitStack() as resources:

        async def start(server: Server) -> None:
            await asyncio.to_thread(sweep, root)
            resources.callback(books.workshop.close)
            await asyncio.to_thread(books.workshop.open)
            for service in services(books):
                server.add(service)

        await serving.serve(settings, [EVALUATION, OPERATIONS], start, announce)


def books_of(settings: EvaluationSettings) -> Books:
    """What the calls share; its workshop is not open yet."""
    root, measuring = settings.evaluation_dir, Measuring(settings)
    workshop = Workshop(root, measuring.carry_out, settings.max_jobs, "evaluations")
    return Books(root, measuring, workshop)


def services(books: Books) -> list[Service]:
    """`kith.v1.Evaluation`, and the operations that it returns, ready to be served."""
    return [
        Service(
            EVALUATION,
            evaluation_pb2_grpc.add_EvaluationServicer_to_server,
            EvaluationServicer(books),
        ),
        operations_of(FolderJobs(books.workshop, books.place, books.operation, MOST)),
    ]
