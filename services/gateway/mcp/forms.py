"""What the arguments of all tools share: a plain schema, and patience with what models write."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from kith.errors import InvalidInput

Box = Annotated[list[float], Field(min_length=4, max_length=4)]
"""[x1, y1, x2, y2] in pixels of the upright photo."""

_LONGEST_VALUE = 80
"""Characters of a refused value that its error repeats."""


class Form(BaseModel):
    """An object that a model fills in."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _leniently(cls, given: Any) -> Any:  # noqa: ANN401 - whatever a model wrote
        """Models write null for what they leave out, and objects as JSON in a string."""
        if isinstance(given, str):
            return _parsed(given)
        if not isinstance(given, Mapping):
            return given
        fields = cls.model_fields
        return {
            name: value if name in fields and fields[name].annotation is str else _parsed(value)
            for name, value in given.items()
            if value is not None
        }


def schema(model: type[BaseModel]) -> JsonSchemaValue:
    """The JSON schema of `model`, in as few words as it can be said."""
    return model.model_json_schema(schema_generator=_Plain)


def read(model: type[BaseModel], given: Mapping[str, Any]) -> BaseModel:
    """`given` as `model`.

    Raises:
        InvalidInput: It is not; the error names the first field at fault.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _refusal(error.errors()[0], model) from None  # its text repeats what was given


def _refusal(found: Any, model: type[BaseModel]) -> InvalidInput:  # noqa: ANN401 - pydantic_core's
    field = ""
    for step in found["loc"]:
        field += f"[{step}]" if isinstance(step, int) else f".{step}" if field else str(step)
    match found["type"]:
        case "missing":
            what = "is missing; give it"
        case "extra_forbidden":
            what = "is not to be given; leave it out"
            if len(found["loc"]) == 1:
                what += f", there are {', '.join(model.model_fields)}"
        case "value_error":
            what = str(found["ctx"]["error"])
        case _:
            value = repr(found["input"])[:_LONGEST_VALUE]
            what = f"{value} can't be taken: {found['msg'].lower()}; correct it"
    message = f"{field}: {what}" if field else what
    return InvalidInput(message, reason="FIELD_INVALID", field=field or None)


def _parsed(value: Any) -> Any:  # noqa: ANN401 - see above
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


class _Plain(GenerateJsonSchema):
    """Says nothing of null, which is the same as left out, and repeats no name as a title."""

    def nullable_schema(self, schema: Any) -> JsonSchemaValue:  # noqa: ANN401 - pydantic_core's
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: Any) -> JsonSchemaValue:  # noqa: ANN401 - pydantic_core's
        said = super().default_schema(schema)
        if said.get("default", "") in ("", [], None):
            said.pop("default", None)
        return said

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401 - the same
        return False

    def model_schema(self, schema: Any) -> JsonSchemaValue:  # noqa: ANN401 - pydantic_core's
        said = super().model_schema(schema)
        said.pop("title", None)
        return said
