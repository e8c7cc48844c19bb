"""What would come of a wish, before it is taken for an order."""

import time
from pathlib import Path

from datagen.identities import identities
from datagen.layout_files import load
from datagen.making import Order
from datagen.plan import draw_up
from datagen.service.place import Place
from datagen.service.seed_sets import read
from datagen.service.wishes import Ordered, Wish
from kith.errors import InvalidInput, KithError, Refused


def order_of(place: Place, dataset_id: str, wish: Wish, models: Path | None) -> Order:
    """A wish in the words of `datagen.making`.

    Raises:
        NotFound: The service has no such layout, or not any more.
    """
    return Order(
        engine=wish.engine,
        split=place.split(wish.split),
        out=place.data(dataset_id),
        seeds=place.seed_set_folder(wish.seed_set) if wish.seed_set else None,
        models=models if wish.engine == "msdiffusion" else None,
        seed=wish.seed,
        limit=wish.limit,
    )


def study(place: Place, wish: Wish, models: Path | None) -> Ordered:
    """What would come of a wish. Reads the seeds and plans; draws and writes nothing.

    Raises:
        InvalidInput: It does not fit together, or the seeds do not.
        NotFound: There is no such layout, or the seed set is deleted meanwhile.
        Refused: The service can't draw with that engine.
    """
    if wish.engine == "msdiffusion" and models is None:
        raise Refused(
            "engine: this service has no models of MS-Diffusion; take Playroom, or ask its "
            "operator to set KITH_MODELS",
            reason="ENGINE_UNAVAILABLE",
            field="engine",
        )
    if (wish.engine == "msdiffusion") != bool(wish.seed_set):
        need = "leave it out" if wish.seed_set else "upload one and name it"
        raise InvalidInput(
            "seed_set: MS-Diffusion draws the concepts of a seed set, Playroom its own; " + need,
            reason="SEED_SET_CONFLICT",
            field="seed_set",
        )
    try:
        order = order_of(place, "none", wish, models)
        layout = load(order.split)
        if wish.seed_set:
            concepts = [one.concept for one in read(place, wish.seed_set, layout).seeds]
        else:
            concepts = [one.concept for one in identities(layout, wish.seed)]
        plan = draw_up(layout, concepts, {"name": wish.engine}, wish.seed, wish.limit)
    except KithError as error:
        raise place.as_called(error, models) from error
    return Ordered(wish=wish, planned=len(plan.jobs), created=time.time(), concepts=len(concepts))
