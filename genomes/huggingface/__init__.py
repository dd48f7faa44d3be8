"""Composites as Hugging Face models. Importing this registers them: loading an artifact then runs none of its code."""

from transformers import AutoConfig, AutoModelForCausalLM

from genomes.huggingface.configuration_composite import CompositeConfig
from genomes.huggingface.modeling_composite import CompositeForCausalLM
from genomes.running.cache import CompositeCache

AutoConfig.register(CompositeConfig.model_type, CompositeConfig, exist_ok=True)
AutoModelForCausalLM.register(CompositeConfig, CompositeForCausalLM, exist_ok=True)

__all__ = ["CompositeCache", "CompositeConfig", "CompositeForCausalLM"]
