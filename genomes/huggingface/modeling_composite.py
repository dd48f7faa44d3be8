"""A composite as an ordinary causal language model of transformers: ``generate``, ``save_pretrained``, pipelines.

This file travels inside exported artifacts: it imports nothing but torch, transformers and its siblings.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn
from transformers import GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from genomes.graph.program import Program, build_program
from genomes.huggingface.choosing_composite import ChoosingMixin
from genomes.huggingface.configuration_composite import CompositeConfig
from genomes.members.architectures import model_from
from genomes.running.cache import CompositeCache
from genomes.running.pruning import rooted
from genomes.running.tolerance import MemberWarning, TolerantRuntime
from genomes.running.trunk import ModelTrunk


class CompositeForCausalLM(ChoosingMixin, PreTrainedModel, GenerationMixin):  # type: ignore[misc]
    """Language models joined by a graph of combiners; its logits are normalised log-probabilities.

    Where members read drafts of other members, a draft is made once for every prompt, and where a gate reads the
    prompt, it decides once: ``generate`` takes its whole input as the prompt, ``forward`` needs ``prompt_lengths``.
    Where the graph chooses among whole answers, ``generate`` has all of them written first; the logits of ``forward``
    are then the mean of the inputs'.

    A member that fails (its weights are missing, it raises, its logits are not finite) is left out with a
    ``MemberWarning`` that names it, and the weights of the others are renormalised.

    Attributes:
        failed_members: Members that have failed for good, each with the reason.
    """

    config_class = CompositeConfig
    base_model_prefix = ""
    main_input_name = "input_ids"
    _supports_sdpa = True
    _no_split_modules = ("GPT2Block",)

    def __init__(self, config: CompositeConfig) -> None:
        """Build the members with random weights.

        Raises:
            ValueError: The configuration has no graph.
        """
        if not config.graph:
            raise ValueError("The configuration has no graph; use one that was exported with its genome.")
        super().__init__(config)
        self._names = sorted(config.members)
        self.members = nn.ModuleList(
            model_from(config.members[name], attention=config._attn_implementation) for name in self._names
        )
        # Not config.program(): transformers loads an artifact's configuration and model from two copies of its code,
        # whose classes are not the same.
        self._program = build_program(config.graph, config.templates, config.markers)
        self._rooted: dict[int, Program] = {}
        self.failed_members: dict[str, str] = {}
        self.post_init()
        # post_init finds tied weights of direct children only; without this, a tied head is re-initialised on load.
        self.all_tied_weights_keys = self.get_expanded_tied_weights_keys(all_submodels=True)

    def _init_weights(self, module: nn.Module) -> None:
        """Nothing: the members initialise themselves."""

    @property
    def members_by_name(self) -> dict[str, PreTrainedModel]:
        """The members by name, in the order of their names."""
        return dict(zip(self._names, self.members, strict=True))

    @classmethod
    def from_pretrained(cls, *args: Any, output_loading_info: bool = False, **kwargs: Any) -> Any:
        """A saved composite; members with missing weights become ``failed_members``.

        The arguments are those of transformers. Without this, missing weights would be random numbers.
        """
        model, info = super().from_pretrained(*args, output_loading_info=True, **kwargs)
        for name, place in sorted(model.missing_weights(info["missing_keys"]).items()):
            model.failed_members[name] = f"its weights are missing, {place!r} first"
            warnings.warn(
                f"The member {name!r} is left out: {model.failed_members[name]}.", MemberWarning, stacklevel=2
            )
        return (model, info) if output_loading_info else model

    def missing_weights(self, missing_keys: Iterable[str]) -> dict[str, str]:
        """The members that weights are missing of, each with the first one's name."""
        found: dict[str, str] = {}
        for key in sorted(missing_keys, reverse=True):
            folder, place, *_ = key.split(".")
            if folder == "members":
                found[self._names[int(place)]] = key
        return found

    def _rooted_program(self, root: int | None) -> Program:
        if root is None:
            return self._program
        if root not in self._rooted:
            self._rooted[root] = rooted(self._program, root)
        return self._rooted[root]

    def _runtime(self, root: int | None = None) -> TolerantRuntime:
        trunks = {name: ModelTrunk(member) for name, member in self.members_by_name.items()}
        program = self._rooted_program(root)
        return TolerantRuntime(
            program, trunks, closing_tokens=self.config.closing_token_ids, failed=self.failed_members
        )

    def new_cache(self, root: int | None = None) -> CompositeCache:
        """An empty cache of the kind that ``forward`` takes as ``past_key_values``; ``root`` is ``forward``'s."""
        return self._runtime(root).new_cache()

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        past_key_values: CompositeCache | None = None,
        prompt_lengths: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        use_cache: bool = False,
        logits_to_keep: int = 0,
        root: int | None = None,
        scripted_text: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Log-probabilities of every next token as ``logits``, float32 [batch, positions, vocabulary].

        Args:
            input_ids: New tokens, [batch, positions].
            attention_mask: 1 at real tokens, earlier ones included, [batch, earlier + positions]; None for all.
                Positions follow from it, so that padding on the left changes nothing.
            past_key_values: Holds the earlier tokens; None starts anew.
            prompt_lengths: For each row, how many of its first real tokens are the prompt, [batch]. Needed where
                members read drafts or a gate reads the prompt; ignored elsewhere and with a cache that holds tokens.
            labels: Token ids like ``input_ids`` with -100 where none counts; gives ``loss`` in nats per token.
            use_cache: Whether to make a cache where none is given.
            logits_to_keep: Number of last positions that are wanted; 0 for all.
            root: Compute one of the program's values instead of the last: an input of a choice among answers.
            scripted_text: A text that begins with ``input_ids`` and goes on with certainty, [batch, longer];
                ``generate`` says a chosen answer with it. Only the next token's logits are given.
            **kwargs: Other arguments that transformers passes to models; ``num_items_in_batch`` divides the loss.

        Raises:
            ValueError: ``prompt_lengths`` is needed and missing, or the input is too long.
            NoMemberLeftError: Every member has failed.
        """
        if scripted_text is not None:
            return CausalLMOutputWithPast(logits=self._scripted_logits(input_ids, scripted_text))
        runtime = self._runtime(root)
        if past_key_values is None and use_cache:
            past_key_values = runtime.new_cache()
        if attention_mask is None:
            earlier = 0 if past_key_values is None else past_key_values.num_tokens
            attention_mask = input_ids.new_ones(input_ids.shape[0], earlier + input_ids.shape[1])
        logits = runtime.forward(
            input_ids,
            attention_mask.long(),
            cache=past_key_values,
            prompt_lengths=prompt_lengths,
            num_kept=logits_to_keep or None,
        )
        loss = None
        if labels is not None:
            loss = self.loss_function(logits, labels, vocab_size=self.config.vocab_size, **kwargs)
        return CausalLMOutputWithPast(loss=loss, logits=logits, past_key_values=past_key_values)

    def prepare_inputs_for_generation(self, input_ids: torch.Tensor, **kwargs: Any) -> dict[str, Any]:
        """The arguments of the next ``forward``; the first call's input is the prompt."""
        inputs: dict[str, Any] = super().prepare_inputs_for_generation(input_ids, **kwargs)
        if self._program.needs_prompt and kwargs.get("is_first_iteration") and inputs.get("prompt_lengths") is None:
            cache: CompositeCache | None = inputs.get("past_key_values")
            lengths = None if cache is None else cache.prompt_lengths
            inputs["prompt_lengths"] = _lengths(inputs) if lengths is None else lengths
        return inputs

    def _assisted_decoding(self, input_ids: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        """Assisted decoding reads the prompt together with the first drafted tokens, so its length is noted before."""
        cache: CompositeCache | None = kwargs.get("past_key_values")
        if cache is not None and cache.num_tokens == 0:
            cache.prompt_lengths = _lengths({**kwargs, "input_ids": input_ids})
        return super()._assisted_decoding(input_ids, *args, **kwargs)

    def _prepare_cache_for_generation(
        self, generation_config: Any, model_kwargs: dict[str, Any], *args: Any, **kwargs: Any
    ) -> None:
        if model_kwargs.get("scripted_text") is not None:
            return
        if self._program.needs_prompt and (
            generation_config.use_cache is False or generation_config.prefill_chunk_size
        ):
            raise ValueError(
                f"use_cache is {generation_config.use_cache!r} and prefill_chunk_size is "
                f"{generation_config.prefill_chunk_size!r}, but members of this composite read drafts, or a gate reads "
                "the prompt: that is done once with the whole prompt and kept in the cache. Leave both at their "
                "defaults."
            )
        if model_kwargs.get("past_key_values") is None and generation_config.use_cache is not False:
            model_kwargs["past_key_values"] = self.new_cache(model_kwargs.get("root"))


def _lengths(inputs: Mapping[str, Any]) -> torch.Tensor:
    """How many real tokens each row of ``input_ids`` has."""
    mask: torch.Tensor | None = inputs.get("attention_mask")
    return (torch.ones_like(inputs["input_ids"]) if mask is None else mask).sum(dim=-1)
