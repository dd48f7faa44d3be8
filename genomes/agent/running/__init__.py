"""The runnable agent: its networks in PyTorch, how it learns, and how it is kept on disk."""
