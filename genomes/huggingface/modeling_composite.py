"""A composite as an ordinary causal language model of transformers: ``generate``, ``save_pretrained``, pipelines.

This file travels inside exported artifacts: it imports nothing but torch, transformers and its siblings.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import GenerationMixin, GPT2Config, GPT2LMHeadModel, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from genomes.huggingface.cache_composite import CompositeCache
from genomes.huggingface.configuration_composite import CompositeConfig
from genomes.huggingface.program_composite import build_program
from genomes.huggingface.runtime_composite import CompositeRuntime
from genomes.huggingface.trunk_composite import ModelTrunk


class CompositeForCausalLM(PreTrainedModel, GenerationMixin):  # type: ignore[misc]
    """GPT-2 members joined by a graph of combiners; its logits are normalised log-probabilities.

    Where members read drafts of other members, a draft is made once for every prompt: ``generate`` takes its whole
    input as the prompt, ``forward`` needs ``prompt_lengths``.
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
            GPT2LMHeadModel._from_config(
                GPT2Config(**config.members[name]), attn_implementation=config._attn_implementation
            )
            for name in self._names
        )
        # Not config.program(): transformers loads an artifact's configuration and model from two copies of its code,
        # whose classes are not the same.
        self._program = build_program(config.graph, config.templates)
        self.post_init()
        # post_init finds tied weights of direct children only; without this, a tied head is re-initialised on load.
        self.all_tied_weights_keys = self.get_expanded_tied_weights_keys(all_submodels=True)

    def _init_weights(self, module: nn.Module) -> None:
        """Nothing: the members initialise themselves."""

    @property
    def members_by_name(self) -> dict[str, GPT2LMHeadModel]:
        """The members by name, in the order of their names."""
        return dict(zip(self._names, self.members, strict=True))

    def _runtime(self) -> CompositeRuntime:
        trunks = {name: ModelTrunk(member) for name, member in self.members_by_name.items()}
        return CompositeRuntime(self._program, trunks, closing_tokens=self.config.closing_token_ids)

    def new_cache(self) -> CompositeCache:
        """An empty cache of the kind that ``forward`` takes as ``past_key_values``."""
        return self._runtime().new_cache()

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        past_key_values: CompositeCache | None = None,
        prompt_lengths: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        use_cache: bool = False,
        logits_to_keep: int = 0,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Log-probabilities of every next token as ``logits``, float32 [batch, positions, vocabulary].

        Args:
            input_ids: New tokens, [batch, positions].
            attention_mask: 1 at real tokens, earlier ones included, [batch, earlier + positions]; None for all.
                Positions follow from it, so that padding on the left changes nothing.
            past_key_values: Holds the earlier tokens; None starts anew.
            prompt_lengths: For each row, how many of its first real tokens are the prompt, [batch]. Needed where
                members read drafts; ignored elsewhere and with a cache that holds tokens.
            labels: Token ids like ``input_ids`` with -100 where none counts; gives ``loss`` in nats per token.
            use_cache: Whether to make a cache where none is given.
            logits_to_keep: Number of last positions that are wanted; 0 for all.
            **kwargs: Other arguments that transformers passes to models; ``num_items_in_batch`` divides the loss.

        Raises:
            ValueError: Drafts are needed and ``prompt_lengths`` is missing, or the input is too long.
        """
        runtime = self._runtime()
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
        if self._program.drafts and kwargs.get("is_first_iteration") and inputs.get("prompt_lengths") is None:
            mask = inputs.get("attention_mask")
            mask = torch.ones_like(inputs["input_ids"]) if mask is None else mask
            inputs["prompt_lengths"] = mask.sum(dim=-1)
        return inputs

    def _prepare_cache_for_generation(
        self, generation_config: Any, model_kwargs: dict[str, Any], *args: Any, **kwargs: Any
    ) -> None:
        if self._program.drafts and (generation_config.use_cache is False or generation_config.prefill_chunk_size):
            raise ValueError(
                f"use_cache is {generation_config.use_cache!r} and prefill_chunk_size is "
                f"{generation_config.prefill_chunk_size!r}, but members of this composite read drafts, which are made "
                "once from the whole prompt and kept in the cache. Leave both at their defaults."
            )
        if model_kwargs.get("past_key_values") is None and generation_config.use_cache is not False:
            model_kwargs["past_key_values"] = self.new_cache()
