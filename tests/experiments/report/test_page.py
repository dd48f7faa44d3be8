"""The report: whole at every moment of a run, self-contained, and deaf to what answers and genomes say."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from experiments.commands.report import report_run
from experiments.problems.compositions.answers import read_answers, write_answers
from experiments.problems.compositions.finals import BEST_MEMBER, UNIFORM_MEAN, WINNER
from experiments.report.page import inline_json, write_report
from tests.experiments.report.made_up import answered, embedded, finish, search, start

ATTACK = '</script><script>document.title="pwned"</script><img src=x onerror=alert(1)>"\'&'


@pytest.fixture(scope="module")
def html(made_up_run: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = write_report(made_up_run, to=tmp_path_factory.mktemp("report") / "made-up.html")
    return path.read_text(encoding="utf-8")


def text_of(html: str) -> str:
    """The page without its scripts and its style."""
    return re.sub(r"<(script|style)[ >].*?</\1>", "", html, flags=re.DOTALL)


def test_it_shows_result_winner_figures_and_answers(html: str) -> None:
    page = text_of(html)
    for part in (WINNER, BEST_MEMBER, "Holm-corrected", "Pareto front", "How it came about", "Operator success"):
        assert part in page
    for part in ("Use of members", "Workers", "Failures", "Answers side by side", "guard copying × 0.50", "answer"):
        assert part in page
    assert "What mattered in the search on likelihood: members 60%, methods 30%, only together 10%" in page
    assert "What mattered in the search on coherence: decoding 50%" in page
    assert "<svg" in page
    assert "guard length" not in page  # It took nothing away.
    data = embedded(html)
    assert [figure["name"] for figure in data["figures"]][:3] == ["progress", "pareto", "lineage"]
    traces = [trace for figure in data["figures"][1:3] for trace in figure["traces"]]
    points = [individual for trace in traces for individual in trace.get("customdata", [])]
    assert points
    assert set(points) <= set(data["cards"])


def test_it_asks_for_nothing_outside_itself(html: str) -> None:
    addresses = re.findall(r'(?:src|href)="([^"]*)"', text_of(html))
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    assert "default-src &#39;none&#39;" in policy[1]
    assert policy[1].count("sha256-") == html.count("<script>")


def test_every_figure_has_its_data_beside_the_report(made_up_run: Path, tmp_path: Path) -> None:
    path = write_report(made_up_run, to=tmp_path / "here" / "one.html")
    folder = tmp_path / "here" / "one_data"
    names = {figure["name"] for figure in embedded(path.read_text(encoding="utf-8"))["figures"]}
    assert {file.stem for file in folder.iterdir()} == names | {"headline", "answers"}
    answers = pd.read_csv(folder / "answers.csv")
    assert set(answers["who"]) == {"human", BEST_MEMBER, UNIFORM_MEAN, WINNER}
    assert {"coherence", "nll_nats", "term.pair", "guard.copying"} <= set(answers)
    assert len(pd.read_csv(folder / "headline.csv")) == 3


def test_texts_of_a_run_never_become_markup(tmp_path: Path) -> None:
    with start(tmp_path / "run", births=14, name=ATTACK) as run:
        finish(search(run), answer=ATTACK)
    prompts = answered([ATTACK], (BEST_MEMBER, WINNER), ATTACK)
    write_answers(tmp_path / "run", prompts)
    assert read_answers(tmp_path / "run") == prompts
    html = write_report(tmp_path / "run").read_text(encoding="utf-8")
    assert ATTACK not in html
    assert 'document.title="pwned"' not in html
    assert "<img src=x" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert html.count("<script") == 4  # the data and our three


def test_inline_json_cannot_end_its_element() -> None:
    assert not set("<>&") & set(inline_json({"a": ATTACK, "b": "<!-- &amp;"}))


@pytest.mark.parametrize("births", [0, 5])
def test_a_run_without_results_has_a_report(tmp_path: Path, births: int) -> None:
    with start(tmp_path / "run", births=max(births, 1)) as run:
        if births:
            search(run)
        page = text_of(write_report(tmp_path / "run").read_text(encoding="utf-8"))
    assert "running" in page
    assert "There is no final comparison yet" in page
    assert ("The best so far" in page) == bool(births)
    page = text_of(write_report(tmp_path / "run").read_text(encoding="utf-8"))
    assert ("searched" if births else "interrupted") in page


def test_the_command_writes_beside_the_run_and_takes_only_html(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start(tmp_path / "run").close()
    assert report_run(tmp_path / "run") == tmp_path / "run" / "report.html"
    assert "report_data" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"--to is 'page.pdf'; allowed are names that end with '.html'"):
        report_run(tmp_path / "run", to=Path("page.pdf"))
