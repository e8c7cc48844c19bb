"""Prompts of chat front ends are told from what people ask."""

import pytest

from services.gateway.chat_request import ChatRequest
from services.gateway.chat_tasks import is_task

HISTORY = "<chat_history>\nUSER: Is <bo> here?\nASSISTANT: Yes.\n</chat_history>"

TASKS = {
    "Open WebUI, title": f"### Task:\nGenerate a concise, 3-5 word title with an emoji.\n{HISTORY}",
    "Open WebUI, tags": f"### Task:\nGenerate 1-3 broad tags.\n### Chat History:\n{HISTORY}",
    "Open WebUI, follow-ups": f"### Task:\nSuggest 3-5 relevant follow-up questions.\n{HISTORY}",
    "Open WebUI, search": f"### Task:\nAnalyze the chat history to determine searches.\n{HISTORY}",
    "Open WebUI, completion": f"### Task:\nYou are an autocompletion system.\n{HISTORY}",
    "Open WebUI, emoji": "Your task is to reflect the speaker's likely facial expression through…",
    "Open WebUI, tools": "Available Tools: []\n\nYour task is to choose and return the tool",
    "LibreChat": "Provide a concise, 5-word-or-less title for the conversation, using title case",
    "NextChat": "Please generate a four to five word title summarizing our conversation without…",
    "NextChat, summary": "Summarize the discussion briefly in 200 words or less to use as a prompt",
    "Chatbox": "Based on the chat history, give this conversation a name.\nKeep it short",
}

QUESTIONS = {
    "Open WebUI, documents": (
        "### Task:\nRespond to the user query using the provided context, incorporating inline "
        f'citations.\n<context>\n<source id="1">{HISTORY}</source>\n</context>\n\nWho is <bo>?'
    ),
    "a heading": "### Task: describe <bo> for the vet",
    "a request": "Can you generate a concise title for this photo of <bo>?",
    "a quotation": 'What does "Based on the chat history, give this conversation a name" mean?',
    "nothing": "",
}


@pytest.mark.parametrize("front_end", TASKS)
def test_a_front_ends_prompt_is_none_of_the_users(front_end: str) -> None:
    assert is_task([TASKS[front_end]])
    assert is_task([f"\n {TASKS[front_end]}\n"])


@pytest.mark.parametrize("kind", QUESTIONS)
def test_what_a_user_asks_is_no_task(kind: str) -> None:
    assert not is_task([QUESTIONS[kind]])


def chat(*messages: tuple[str, str]) -> ChatRequest:
    said = [{"role": role, "content": content} for role, content in messages]
    return ChatRequest.model_validate({"model": "kith", "messages": said})


def test_a_task_is_in_the_instructions_or_comes_last() -> None:
    title = TASKS["LibreChat"]
    assert chat(("user", "Hi"), ("assistant", "Hi!"), ("user", title)).is_task
    assert chat(("user", "Hi"), ("assistant", "Hi!"), ("system", TASKS["NextChat"])).is_task
    lobe = "You are a professional conversation summarizer. Generate a concise title."
    assert chat(("system", lobe), ("user", "user: Hi")).is_task
    assert not chat(("user", title), ("assistant", "A dog."), ("user", "Who is <bo>?")).is_task
