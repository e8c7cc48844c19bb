"""The command that serves others."""

import asyncio
from typing import Annotated, Any, Final, Literal, NamedTuple

import typer
from rich.text import Text

from kith.cli.options import Context
from kith.cli.session import Session
from kith.errors import InvalidInput
from kith.local import (
    TRAINED,
    baselines_module,
    datagen_module,
    evaluation_module,
    server_module,
    settings_error,
)

app = typer.Typer()


class Served(NamedTuple):
    """Where the code of a service stands."""

    settings: str
    """Module and class of its settings."""
    serve: str
    """Module of its `serve`."""


SERVED: Final = {
    None: Served("services.assistant.settings:AssistantSettings", "services.assistant.serve"),
    "assistant": Served("services.assistant.settings:AloneSettings", "services.assistant.serve"),
    "detection": Served("services.detection.serve:DetectionSettings", "services.detection.serve"),
    "embedding": Served("services.embedding.serve:EmbeddingSettings", "services.embedding.serve"),
    "generation": Served(
        "services.generation.serve:GenerationSettings", "services.generation.serve"
    ),
    "gateway": Served("services.gateway.settings:GatewaySettings", "services.gateway.serve"),
    "datagen": Served("datagen.service.settings:DatagenSettings", "datagen.service.serve"),
    "evaluation": Served(
        "evaluation.service.settings:EvaluationSettings", "evaluation.service.serve"
    ),
}

TRAINED_SERVED: Final = {
    None: Served("services.baselines.settings:TrainingSettings", "services.baselines.serve"),
    "assistant": Served(
        "services.baselines.settings:AloneTrainingSettings", "services.baselines.serve"
    ),
}
"""The same, where the method trains."""

ServiceName = Literal[
    "assistant", "detection", "embedding", "generation", "gateway", "datagen", "evaluation"
]


@app.command()
def serve(
    context: Context,
    service: Annotated[
        ServiceName | None,
        typer.Argument(
            help="Only this one, beside the others; left out, all that a memory needs, in one "
            "process.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Where to listen; left out, KITH_HOST or 127.0.0.1."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="0 for a free one; left out, KITH_PORT or 7450 (detection 7451, embedding 7452, "
            "generation 7453, datagen 7456, evaluation 7457, gateway 7460).",
        ),
    ] = None,
    production: Annotated[
        bool, typer.Option("--production", help="No reflection: callers have the contract.")
    ] = False,
) -> None:
    """Serve other programs, until Ctrl-C.

    Whatever else an operator can set comes from KITH_... variables; docs/operate.md lists them.
    """
    session = context.obj
    session.refuse_server("serve")
    chosen = settings_of(session, service, host=host, port=port, production=production or None)
    trains = getattr(chosen, "method", None) in TRAINED
    served = TRAINED_SERVED[service] if trains else SERVED[service]
    server_module("services.runtime.logs").start_logging(chosen.log_level)

    def announce(what: str) -> None:
        session.show({"state": what}, Text(f"Kith is {what}"))

    asyncio.run(_module(service, served.serve).serve(chosen, announce))


def settings_of(session: Session, service: ServiceName | None, **given: object) -> Any:  # noqa: ANN401 - each service has its own
    """The settings of a service, from the variables and what is given before them.

    Raises:
        InvalidInput: A setting can't be understood, or the service has no use for it.
        Refused: A package that the service needs is missing.
    """
    settings = _class(service, SERVED[service])
    for option in ("user", "memory", "method", "profile", "weights"):
        given[option] = getattr(session, option)
    given = {option: value for option, value in given.items() if value is not None}
    for option in given:
        if option not in settings.model_fields:
            raise InvalidInput(
                f"{option}: 'kith serve {service}' has no use for it; leave --{option} out",
                reason="OPTION_CONFLICT",
                field=option,
            )
    try:
        chosen = settings(**given)
        if service in TRAINED_SERVED and chosen.method in TRAINED:
            return _class(service, TRAINED_SERVED[service])(**given)
        return chosen
    except ValueError as error:
        raise settings_error(error) from error


def _class(service: ServiceName | None, served: Served) -> Any:  # noqa: ANN401 - each has its own
    module, _, name = served.settings.partition(":")
    return getattr(_module(service, module), name)


def _module(service: ServiceName | None, name: str) -> Any:  # noqa: ANN401 - see kith.local
    if name.startswith("services.baselines"):
        return baselines_module(name)
    rooms = {"datagen": datagen_module, "evaluation": evaluation_module}
    return rooms.get(service or "", server_module)(name)
