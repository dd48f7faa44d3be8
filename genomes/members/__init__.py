"""Members: the GPT-2 models that genomes are composed of.

    MemberCatalogue   members by name: what they are, and the loaded models     catalogue.py, from sources.py
    Recipe            everything that decides what a trained member is         recipes.py
    ensure_member     a trained member, from the store where it is there       store.py, by training.py
    ensure_tokenizer  the same for a tokenizer                                 store.py, by tokenizers.py

Import from these files: half of them need torch, and who wants a ``Recipe`` does not.
"""
