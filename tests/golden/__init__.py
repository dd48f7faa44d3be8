"""Golden tests: values that were recorded once, and that changes of form alone leave as they are.

``python -m tests.golden.record`` writes them anew; its docstring says when that is right.
"""
