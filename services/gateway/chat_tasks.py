"""What chat front ends ask the model behind the user's back: titles, tags, follow-ups.

They send it to the model of the chat, as if the user had said it. Such a prompt quotes the chat,
and so the names in it; but it is no question about anything remembered.
"""

from collections.abc import Iterable
from typing import Final

_OPENINGS: Final = (
    # Open WebUI: the emoji of a voice call, and which tool to call.
    "Your task is to reflect the speaker's likely facial expression",
    "Available Tools:",
    # LibreChat: the title, by its two ways to ask for one.
    "Provide a concise, 5-word-or-less title for the conversation",
    "Analyze this conversation and provide:",
    # NextChat: the title, and the summary that stands for a long chat.
    "Please generate a four to five word title summarizing our conversation",
    "Summarize the discussion briefly in 200 words or less",
    # LobeChat and Chatbox: the title.
    "You are a professional conversation summarizer",
    "Based on the chat history, give this conversation a name",
)

_OPEN_WEBUI: Final = "### Task:"
"""How each of Open WebUI's templates begins: titles, tags, follow-ups, searches, completions."""

_OPEN_WEBUI_QUOTE: Final = "<chat_history>"
"""What each of them quotes; the one for questions about documents has `<context>` instead."""

_OPEN_WEBUI_QUESTION: Final = "Respond to the user query"
"""How that one goes on. What it holds is the user's own question."""


def is_task(texts: Iterable[str]) -> bool:
    """Whether one of these texts is a front end's own.

    Args:
        texts: Of a chat's instructions and of its last message.
    """
    return any(_is_task(text.strip()) for text in texts)


def _is_task(text: str) -> bool:
    if text.startswith(_OPEN_WEBUI):
        rest = text.removeprefix(_OPEN_WEBUI).lstrip()
        return _OPEN_WEBUI_QUOTE in rest and not rest.startswith(_OPEN_WEBUI_QUESTION)
    return text.startswith(_OPENINGS)
