"""The verbs on photos and questions: retrieve, recognize, ask."""

from collections.abc import Sequence

from kith import replies
from kith.messages import Answer, Capabilities, Piece, Recognition, Retrieval
from kith.photos import Photo
from kith.v1 import common_pb2, query_pb2
from kith.verbs import requests
from kith.verbs.calls import PARENT, Call, Stream, Verb


def retrieve(image: Photo) -> Verb[Retrieval]:
    """Find the concepts a photo shows, and where; the language model is not asked."""
    request = query_pb2.RetrieveRequest(parent=PARENT, images=[requests.image(image)])
    response: query_pb2.RetrieveResponse = yield Call("Retrieve", request)
    return replies.retrieval(response.retrievals[0])


def recognize(image: Photo, concepts: Sequence[str]) -> Verb[list[Recognition]]:
    """Say of each concept, in order, whether the photo shows it.

    Raises:
        NotFound: There is no concept of one of the names.
    """
    request = query_pb2.RecognizeRequest(
        parent=PARENT, image=requests.image(image), concepts=concepts
    )
    response: query_pb2.RecognizeResponse = yield Call("Recognize", request)
    return [replies.recognition(one) for one in response.recognitions]


def ask(
    question: str, image: Photo | None = None, *, concepts: Sequence[str] | None = None
) -> Verb[Answer]:
    """Answer a question, about a photo or from the memory alone.

    `<bo>` in the question stands for the concept of that name, whether or not it is in the photo.

    Args:
        question: In words.
        image: What it is about.
        concepts: The only concepts to draw on, by display or resource name; none of them asks the
            plain model. Left out, those that the method finds.

    Raises:
        NotFound: There is no concept of one of the names.
    """
    pieces: list[Piece] = yield ask_stream(question, image, concepts=concepts)
    return next(piece.answer for piece in reversed(pieces) if piece.answer)


def ask_stream(
    question: str, image: Photo | None = None, *, concepts: Sequence[str] | None = None
) -> Stream[Piece]:
    """Answer a question piece by piece; the last piece brings the whole answer."""
    parts = [common_pb2.Part(text=question)]
    if image is not None:
        parts.insert(0, common_pb2.Part(image=requests.image(image)))
    turn = common_pb2.Turn(role=common_pb2.ROLE_USER, parts=parts)
    said: list[str] = []

    def read(message: query_pb2.GenerateResponse) -> Piece:
        if message.HasField("end"):
            return Piece("", replies.answer("".join(said), message.end))
        said.append(message.text)
        return Piece(message.text)

    given = None if concepts is None else query_pb2.GivenConcepts(concepts=concepts)
    request = query_pb2.GenerateRequest(parent=PARENT, turns=[turn], given_concepts=given)
    return Stream(Call("Generate", request), read)


def capabilities() -> Verb[Capabilities]:
    """Say what the method behind the server needs and can do."""
    return replies.capabilities((yield Call("GetCapabilities", query_pb2.GetCapabilitiesRequest())))
