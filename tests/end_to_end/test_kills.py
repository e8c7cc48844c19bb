"""Each service is killed under load, over and over: no acknowledged edit is lost, all recovers."""

import base64
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import openai
import pytest

from kith import Client
from kith.errors import KithError, Overloaded, Unavailable
from tests.end_to_end.fleet import fleet
from tests.end_to_end.test_up import PICTURE

ROUNDS = 4
"""In each, every one of the five services is killed once: 20 kills."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


class Load:
    """Callers who go on whatever happens, and write down what did."""

    def __init__(self, address: str, gateway: str) -> None:
        self.acknowledged: list[str] = []
        self.answers = self.chats = 0
        self.errors: list[KithError | openai.OpenAIError] = []
        self._address = address
        self._openai = openai.OpenAI(base_url=f"{gateway}/v1", api_key="none", max_retries=0)
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._go_on, args=(act,))
            for act in (self._remember, self._ask, self._chat)
        ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self) -> None:
        """Until all callers get what they ask for again."""
        before, until = self._done(), time.monotonic() + 120
        while any(now == then for now, then in zip(self._done(), before, strict=True)):
            assert time.monotonic() < until, f"nothing gets done any more: {self.errors[-3:]}"
            time.sleep(0.1)

    def _done(self) -> tuple[int, int, int]:
        return len(self.acknowledged), self.answers, self.chats

    def _go_on(self, act: Callable[[Client, int], None]) -> None:
        with Client(self._address) as kith:
            for number in count():
                if self._over.wait(0.05):
                    return
                try:
                    act(kith, number)
                except (KithError, openai.OpenAIError) as error:
                    self.errors.append(error)

    def _remember(self, kith: Client, number: int) -> None:
        name = f"n{number}"
        kith.remember(name, PICTURE, category="dog", description="A dog.")
        self.acknowledged.append(name)

    def _ask(self, kith: Client, number: int) -> None:
        kith.ask("Who is this?", PICTURE)
        self.answers += 1

    def _chat(self, _kith: Client, _number: int) -> None:
        url = f"data:image/png;base64,{base64.b64encode(PICTURE.read_bytes()).decode()}"
        photo = {"type": "image_url", "image_url": {"url": url}}
        text = {"type": "text", "text": "Who is this?"}
        self._openai.chat.completions.create(
            model="kith", messages=[{"role": "user", "content": [photo, text]}], max_tokens=8
        )
        self.chats += 1


def passing(error: Exception) -> bool:
    """Whether it tells the caller to try again."""
    if isinstance(error, openai.APIStatusError):
        return error.status_code in (429, 503)
    return isinstance(error, Unavailable | Overloaded | openai.APIConnectionError)


def test_no_kill_loses_an_edit_and_all_recovers_without_a_restart_of_the_others(
    tmp_path: Path,
) -> None:
    with fleet(tmp_path) as services:
        address = services.children["assistant"].address
        with Load(address, services.children["gateway"].address) as load:
            load.wait_for_more()
            for _ in range(ROUNDS):
                for name, child in services.children.items():
                    services.kill(name)
                    time.sleep(0.5)
                    services.start(name)
                    services.wait_for(child)
                    load.wait_for_more()
        assert [error for error in load.errors if not passing(error)] == []
        with Client(address) as kith:
            there = {concept.display_name for concept in kith.list_concepts()}
        assert set(load.acknowledged) <= there
