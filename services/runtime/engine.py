"""Where the language model runs when an engine such as vLLM runs it."""

from pydantic import HttpUrl, SecretStr

from services.runtime.settings import ServerSettings


class EngineSettings(ServerSettings):
    """Settings of whichever process answers with the language model."""

    generation_url: HttpUrl | None = None
    """The OpenAI API of an engine, as in `http://127.0.0.1:8000/v1`; unset: the language model of
    the profile runs in this process."""

    generation_key: SecretStr | None = None
    """The engine's bearer token."""

    generation_model: str | None = None
    """Which of the engine's models; unset when it has but one."""
