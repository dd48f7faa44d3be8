"""Comparison of search methods at equal budget: what `evolve compare` does, as functions.

task.py         what everybody is scored by; likelihood.py: its evaluator from kept member outputs
memo.py         evaluations on disk, shared by methods, seeds and processes
bench.py        the account that a method spends its budget from
baselines/      the methods, one per file
cell.py         one method with one seed, from its search to one look at the test prompts
running.py      all of them, restartable
analysis.py     curves, intervals and tests; tables.py shows them
"""
