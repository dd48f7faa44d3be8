"""Members: the language models that genomes are composed of.

    MemberCatalogue   members by name: what they are, and the loaded models   catalogue.py, from sources.py and files.py
    num_positions     what a member is asked for, of whatever architecture     architectures.py
    tokenizer_key     which members share a tokenizer                         tokenizers.py
    Store             a cache on disk for what takes time to make             store.py

Members are trained in genomes/training/.
"""
