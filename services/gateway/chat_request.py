"""A chat as OpenAI's clients send it, to a chat of the contract."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from kith.errors import InvalidInput, KithError
from kith.v1 import common_pb2, query_pb2
from kith.verbs.calls import PARENT
from services.gateway.chat_tasks import is_task

TakeUpload = Callable[[str], bytes]
"""Gives the photo behind a handle."""

_MOST_TOKENS: Final = 4096
"""Of an answer; front ends ask for more than any model here can say, and mean "enough"."""

_UNSUPPORTED: Final[Mapping[str, tuple[object, ...]]] = MappingProxyType(
    {
        "audio": (),
        "function_call": ("none", "auto"),
        "functions": ([],),
        "logit_bias": ({},),
        "logprobs": (False,),
        "modalities": (["text"],),
        "n": (1,),
        "response_format": ({"type": "text"},),
        "tool_choice": ("none", "auto"),
        "tools": ([],),
        "top_logprobs": (0,),
        "web_search_options": (),
    }
)
"""What would make the answer another one than Kith can give, and the values that ask for nothing.

All else that is not known is a hint (`top_p`, `seed`, `user`, …), and left unread.
"""

_DATA_URL: Final = re.compile(r"data:image/[\w.+-]+;base64,(.+)", re.DOTALL | re.ASCII)
_PLACE: Final = re.compile(
    r"turns\[(\d+)\](?:(\.parts)(?:\[(\d+)\](?:\.image\.data|\.image|\.text)?)?)?"
)


def _whole(text: str) -> str:
    text.encode()  # fails on half a character, which JSON can tell of
    return text


Text = Annotated[str, AfterValidator(_whole)]


class ImageUrl(BaseModel):
    """A picture: itself as a data URL, or the handle of an upload."""

    url: str | None = None
    upload: str | None = None


class TextPart(BaseModel):
    """A text."""

    type: Literal["text"]
    text: Text


def _object(picture: object) -> object:
    if isinstance(picture, str):
        raise ValueError(f'{picture[:40]!r} is no object; send {{"url": "data:image/…;base64,…"}}')
    return picture


class ImagePart(BaseModel):
    """A picture."""

    type: Literal["image_url"]
    image_url: Annotated[ImageUrl, BeforeValidator(_object, json_schema_input_type=ImageUrl)]


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


def _parts(content: object) -> object:
    """A message's content as a list, however it was given."""
    if content is None:
        return []
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


class Message(BaseModel):
    """What one side said, or how it shall speak."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[
        list[Part],
        BeforeValidator(_parts, json_schema_input_type=str | list[Part] | None),
    ] = Field(default_factory=list)

    @property
    def text(self) -> str:
        """Its texts, a line each."""
        return "\n".join(part.text for part in self.content if isinstance(part, TextPart))


class StreamOptions(BaseModel):
    """What a stream brings besides the answer."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """A chat that waits for an answer."""

    model_config = ConfigDict(extra="allow")

    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    stop: Annotated[
        list[Text],
        BeforeValidator(
            lambda stop: [] if stop is None else [stop] if isinstance(stop, str) else stop,
            json_schema_input_type=str | list[str] | None,
        ),
    ] = Field(default_factory=list)

    @property
    def is_task(self) -> bool:
        """Whether a front end asks this for itself."""
        instructions = [one.text for one in self.messages if one.role in ("system", "developer")]
        return is_task([*instructions, self.messages[-1].text])


class Chat:
    """The request for an answer, and where in OpenAI's terms each part of it came from.

    Args:
        chat: As it was sent.
        take: Gives the photos that the chat names by their handles.

    Raises:
        InvalidInput: It asks for what Kith can't do, or a picture is none.
        NotFound: There is no such upload.
    """

    def __init__(self, chat: ChatRequest, take: TakeUpload) -> None:
        for name, neutral in _UNSUPPORTED.items():
            value = (chat.model_extra or {}).get(name)
            if value is not None and value not in neutral:
                raise _refused(name, f"{value!r:.80} is not supported; leave it out")
        limits = common_pb2.Limits(temperature=chat.temperature or 0, stop=chat.stop)
        if most := chat.max_completion_tokens or chat.max_tokens:
            limits.max_tokens = min(most, _MOST_TOKENS)
        self.request = query_pb2.GenerateRequest(parent=PARENT, limits=limits)
        self._places: list[list[str]] = []
        self._take = take
        for number, message in enumerate(chat.messages):
            self._add(message, f"messages[{number}]")

    def retell(self, error: KithError) -> None:
        """Puts an error of the assistant about this chat in OpenAI's terms."""
        error.args = (self._in_their_words(str(error)),)
        error.field = error.field and self._in_their_words(error.field)

    def _add(self, message: Message, place: str) -> None:
        """Adds what was said; instructions become part of what the user says next."""
        role = common_pb2.ROLE_ASSISTANT if message.role == "assistant" else common_pb2.ROLE_USER
        parts = []
        for number, part in enumerate(message.content):
            where = f"{place}.content[{number}]"
            if isinstance(part, ImagePart):
                photo = self._photo(part.image_url, f"{where}.image_url")
                parts.append((common_pb2.Part(image=common_pb2.Image(data=photo)), where))
            elif part.text:
                parts.append((common_pb2.Part(text=part.text), where))
        if not parts:
            return
        turns = self.request.turns
        # The contract's sides take turns; several messages of one side are one turn of it.
        if not turns or turns[-1].role != role:
            turns.add(role=role)
            self._places.append([])
        for made, where in parts:
            turns[-1].parts.append(made)
            self._places[-1].append(where)

    def _photo(self, picture: ImageUrl, where: str) -> bytes:
        if picture.upload is not None:
            return self._take(picture.upload)
        url = picture.url or ""
        if url.lower().startswith(("http:", "https:")):
            raise _refused(
                f"{where}.url", "remote pictures are never fetched; send a data URL instead"
            )
        match = _DATA_URL.fullmatch(url)
        if not match:
            raise _refused(f"{where}.url", "is no 'data:image/…;base64,…'; send the picture so")
        try:
            return base64.b64decode(match[1], validate=True)
        except (binascii.Error, ValueError) as error:
            raise _refused(f"{where}.url", "is not valid base64; encode it again") from error

    def _in_their_words(self, text: str) -> str:
        def place(match: re.Match[str]) -> str:
            turn = self._places[int(match[1])]
            if match[3]:
                return turn[int(match[3])]
            return turn[0].partition(".")[0] + (".content" if match[2] else "")

        text = _PLACE.sub(place, text)
        return re.sub(r"^turns\b", "messages", text).removeprefix("limits.")


def _refused(field: str, what: str) -> InvalidInput:
    return InvalidInput(f"{field}: {what}", reason="PARAMETER_UNSUPPORTED", field=field)
