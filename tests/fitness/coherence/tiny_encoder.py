"""A sentence encoder of two layers with random weights, written as the library writes those of the hub."""

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

SHAPE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
PIECES = ("<s>", "<pad>", "</s>", "<unk>", *"abcdefghijklmnopqrstuvwxyz", "wie", "geht", "es", "dir", "mir", "gut")


def written(directory, model_class, config_class, *, seed=0, **shape):
    """The directory, with a tokenizer of ``PIECES`` and a model of a class of the library."""
    tokenizer = Tokenizer(models.WordLevel({piece: number for number, piece in enumerate(PIECES)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(directory)
    torch.manual_seed(seed)
    config = config_class(vocab_size=len(PIECES), pad_token_id=1, **SHAPE, **shape)
    model_class(config).save_pretrained(directory)
    return directory
