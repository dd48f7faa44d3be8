"""EleutherAI's lm-evaluation-harness on an exported composite, offline, beside the same numbers computed here.

    pip install 'lm-eval[hf]'
    python benchmarks/lm_evaluation_harness.py ARTIFACT

Writes three tasks from test prompts of an experiment: which of four replies follows (multiple choice), whole documents
(rolling perplexity), and greedy answers (generate_until). The harness runs as the command that people run, from another
folder and with ``trust_remote_code=True``, so that the artifact's own code is what it loads; ours is the engine's
phenotype. Fails where a likelihood, an answer or a metric differs.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
import yaml
from rich.console import Console
from rich.table import Table

import experiments
from experiments.config import load_experiment
from experiments.corpora.documents import Example
from experiments.corpora.panels import load_documents, panels_of
from experiments.corpora.splits import documents_in
from experiments.export.artifact import artifact_phenotype, load_artifact

NUM_CHOICES = 4
ALLOWED = 1e-6
TASKS = {
    "replies": {
        "output_type": "multiple_choice",
        "doc_to_text": "{{context}}",
        "doc_to_choice": "choices",
        "doc_to_target": "answer",
        "target_delimiter": "\n",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    },
    "documents": {
        "output_type": "loglikelihood_rolling",
        "doc_to_text": "",
        "doc_to_target": "{{text}}",
        "metric_list": [{"metric": "word_perplexity"}, {"metric": "byte_perplexity"}, {"metric": "bits_per_byte"}],
    },
    "answers": {
        "output_type": "generate_until",
        "doc_to_text": "{{prompt}}",
        "doc_to_target": "{{reply}}",
        "generation_kwargs": {"until": ["\n"], "do_sample": False, "max_gen_toks": 24},
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--experiment", type=Path, default=Path(experiments.__file__).parent / "quickstart.yaml")
    parser.add_argument("--prompts", type=int, default=80, help="of each task; a fourth as many whole documents")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="harness-") as folder:
        documents = write_tasks(Path(folder), arguments.experiment, arguments.prompts)
        metrics, samples = run_harness(Path(folder), arguments.artifact.resolve())
    ours = Ours(arguments.artifact)
    found = {
        "replies": [ours.choices(doc) for doc in documents["replies"]],
        "documents": [ours.rolling(doc["text"]) for doc in documents["documents"]],
        "answers": [ours.answer(doc["prompt"]) for doc in documents["answers"]],
    }
    raise SystemExit(compare(documents, metrics, samples, found))


def write_tasks(folder: Path, experiment: Path, count: int) -> dict[str, list[dict[str, Any]]]:
    """The three tasks' files, and what they hold."""
    data = load_experiment(experiment).data
    texts = load_documents(data)
    examples = panels_of(data, texts)["test"][:count]
    whole = [document for documents in texts.values() for document in documents_in(documents, "test")]
    whole.sort(key=lambda document: document.id)
    documents = {
        "replies": [choice(place, examples) for place in range(len(examples))],
        "documents": [{"text": "\n".join(document.turns) + "\n"} for document in whole[:: len(whole) // (count // 4)]],
        "answers": [{"prompt": "\n".join(one.context) + "\n", "reply": one.reply} for one in examples],
    }
    for name, task in TASKS.items():
        path = folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in documents[name]), encoding="utf-8")
        source = {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(path)}}, "test_split": "test"}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({"task": name, **source, **task}), encoding="utf-8")
    return documents


def choice(place: int, examples: Sequence[Example]) -> dict[str, Any]:
    """A prompt with its own reply among those of the next prompts."""
    replies = [examples[(place + step) % len(examples)].reply for step in range(NUM_CHOICES)]
    answer = place % NUM_CHOICES
    replies[0], replies[answer] = replies[answer], replies[0]
    return {"context": "\n".join(examples[place].context), "choices": replies, "answer": answer}


def run_harness(folder: Path, artifact: Path) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """The harness's metrics and its responses by task and document."""
    options = ["--model", "hf", "--device", "cpu", "--batch_size", "8", "--include_path", str(folder)]
    options += ["--model_args", f"pretrained={artifact},trust_remote_code=True,dtype=float32"]
    options += ["--tasks", ",".join(TASKS), "--output_path", str(folder / "out"), "--log_samples"]
    offline = dict.fromkeys(("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"), "1")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | offline
    environment |= {"HF_HOME": str(folder / "home")}
    command = [sys.executable, "-m", "lm_eval", "run", *options]
    subprocess.run(command, check=True, cwd=folder, env=environment, stdin=subprocess.DEVNULL)
    (results,) = folder.glob("out/**/results_*.json")
    samples = {}
    for name in TASKS:
        (path,) = folder.glob(f"out/**/samples_{name}_*.jsonl")
        lines = sorted(
            (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()), key=lambda one: one["doc_id"]
        )
        samples[name] = [line["filtered_resps"] for line in lines]
    return json.loads(results.read_text(encoding="utf-8"))["results"], samples


