"""Which texts the bundled scorer knows: how often it prefers a human reply to another one's, by kind of text.

    python benchmarks/languages.py       # a minute; writes docs/results/languages.json

Held-out prompts of the bundled corpora, and the everyday exchanges of tests/oracles/exchanges.json in two languages
that it does not know.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for tests.oracles

from results import Cell, record

from experiments.config import QUICKSTART, load_experiment
from experiments.config.bundled import BUNDLED_SCORER
from experiments.corpora.documents import Example, examples_from
from experiments.corpora.panels import load_documents, panels_of
from experiments.corpora.splits import documents_in
from fitness.coherence.discrimination import discrimination
from fitness.coherence.scorer import CoherenceScorer
from tests.oracles.exchanges import LANGUAGES, exchanges_in


def examples() -> Iterator[tuple[str, list[Example]]]:
    """Kinds of text with their examples."""
    data = load_experiment(QUICKSTART).data
    documents = load_documents(data)
    for domain, of_domain in documents.items():
        held_out = [*documents_in(of_domain, "validation"), *documents_in(of_domain, "test")]
        yield f"bundled {domain}, validation and test", examples_from(held_out, per_document=1)
    yield "quickstart, search prompts", list(panels_of(data, documents)["search"])
    for language in LANGUAGES:
        yield (
            f"everyday questions and answers, {language}",
            [
                Example(f"{language}/{row}", language, (question,), answer, f"{language}/{row}")
                for row, (question, answer) in enumerate(exchanges_in(language))
            ],
        )


def main() -> None:
    """See the module."""
    scorer = CoherenceScorer.load(BUNDLED_SCORER)
    rows: list[list[Cell]] = []
    for name, chosen in examples():
        found = discrimination(
            scorer.score,
            [example.context for example in chosen],
            [example.reply for example in chosen],
            domains=[example.domain for example in chosen],
            groups=[example.group for example in chosen],
        )
        assert found is not None
        rows.append([name, found.num_replies, found.chance])
        print(*rows[-1])
    columns = {"texts": "", "replies": ".0f", "chance": ".3f"}
    record("languages", command="python benchmarks/languages.py", columns=columns, rows=rows, scorer=True)


if __name__ == "__main__":
    main()
