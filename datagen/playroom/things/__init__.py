"""What every category looks like: one drawer a category, all recorded through `draw`."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

from datagen.playroom.brush import Brush, Drawing
from datagen.playroom.concept import Concept
from datagen.playroom.things import animals, landmarks, objects, people, scenes, vessels, wear
from datagen.playroom.things.look import Frame, Look

_BODIES: Mapping[str, Callable[[Brush, Look, str], Frame]] = MappingProxyType(
    {
        "person": people.person,
        "cartoon character": people.character,
        "dog": animals.dog,
        "cat": animals.cat,
    }
)
_THINGS: Mapping[str, Callable[[Brush, Look], None]] = MappingProxyType(
    {
        "landmark": landmarks.landmark,
        "plush toy": objects.plush_toy,
        "cup": vessels.cup,
        "shoe": objects.shoe,
        "backpack": objects.backpack,
        "teapot": vessels.teapot,
        "lantern": objects.lantern,
        "clock": objects.clock,
        "vase": vessels.vase,
        "can": vessels.can,
        "ball": objects.ball,
        "toy car": objects.toy_car,
        "bottle": vessels.bottle,
        "mountain": scenes.mountain,
        "waterfall": scenes.waterfall,
        "forest": scenes.forest,
        "barn": scenes.barn,
    }
)
_WEAR: Mapping[str, Callable[[Brush, Look, Frame], None]] = MappingProxyType(
    {"shirt": wear.shirt, "trousers": wear.trousers, "dress": wear.dress, "hat": wear.hat}
)
# The order in which clothes are put on, the lowest layer first.
DRESSING_ORDER: tuple[str, ...] = tuple(_WEAR)


@lru_cache(maxsize=256)
def draw(concept: Concept, action: str, worn: tuple[Concept, ...] = ()) -> tuple[Drawing, ...]:
    """The thing itself and then each garment it wears, all in one frame of reference.

    Args:
        concept: what to draw.
        action: one of `ACTIONS` of its group.
        worn: garments, in `DRESSING_ORDER`.
    """
    brush = Brush()
    look = Look(concept)
    if concept.category in _BODIES:
        frame = _BODIES[concept.category](brush, look, action)
        return (brush.finish(), *(_garment(piece, frame) for piece in worn))
    if concept.category in _WEAR:
        return (_garment(concept, wear.mannequin()),)
    if action == "tilted":
        with brush.moved(turn=24):
            _THINGS[concept.category](brush, look)
    else:
        _THINGS[concept.category](brush, look)
    drawing = brush.finish()
    if concept.group == "scene":
        drawing = Drawing(drawing.picture, scenes.FIELD)
    return (drawing,)


def _garment(concept: Concept, frame: Frame) -> Drawing:
    brush = Brush()
    _WEAR[concept.category](brush, Look(concept), frame)
    return brush.finish()
