"""What an operator may set on the service that measures methods."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from kith.local import data_folder
from services.runtime.listed import Paired
from services.runtime.settings import CallerSettings


def _address(value: str) -> str:
    """An address, if it looks like one: who answers there is seen when it is asked."""
    host, _, port = value.rpartition(":")
    if not (value.startswith("unix:") or (host and port.isdecimal())):
        raise ValueError(f"{value!r} is not HOST:PORT; give it as in kith=127.0.0.1:7450")
    return value


_Address = Annotated[str, AfterValidator(_address)]


class EvaluationSettings(CallerSettings):
    """Settings of `kith serve evaluation`, from `KITH_*` variables where they are not given."""

    port: int = Field(default=7457, ge=0, le=65535)
    """TCP port; 0 takes a free one."""

    evaluation_dir: Annotated[Path, AfterValidator(Path.resolve)] = Field(
        default_factory=lambda: data_folder() / "kith-evaluation"
    )
    """Folder of everybody's reports and jobs, and of the datasets, as `datasets/NAME`. Several
    servers may share one."""

    evaluation_methods: Paired[_Address] = Field(default_factory=dict)
    """The methods that can be measured and where an assistant of each listens, as in
    kith=127.0.0.1:7450,rap=127.0.0.1:7550."""

    evaluation_token: SecretStr | None = None
    """Bearer token that is shown to these assistants: of a user whose memory may be filled and
    emptied. Unset: the evaluator uses users of its own."""

    max_jobs: int = Field(default=16, ge=1)
    """Evaluations that may wait for their turn, the one at work included; more are refused with
    RESOURCE_EXHAUSTED."""
