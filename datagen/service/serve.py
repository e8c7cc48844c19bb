"""`kith serve datagen`: datasets made for others, in a process of its own."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack

from datagen.layout_files import load
from datagen.service import servicer
from datagen.service.books import Books
from datagen.service.drawing import Drawing
from datagen.service.material import Material
from datagen.service.place import layouts
from datagen.service.settings import DatagenSettings
from kith.errors import Refused
from services.runtime import serving
from services.runtime.operations import OPERATIONS
from services.runtime.server import Server
from services.runtime.user_folder import sweep
from services.runtime.worker import ModelWorker
from services.runtime.workshop import Workshop


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
    books = books_of(settings)
    with ExitStack() as resources:

        async def start(server: Server) -> None:
            material, unpacking = Material(settings), ModelWorker("seed sets", max_waiting=4)
            resources.callback(material.close)
            resources.callback(unpacking.close)
            await material.get_ready()
            await asyncio.to_thread(sweep, root)
            resources.callback(books.workshop.close)
            await asyncio.to_thread(books.workshop.open)
            for service in servicer.services(books, material, unpacking):
                server.add(service)

        await serving.serve(settings, [servicer.DATAGEN, OPERATIONS], start, announce)


def books_of(settings: DatagenSettings) -> Books:
    """What the calls share; its workshop is not open yet."""
    root, drawing = settings.datagen_dir, Drawing(settings.datagen_dir, settings.models)
    workshop = Workshop(root, drawing.carry_out, settings.max_jobs, "datasets")
    return Books(root, drawing, workshop)
