"""The final comparison on a terminal. Numbers come from results.py; nothing is computed here."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evolve.jobs import SEARCH_PANEL
from experiments.problems.compositions.judging import judge_verdict, judged_how
from experiments.problems.compositions.results import Results, Row
from fitness.objectives import REPORTED
from fitness.statistics import count_text, interval_text, is_significant, p_value_text

_WORTH_SAYING = 0.01


def print_results(results: Results, *, console: Console) -> None:
    """Print the final table, what it says in one sentence, and the sample answers."""
    table = Table(
        title=f"Test split: {results.extent}, 95 % paired bootstrap intervals over documents",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
    )
    table.add_column("")
    further = [objective for objective in results.objectives if objective.name not in REPORTED]
    names = [objective.heading for objective in further]
    judged = results.judgement.by_label if results.judgement else {}
    judge_columns = ("judge ↑",) if judged else ()
    for name in ("coherence ↑", *names, "winner's gain", *judge_columns, "NLL ↓ (nats)", "M par.", "answers"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in results.rows:
        table.add_row(
            escape(row.label),
            interval_text(row.coherence, separator="\n"),  # On two lines a table fits a terminal of 80 columns.
            *(interval_text(row.objectives[objective.name], separator="\n") for objective in further),
            interval_text(row.winner_gain, "+.3f", separator="\n"),
            *(interval_text(judged[row.label].value, ".2f", separator="\n") for _ in judge_columns),
            interval_text(row.nll, ".2f", separator="\n"),
            f"{row.active_parameters / 1e6:.2f}",
            count_text(row.answers),
            style="bold" if row is results.winner else None,
        )
    console.print(table)
    console.print(f"Human replies to the same prompts score {results.human_coherence:.3f}.")
    if results.judgement:
        console.print(judged_how(results.judgement))
    console.print(verdict(results))
    for sentence in mattered(results):
        console.print(sentence)
    for sample in results.samples:
        console.print()
        console.print(f"[dim]prompt[/]  {escape(sample.context[-1])}")
        for label, answer in sample.answers.items():
            console.print(f"  [bold]{escape(label)}:[/] {escape(answer) or '(no words)'}")
        console.print(f"  [dim]human:[/] {escape(sample.human)}")


def verdict(results: Results) -> str:
    """What the table says of the winner against each row, in one sentence per row, and whether it is one at all.

    Which differences count as one is decided by ``fitness.statistics.is_significant``.
    """
    others = [row for row in results.rows if row is not results.winner]
    sentences = [_verdict(row, results) for row in others]
    if others and not any(_is_significant(row) for row in others):
        sentences.append("No significant winner: chance explains every difference from the evolved winner.")
    if results.judgement and others:
        leading = results.objectives[0].name
        sentences.append(judge_verdict(results.judgement, ahead=results.ahead.label, objective=leading))
    return "\n".join(sentences)


def mattered(results: Results) -> list[str]:
    """Which genes the scores hung on, a sentence for each stage of the search."""
    return [
        f"What mattered in the search on {results.objectives[0].name if one.panel == SEARCH_PANEL else one.panel}: "
        + ", ".join(f"{name} {share:.0%}" for name, share in one.groups.items() if share >= _WORTH_SAYING)
        + f", only together {one.interactions:.0%} (of what a model of {one.num_scores} scores explains)."
        for one in results.importances
    ]


def _is_significant(row: Row) -> bool:
    gain, p_value = row.winner_gain, row.winner_gain_p
    return gain is not None and p_value is not None and is_significant(gain, p_value)


def _verdict(row: Row, results: Results) -> str:
    gain, leading = row.winner_gain, results.objectives[0].name
    if gain is None:
        return (
            f"{leading} is {results.winner.objectives[leading].value:.4g} for the evolved winner and "
            f"{row.objectives[leading].value:.4g} for {row.label}; it has no numbers per prompt, so no interval."
        )
    where = "" if leading == "coherence" else f" in {leading}"
    if not _is_significant(row):
        finding = "No significant difference between the evolved winner and"
    elif gain.value > 0:
        finding = "The evolved winner is better than"
    else:
        finding = "The evolved winner is worse than"
    p_value = f"p = {p_value_text(row.winner_gain_p)}, Holm-corrected"
    return f"{finding} {row.label}{where}: {interval_text(gain, '+.3f')}, {p_value}."
