"""Conversations as text: which parts the policy wrote, and which a system, a user or a tool did."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.runs.exchange.foreign import Pieces


def spoken(given: Any) -> str:
    """A text as it is; messages one after the other, each led by its role where there are several.

    >>> spoken([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"}])
    'system: Be brief.\\nuser: 2+2?'
    """
    return "".join(text for text, _ in pieces(given))


def pieces(given: Any) -> Pieces:
    """The parts of a completion, and whether the policy wrote them: only an assistant's words and calls are its own.

    >>> pieces([{"role": "tool", "content": "4"}, {"role": "assistant", "content": "It is 4."}])
    [('tool: 4', False), ('\\nassistant: ', False), ('It is 4.', True)]
    """
    if isinstance(given, str):
        return [(given, True)]
    messages = [message for message in given if isinstance(message, Mapping)]
    if len(messages) == 1:
        return [(said(messages[0]), messages[0].get("role") in (None, "", "assistant"))]
    found = list[tuple[str, bool]]()
    for message in messages:
        lead = ("\n" if found else "") + f"{message.get('role', '')}: "
        if message.get("role") == "assistant":
            found += [(lead, False), (said(message), True)]
        else:
            found.append((lead + said(message), False))
    return found


def said(message: Mapping[str, Any]) -> str:
    """One message: its thoughts, its text, its calls of tools."""
    thought = message.get("reasoning_content")
    calls = [
        f"<tool_call>{json.dumps(call(each), ensure_ascii=False)}</tool_call>"
        for each in message.get("tool_calls") or []
    ]
    parts = [f"<think>{thought}</think>" if thought else "", content(message.get("content"))]
    parts += [f"<tool_call>{each}</tool_call>" for each in calls]
    return "\n".join(part for part in parts if part)


def call(given: Any) -> dict[str, Any]:
    """A call of a tool as name and arguments, however it was written down; empty arguments are left out."""
    table = given if isinstance(given, Mapping) else {"name": str(given)}
    inner = table.get("function")
    table = inner if isinstance(inner, Mapping) else table
    arguments = table.get("arguments")
    if isinstance(arguments, Mapping):  # parquet gives every call the arguments of all
        arguments = {name: value for name, value in arguments.items() if value is not None}
    return {"name": table.get("name"), "arguments": arguments}


def content(given: Any) -> str:
    """A message's text; a part of it that is no text stands as its kind in brackets."""
    if given is None:
        return ""
    if isinstance(given, Sequence) and not isinstance(given, str):
        return "".join(content_part(part) for part in given)
    return str(given)


def content_part(part: Any) -> str:
    """One part of a message's text.

    >>> content_part({"type": "image", "text": None}), content_part({"type": "text", "text": "What?"})
    ('[image]', 'What?')
    """
    if not isinstance(part, Mapping):
        return str(part)
    return str(part.get("text") or "") if part.get("type", "text") == "text" else f"[{part.get('type')}]"
