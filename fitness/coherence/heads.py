"""Next-utterance heads: small networks on frozen embeddings that tell the reply from other utterances.

Three of them look at the same three vectors (last turn, decayed mean of the turns, reply): a dual encoder
trained with InfoNCE (van den Oord et al. 2018, arXiv:1807.03748), and two pair classifiers, one against random
replies and one against hard ones. Each is trained four times, and logits are averaged: what four seeds agree on is
signal, and a search cannot lean on the quirks of one network. Training data come in as arrays; texts stay outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

Floats = npt.NDArray[np.floating]
Indices = npt.NDArray[np.int64]

HEAD_NAMES = ("dual", "pair", "hard")

_NUM_NETWORKS = 4
_DUAL_SIZE = 128
_PAIR_SIZE = 96
_TEMPERATURE = 0.07
_DROPOUT = 0.2
_OWN_PROBABILITY = 0.3
_FORGED_PROBABILITY = 0.5


@dataclass(frozen=True, slots=True)
class PairData:
    """Places of documents where a turn answers the turns before it.

    Attributes:
        vectors: Embeddings of all turns, float32 [turns, dimension].
        means: Decayed mean of the turns before each place, unit length, float32 [places, dimension].
        lasts: Turn directly before each place, indices into ``vectors`` [places].
        replies: The turn at each place, indices into ``vectors`` [places].
        owns: The same turn without the words that it borrows from its context, indices into ``vectors`` [places].
        forgeries: A human turn from elsewhere in which words of the context were put, and it again without those
            words, indices into ``vectors``, -1 where none was made [places, 2].
        documents: Number of the document of each place, ascending [places].
        domains: Number of the domain of each place [places].
    """

    vectors: npt.NDArray[np.float32]
    means: npt.NDArray[np.float32]
    lasts: Indices
    replies: Indices
    owns: Indices
    forgeries: Indices
    documents: Indices
    domains: Indices


class Heads:
    """The three trained heads.

    Args:
        tensors: Weights by name, as ``tensors`` of another instance gives them.
    """

    def __init__(self, tensors: Mapping[str, npt.NDArray[np.generic]]) -> None:
        self.tensors = {name: np.asarray(value, np.float16) for name, value in tensors.items()}
        dimension = self.tensors["0.dual.reply.weight"].shape[1]
        numbers = {name.partition(".")[0] for name in self.tensors}
        with torch.random.fork_rng(devices=[]):  # Fresh layers draw weights, here in vain.
            networks = nn.ModuleList(_Network(dimension) for _ in numbers)
        networks.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in self.tensors.items()})
        # Double precision: what is left of float noise is far below the decimals that a score keeps.
        self._networks = networks.double().eval()

    @torch.inference_mode()
    def scores(self, last: Floats, mean: Floats, reply: Floats) -> dict[str, npt.NDArray[np.float64]]:
        """Logits by head, higher is better, each float64 [rows]; every row by itself.

        Args:
            last: Embeddings of the last turns [rows, dimension].
            mean: Decayed means of the turns [rows, dimension].
            reply: Embeddings of the replies [rows, dimension].
        """
        inputs = [torch.from_numpy(np.asarray(part, np.float64)) for part in (last, mean, reply)]
        return {
            name: np.mean([getattr(network, name)(*inputs).numpy() for network in self._networks], axis=0)
            for name in HEAD_NAMES
        }

    @classmethod
    def fit(cls, data: PairData, *, num_epochs: int, rng: np.random.Generator) -> Heads:
        """Train all three heads on the same places.

        Raises:
            ValueError: There are fewer than 16 places.
        """
        if len(data.replies) < 16:
            raise ValueError(
                f"The heads are to be trained on {len(data.replies)!r} places where a turn answers another; allowed "
                f"are 16 or more. Give longer or more documents."
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**31)))
            networks = [_Network(data.vectors.shape[1]) for _ in range(_NUM_NETWORKS)]
            for network in networks:
                _train(network, data, num_epochs=num_epochs, rng=rng)
        return cls({name: value.numpy() for name, value in nn.ModuleList(networks).state_dict().items()})


class _DualEncoder(nn.Module):
    """Context and reply are projected apart and compared by cosine."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.context = nn.Linear(2 * dimension, _DUAL_SIZE)
        self.reply = nn.Linear(dimension, _DUAL_SIZE)
        self.dropout = nn.Dropout(_DROPOUT)

    def forward(self, last: Tensor, mean: Tensor, reply: Tensor) -> Tensor:
        left, right = self.sides(last, mean, reply)
        return (left * right).sum(dim=-1) / _TEMPERATURE

    def sides(self, last: Tensor, mean: Tensor, reply: Tensor) -> tuple[Tensor, Tensor]:
        left = self.context(self.dropout(torch.cat([last, mean], dim=-1)))
        right = self.reply(self.dropout(reply))
        return functional.normalize(left, dim=-1), functional.normalize(right, dim=-1)


