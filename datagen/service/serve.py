"""`kith serve datagen`: datasets made for others, in a process of its own."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack

from datagen.layout import load
from datagen.service import servicer
from datagen.service.books import Books
from datagen.service.material import Material
from datagen.service.place import layouts, sweep
from datagen.service.settings import DatagenSettings
from datagen.service.workshop import Workshop
from kith.errors import Refused
from services.runtime import serving
from services.runtime.operations import OPERATIONS
from services.runtime.server import Server
from services.runtime.worker import ModelWorker


async def serve(settings: DatagenSettings, announce: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM; see `serving.serve`.

    Jobs that an earlier process left open are gone on with. When it stops, the picture in hand is
    finished first.

    Raises:
        InvalidInput: A pool holds no picture; a layout does not fit together.
        Refused: The folder can't be written; SAM can't be loaded; the port is taken.
    """
    root = settings.datagen_dir
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(
            f"datagen_dir: can't write {root}: {error.strerror}; name another folder",
            reason="FOLDER_UNWRITABLE",
            field="datagen_dir",
        ) from error
    for path in layouts(root):
        load(str(path))
    workshop = Workshop(root, settings.models, settings.max_jobs)
    with ExitStack() as resources:

        async def start(server: Server) -> None:
            material, unpacking = Material(settings), ModelWorker("seed sets", max_waiting=4)
            resources.callback(material.close)
            resources.callback(unpacking.close)
            await material.get_ready()
            await asyncio.to_thread(sweep, root)
            resources.callback(workshop.close)
            await asyncio.to_thread(workshop.open)
            books = Books(root, workshop, settings.models)
            for service in servicer.services(books, material, unpacking):
                server.add(service)

        await serving.serve(settings, [servicer.DATAGEN, OPERATIONS], start, announce)
