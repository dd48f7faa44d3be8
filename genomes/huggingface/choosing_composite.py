"""``generate`` of composites that choose among whole answers: all inputs write first, then the chosen answer is said.

This file travels inside exported artifacts: it imports nothing but torch, transformers and its siblings.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from transformers import GenerationConfig

from genomes.graph.program import Choosing
from genomes.running.choosing import AnswerChooser, Likelihoods, answer_log_likelihoods

_SCRIPT_SETTINGS = (
    "return_dict_in_generate",
    "output_scores",
    "output_logits",
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
)


class ChoosingMixin:
    """``generate`` in two acts for models with a ``Choosing`` program; others generate as ever."""

    def generate(self, inputs: torch.Tensor | None = None, *args: Any, **kwargs: Any) -> Any:
        """What transformers' ``generate`` gives.

        Where the graph chooses among whole answers, each input writes its candidates with the given settings (several
        samples where answers are sampled), and the chosen one is then said token by token, so that streamers work.

        Raises:
            ValueError: An assistant or a cache is given to a model that chooses among whole answers.
            NoMemberLeftError: Every member has failed.
        """
        choosing: Choosing | None = self._program.choosing  # type: ignore[attr-defined]
        if choosing is None:
            return super().generate(inputs, *args, **kwargs)  # type: ignore[misc]
        for name in ("assistant_model", "past_key_values", "prompt_lookup_num_tokens"):
            if kwargs.get(name) is not None:
                raise ValueError(
                    f"{name} is given, but this composite chooses among whole answers, which several inputs write from "
                    "the prompt on. Leave it out."
                )
        tokens = kwargs.pop("input_ids", None) if inputs is None else inputs
        if tokens is None:
            raise ValueError("input_ids is None; a composite answers a prompt of one token or more.")
        mask = kwargs.pop("attention_mask", None)
        mask = torch.ones_like(tokens) if mask is None else mask
        if args:
            kwargs["generation_config"], *rest = args
            if rest:
                raise TypeError(
                    f"generate takes {1 + len(args)} positional arguments here; give those after two by name."
                )
        return self._said(choosing, tokens, mask, kwargs)

    @torch.no_grad()
    def _said(self, choosing: Choosing, tokens: torch.Tensor, mask: torch.Tensor, kwargs: dict[str, Any]) -> Any:
        streamer = kwargs.pop("streamer", None)
        settings = copy.deepcopy(kwargs.get("generation_config") or self.generation_config)  # type: ignore[attr-defined]
        settings.update(**{name: value for name, value in kwargs.items() if hasattr(settings, name)})
        ends = {settings.eos_token_id} if isinstance(settings.eos_token_id, int) else set(settings.eos_token_id or ())
        repeats = settings.num_return_sequences or 1
        shown, shown_mask = tokens.repeat_interleave(repeats, dim=0), mask.repeat_interleave(repeats, dim=0)
        prompts = [row[real].tolist() for row, real in zip(shown, shown_mask.bool(), strict=True)]
        no_text = self.config.eos_token_id  # type: ignore[attr-defined]
        no_text = self.config.closing_token_ids[0] if no_text is None else no_text  # type: ignore[attr-defined]

        def write(author: int, sample: int) -> list[list[int]]:
            out = super(ChoosingMixin, self).generate(  # type: ignore[misc]
                tokens,
                attention_mask=mask,
                root=choosing.inputs[author],
                **{**kwargs, "return_dict_in_generate": False},
            )
            return [_cut(answer, ends, settings.pad_token_id) for answer in out[:, tokens.shape[1] :].tolist()]

        def read(judge: int, answers: list[list[int]], places: list[int] | None) -> Likelihoods:
            totals = answer_log_likelihoods(
                self._runtime(choosing.inputs[judge]),  # type: ignore[attr-defined]
                [[no_text]] * len(answers) if places is None else [prompts[place] for place in places],
                answers,
                vocabulary_size=self.config.vocab_size,  # type: ignore[attr-defined]
                device=tokens.device,
            )
            return [(total, len(answer)) for total, answer in zip(totals, answers, strict=True)]

        # Answers that are not sampled come out alike each time.
        num_samples = int(dict(choosing.parameters)["num_samples"]) if settings.do_sample else 1
        chosen = AnswerChooser(choosing, len(choosing.inputs), num_samples, ends, write, read).answers()
        longest = max(1, *(len(answer) for answer in chosen))
        end = settings.pad_token_id if settings.pad_token_id is not None else min(ends, default=0)
        padded = [[*answer, *[end] * (longest - len(answer))] for answer in chosen]
        script = torch.cat([shown, torch.tensor(padded, dtype=tokens.dtype, device=tokens.device)], dim=1)
        config = GenerationConfig(
            do_sample=False,
            max_new_tokens=longest,
            use_cache=False,
            **{name: getattr(settings, name) for name in _SCRIPT_SETTINGS},
        )
        return super().generate(  # type: ignore[misc]
            shown, attention_mask=shown_mask, generation_config=config, streamer=streamer, scripted_text=script
        )

    def _scripted_logits(self, input_ids: torch.Tensor, script: torch.Tensor) -> torch.Tensor:
        """The next token of the script, with certainty: float32 [batch, 1, vocabulary]."""
        step = input_ids.shape[1]
        logits = torch.full(
            (input_ids.shape[0], 1, self.config.vocab_size),  # type: ignore[attr-defined]
            -torch.inf,
            device=input_ids.device,
        )
        return logits.scatter(-1, script[:, step : step + 1, None], 0.0)


def _cut(answer: list[int], ends: set[int], padding: int | None) -> list[int]:
    """An answer up to the token that closed it, without padding."""
    for place, token in enumerate(answer):
        if token in ends:
            return answer[: place + 1]
    while answer and answer[-1] == padding:
        answer = answer[:-1]
    return answer