class _PairHead(nn.Module):
    """One hidden layer on the three vectors, their products and their distances."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(6 * dimension, _PAIR_SIZE)
        self.output = nn.Linear(_PAIR_SIZE, 1)
        self.dropout = nn.Dropout(_DROPOUT)
        # Unit vectors have entries near dimension ** -0.5: products are brought to the scale of the vectors.
        self._scale = dimension**0.5

    def forward(self, last: Tensor, mean: Tensor, reply: Tensor) -> Tensor:
        products = [self._scale * last * reply, self._scale * mean * reply, (last - reply).abs()]
        features = self._scale * torch.cat([last, mean, reply, *products], dim=-1)
        logits: Tensor = self.output(self.dropout(functional.gelu(self.hidden(self.dropout(features)))))[..., 0]
        return logits


class _Network(nn.Module):
    """The three heads side by side."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.dual = _DualEncoder(dimension)
        self.pair = _PairHead(dimension)
        self.hard = _PairHead(dimension)


def _train(network: _Network, data: PairData, *, num_epochs: int, rng: np.random.Generator) -> None:
    vectors, means = torch.from_numpy(data.vectors), torch.from_numpy(data.means)
    batch_size = min(256, len(data.replies))
    num_steps = num_epochs * (len(data.replies) // batch_size)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-3, total_steps=num_steps)
    pools = {int(domain): np.flatnonzero(data.domains == domain) for domain in np.unique(data.domains)}
    network.train()
    for _ in range(num_epochs):
        for places in _batches(data.domains, batch_size, rng=rng):
            last, mean = vectors[data.lasts[places]], means[places]
            # Heads are asked about replies with and without the words that they borrow, so they learn from both.
            is_own = rng.random(len(places)) < _OWN_PROBABILITY
            reply = vectors[np.where(is_own, data.owns[places], data.replies[places])]
            random = vectors[_random_replies(data, pools, places, rng=rng)]
            hard = vectors[_hard_replies(data, pools, places, rng=rng)]
            left, right = network.dual.sides(last, mean, reply)
            same = torch.arange(len(places))
            logits = left @ right.T / _TEMPERATURE
            # Beside the other replies of the batch each reply has its hard one to beat.
            among_hard = torch.cat([logits, network.dual(last, mean, hard)[:, None]], dim=1)
            loss = (functional.cross_entropy(among_hard, same) + functional.cross_entropy(logits.T, same)) / 2
            for head, negative in ((network.pair, random), (network.hard, hard)):
                margin_true, margin_false = head(last, mean, reply), head(last, mean, negative)
                loss = loss + functional.softplus(-margin_true).mean() + functional.softplus(margin_false).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    network.eval()


def _batches(domains: Indices, size: int, *, rng: np.random.Generator) -> list[Indices]:
    """Batches that stay within one domain as far as they can: other domains are easy negatives."""
    order = rng.permutation(len(domains))
    order = order[np.argsort(domains[order], kind="stable")]
    batches = [order[start : start + size] for start in range(0, len(order) - size + 1, size)]
    return [batches[number] for number in rng.permutation(len(batches))]


def _random_replies(
    data: PairData, pools: Mapping[int, Indices], places: Indices, *, rng: np.random.Generator
) -> Indices:
    """A random reply per place; three of four from the same domain."""
    drawn = rng.integers(len(data.replies), size=len(places))
    near = np.array([rng.choice(pools[int(domain)]) for domain in data.domains[places]])
    return data.replies[np.where(rng.random(len(places)) < 0.75, near, drawn)]


def _hard_replies(
    data: PairData, pools: Mapping[int, Indices], places: Indices, *, rng: np.random.Generator
) -> Indices:
    """A hard reply per place.

    A forgery where there is one (half of the time), else the last turn itself, another turn of the document, or one
    from elsewhere that is similar to the last turn.
    """
    kinds = rng.random(len(places))
    columns = rng.integers(2, size=len(places))
    forged = np.where(rng.random(len(places)) < _FORGED_PROBABILITY, data.forgeries[places, columns], -1)
    chosen = np.empty(len(places), np.int64)
    firsts = np.searchsorted(data.documents, data.documents[places], side="left")
    ends = np.searchsorted(data.documents, data.documents[places], side="right")
    for row, place in enumerate(places):
        if forged[row] >= 0:
            chosen[row] = forged[row]
        elif kinds[row] < 0.2:
            chosen[row] = data.lasts[place]
        elif kinds[row] < 0.5 and ends[row] - firsts[row] > 1:
            other = int(rng.integers(firsts[row], ends[row] - 1))
            chosen[row] = data.replies[other + (other >= place)]
        else:
            some = data.replies[rng.choice(pools[int(data.domains[place])], size=24)]
            similarity = data.vectors[some] @ data.vectors[data.lasts[place]]
            similarity[some == data.replies[place]] = -1.0
            chosen[row] = some[int(similarity.argmax())]
    return chosen
