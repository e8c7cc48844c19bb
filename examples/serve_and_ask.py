"""A server in one process, and a client in another: `python examples/serve_and_ask.py`."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kith import Client

PICTURES = Path(__file__).with_name("pictures")


@contextmanager
def server(memory: str) -> Iterator[str]:
    """The address of `kith serve`, ready, in a process of its own."""
    command = [sys.executable, "-m", "kith.cli", "--memory", memory, "--json", "serve"]
    with subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            states = [json.loads(process.stdout.readline())["state"] for _ in range(2)]
            yield states[0].removeprefix("listening on ")
        finally:
            process.terminate()  # it finishes the calls that run


def main() -> None:
    """Remember two things, find them in one picture, and ask about them."""
    with tempfile.TemporaryDirectory() as memory, server(memory) as address:
        print(f"A server runs at {address}.")
        with Client(address) as kith:
            kith.remember("bo", PICTURES / "bo.png", category="dog")
            kith.remember("sunny", PICTURES / "sunny.png", category="teapot")
            for used in kith.retrieve(PICTURES / "both.png").accepted:
                print(f"<{used.concept}> is at {used.box}, {used.score:.2f}")
            for question in ("Is <bo> in this photo?", "Please provide a caption for this image."):
                print(f"{question} ", end="")
                for piece in kith.ask_stream(question, PICTURES / "both.png"):
                    print(piece.text, end="", flush=True)
                print()


if __name__ == "__main__":
    main()
