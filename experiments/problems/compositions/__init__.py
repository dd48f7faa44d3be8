"""Experiments on compositions of language models: their evaluator, members, final comparison and exports."""
