"""One larger model in place of the members."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping

from experiments.compare.baselines.base import Baseline, MethodUnfitError, Setting
from experiments.compare.baselines.best_member import single_members
from experiments.compare.bench import Bench
from experiments.compare.task import Task
from experiments.corpora.streams import token_streams
from genomes.members.architectures import num_positions as positions_of
from genomes.members.catalogue import MemberCatalogue
from genomes.members.files import member_files
from genomes.training.keeping import ensure_member
from genomes.training.recipes import Recipe, Shape

_NAME = "one_model"
_RECIPE_FILE = "recipe.json"

_USUAL_PROPORTION = 50.0  # Width over layers: GPT-2's own sizes lie between 33 and 64.
_NEAR = 0.03  # Of the wanted parameters; of all shapes that are nearer, the most usual one is taken.


class OneModel(Baseline):
    """One GPT-2 with the parameters of all members together, trained on the tokens that they were trained on.

    It is what else the parameters could have been spent on. Its tokens come from the training split of the experiment's
    domains in the members' proportions. Trained once and kept; on a CPU that takes hours for as many tokens as small
    members saw, which is why ``--training-tokens`` limits them. The row says how many it saw. Where
    ``space.max_active_parameters`` is below the members' parameters, it has as many as that allows and no more.
    """

    name = _NAME
    label = "one GPT-2, same parameters"
    is_seeded = False

    def prepared(self, setting: Setting) -> Task:
        """See the base class."""
        recipe = self._recipe(setting)
        catalogue = setting.task.catalogue
        tokenizer = catalogue.tokenizer(catalogue.names[0])
        streams = token_streams(setting.documents, tokenizer, domains=recipe.domains)
        directory = ensure_member(recipe, streams, tokenizer, store=setting.store)
        return setting.task.on_member(_NAME, directory)

    def note(self, setting: Setting) -> str:
        """See the base class."""
        recipe, total = self._recipe(setting), sum(tokens_of_members(setting).values())
        shape, info = recipe.shape, setting.task.catalogue
        vocabulary = len(info.tokenizer(info.names[0]))
        seen = f"{recipe.tokens:,} tokens seen"
        return (
            f"{num_parameters(shape, vocabulary) / 1e6:.2f} M parameters ({shape.layers} layers of {shape.width}), "
            + (seen if recipe.tokens == total or not total else f"{seen} of the members' {total:,}")
        )

    def search(self, bench: Bench) -> None:
        """See the base class."""
        bench.loss(single_members(bench.task.space)[_NAME])

    def _recipe(self, setting: Setting) -> Recipe:
        tokens = tokens_of_members(setting)
        total = sum(tokens.values())
        if not total and setting.training_tokens is None:
            raise MethodUnfitError(
                f"{self.name!r} has to be trained on as many tokens as the members, and no member says how many it saw "
                f"({_RECIPE_FILE} beside it, or a recipe in the experiment). Say how many with --training-tokens, or "
                f"leave {self.name!r} out of --baselines."
            )
        limits = [count for count in (total or None, setting.training_tokens) if count is not None]
        return Recipe(
            domains={domain: float(count) for domain, count in tokens.items()} or dict.fromkeys(setting.documents, 1.0),
            tokens=min(limits),
            shape=shape_for(setting.task.catalogue, limit=setting.task.space.max_active_parameters),
            learning_rate=1e-3,
            seed=setting.config.seed % 2**32,
        )


def tokens_of_members(setting: Setting) -> dict[str, int]:
    """Tokens that the members were trained on, by domain of the experiment; empty where it is not known."""
    tokens: Counter[str] = Counter()
    for name in setting.task.catalogue.names:
        recipe = setting.config.members.recipes.get(name)
        if recipe is not None:
            _add(tokens, recipe.domains, recipe.tokens)
            continue
        path = setting.task.catalogue.directory(name) / _RECIPE_FILE
        if path.exists():
            written = json.loads(path.read_text(encoding="utf-8"))["recipe"]
            _add(tokens, written["domains"], written["tokens"])
    return {domain: count for domain, count in sorted(tokens.items()) if domain in setting.documents and count}


def _add(tokens: Counter[str], domains: Mapping[str, float], count: int) -> None:
    for domain, share in domains.items():
        tokens[domain] += round(count * share / sum(domains.values()))


def shape_for(catalogue: MemberCatalogue, *, limit: int | None = None) -> Shape:
    """A shape of usual proportions with about the parameters of all members, and their heads, positions and words.

    Args:
        catalogue: The members.
        limit: The most parameters that it may have; None is no limit.

    Raises:
        MethodUnfitError: Not even the smallest shape is within the limit.
    """
    total = sum(info.num_parameters for info in catalogue.infos().values())
    wanted = total if limit is None else min(total, limit)
    first = catalogue.names[0]
    config = member_files(catalogue.directory(first), name=first, source=str(catalogue.sources[first])).settings
    head_width, vocabulary = config.hidden_size // config.num_attention_heads, config.vocab_size
    positions = positions_of(config)
    shapes = [
        Shape(width=head_width * heads, layers=layers, heads=heads, positions=positions)
        for heads in range(1, 65)
        for layers in range(1, 49)
    ]
    if limit is not None:
        smallest = num_parameters(shapes[0], vocabulary)
        shapes = [shape for shape in shapes if num_parameters(shape, vocabulary) <= limit]
        if not shapes:
            raise MethodUnfitError(
                f"{_NAME!r} has {smallest:,} parameters at least, and max_active_parameters is {limit:,}. Raise it, or "
                f"leave {_NAME!r} out of --baselines."
            )

    def distance(shape: Shape) -> float:
        return abs(num_parameters(shape, vocabulary) - wanted) / wanted

    def oddness(shape: Shape) -> float:
        return abs(math.log(shape.width / shape.layers / _USUAL_PROPORTION))

    near = [shape for shape in shapes if distance(shape) <= _NEAR]
    return min(near, key=oddness) if near else min(shapes, key=distance)


def num_parameters(shape: Shape, vocabulary: int) -> int:
    """Parameters of a GPT-2 whose head is its token embedding."""
    width = shape.width
    block = 12 * width * width + 13 * width
    return shape.layers * block + (vocabulary + shape.positions + 2) * width
