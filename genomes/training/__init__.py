"""Training members: from a recipe and token streams to a directory that ``from_pretrained`` reads.

    Recipe            everything that decides what a trained member is     recipes.py
    Chain             drafts that a member is trained to read              chains.py
    ensure_member     a trained member, from the store where it is there   keeping.py, by training.py

Which texts the tokens come from is the business of experiments/corpora/. Import from these files: half of them need
torch, and who wants a ``Recipe`` does not.
"""
