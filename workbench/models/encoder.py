"""Texts to tokens and back, as one model does it."""

from collections.abc import Sequence
from typing import Any

#: What a decoder returns for bytes that are no whole character yet.
BROKEN = "\N{REPLACEMENT CHARACTER}"


class TextEncoder:
    """A Hugging Face tokenizer, with the model's way of putting a question. Satisfies `types.Encoder`.

    `chat`: put the question as the user's turn of the tokenizer's chat template. Without it a question
    is encoded as the tokenizer does by itself, begin-of-text token included. `stop`: tokens that end a completion.
    """

    def __init__(
        self,
        tokenizer: Any,
        *,
        chat: bool = False,
        system: str | None = None,
        thinking: bool | None = None,
        stop: Sequence[int] = (),
    ) -> None:
        if chat and not tokenizer.chat_template:
            raise ValueError("model.chat = true, but this tokenizer has no chat template: set model.chat = false")
        self.tokenizer = tokenizer
        self.chat = chat
        self.system = system
        self.switches = {} if thinking is None else {"enable_thinking": thinking}  # of the chat template
        self.stop = tuple(stop)

    def prompt(self, text: str) -> tuple[int, ...]:
        """A question as the model sees it."""
        return self.prompts([text])[0]

    def prompts(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Several questions, each as the model sees it."""
        written = [self.written(text) for text in texts] if self.chat else list(texts)
        return [tuple(ids) for ids in self.tokenizer(written, add_special_tokens=not self.chat)["input_ids"]]

    def written(self, text: str, **switches: Any) -> str:
        """A question in the chat template, as text; `switches` of the template besides its own."""
        turns = [{"role": "user", "content": text}]
        if self.system is not None:
            turns.insert(0, {"role": "system", "content": self.system})
        return str(
            self.tokenizer.apply_chat_template(
                turns, add_generation_prompt=True, tokenize=False, **{**self.switches, **switches}
            )
        )

    def answer(self, text: str) -> tuple[int, ...]:
        """The tokens of a completion's text, without any special token."""
        return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def text(self, tokens: Sequence[int]) -> str:
        """A completion's text, special tokens left out."""
        return self.texts([tokens])[0]

    def texts(self, answers: Sequence[Sequence[int]]) -> list[str]:
        """The texts of several completions, special tokens left out."""
        backend = self.tokenizer.backend_tokenizer
        return list(backend.decode_batch([list(tokens) for tokens in answers], skip_special_tokens=True))

    def shown(self, tokens: Sequence[int]) -> str:
        """The text with special tokens visible."""
        return str(self.tokenizer.backend_tokenizer.decode(list(tokens), skip_special_tokens=False))

    def pieces(self, tokens: Sequence[int]) -> list[str]:
        """Each token's part of `shown(tokens)`; of tokens that share a character the last one gets it."""
        pieces, start, read = [], 0, 0
        for end in range(1, len(tokens) + 1):
            before, now = self.shown(tokens[start:read]), self.shown(tokens[start:end])
            if now.endswith(BROKEN) and end < len(tokens):
                pieces.append("")
                continue
            pieces.append(now[len(before) :])
            start, read = read, end
        return pieces