class Ours:
    """The same numbers from the engine's phenotype."""

    def __init__(self, artifact: Path) -> None:
        self._model, self._tokenizer = load_artifact(artifact)
        self._phenotype = artifact_phenotype(self._model, self._tokenizer)

    def choices(self, document: dict[str, Any]) -> list[float]:
        """Log-likelihood in nats of every reply after the context, with the line break before it."""
        context = document["context"].rstrip()
        start = len(self._tokens(context))
        return [self._likelihood(self._tokens(f"{document['context']}\n{one}"), start) for one in document["choices"]]

    def rolling(self, text: str) -> float:
        """Log-likelihood in nats of a whole document; each window sees one token or more before what it scores."""
        tokens, longest = self._tokens(text), self._phenotype.num_positions
        total, end = 0.0, 0
        while end < len(tokens):
            start, end = end, min(len(tokens), end + longest)
            window = tokens[max(0, end - longest - 1) : end]
            window = [self._tokenizer.eos_token_id, *window] if start == 0 else window
            total += self._likelihood(window, len(window) - (end - start))
        return total

    def answer(self, prompt: str) -> str:
        """The likeliest answer, up to its line break."""
        inputs = self._tokenizer(prompt, return_tensors="pt")
        out = self._model.generate(**inputs, do_sample=False, max_new_tokens=24)
        text: str = self._tokenizer.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        return text.split("\n")[0]

    def _tokens(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _likelihood(self, tokens: Sequence[int], start: int) -> float:
        ids = torch.tensor([tokens])
        joint = self._phenotype.log_probabilities(ids[:, :-1])
        return float(joint[0, start - 1 :].gather(-1, ids[0, start:, None]).double().sum())


def compare(
    documents: dict[str, list[dict[str, Any]]],
    metrics: dict[str, Any],
    samples: dict[str, list[Any]],
    found: dict[str, list[Any]],
) -> int:
    """Show both sides; how many differ."""
    chosen = [max(range(NUM_CHOICES), key=likelihoods.__getitem__) for likelihoods in found["replies"]]
    texts = [document["text"] for document in documents["documents"]]
    nats = -sum(found["documents"])
    num_bytes, num_words = sum(len(text.encode()) for text in texts), sum(len(re.split(r"\s+", text)) for text in texts)
    right = [answer == document["answer"] for answer, document in zip(chosen, documents["replies"], strict=True)]
    same = [
        answer == document["reply"] for answer, document in zip(found["answers"], documents["answers"], strict=True)
    ]
    ours = {
        ("replies", "acc"): sum(right) / len(right),
        ("documents", "word_perplexity"): math.exp(nats / num_words),
        ("documents", "byte_perplexity"): math.exp(nats / num_bytes),
        ("documents", "bits_per_byte"): nats / num_bytes / math.log(2),
        ("answers", "exact_match"): sum(same) / len(same),
    }
    table = Table(title="lm-evaluation-harness and ours")
    for heading in ("task", "documents", "metric", "harness", "ours"):
        table.add_column(heading, justify="right" if heading in ("documents", "harness", "ours") else "left")
    num_different = 0
    for (task, metric), value in ours.items():
        theirs = metrics[task][f"{metric},none"]
        num_different += not math.isclose(theirs, value, rel_tol=1e-5)
        table.add_row(task, str(len(documents[task])), metric, f"{theirs:.6f}", f"{value:.6f}")
    Console(width=100).print(table)
    pairs = [
        (float(theirs), mine)
        for responses, likelihoods in zip(samples["replies"], found["replies"], strict=True)
        for (theirs, _), mine in zip(responses, likelihoods, strict=True)
    ]
    pairs += [(float(theirs[0]), mine) for theirs, mine in zip(samples["documents"], found["documents"], strict=True)]
    gap = max(abs(theirs - mine) / max(1.0, abs(mine)) for theirs, mine in pairs)
    num_answers = sum(theirs[0] == mine for theirs, mine in zip(samples["answers"], found["answers"], strict=True))
    print(f"{len(pairs)} log-likelihoods differ by {gap:.1e} of their size at most.")
    print(f"{num_answers} of {len(found['answers'])} greedy answers are the same.")
    return num_different + (gap > ALLOWED) + (len(found["answers"]) - num_answers)


if __name__ == "__main__":
    main()
