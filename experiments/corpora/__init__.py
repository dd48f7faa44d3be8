"""Texts as documents of turns, and the prompts and training tokens that are cut from them.

documents.py                                 documents, their splits, the examples in them
chitchat.py docstrings.py jsonl.py           sources of documents
load_documents(config.data)                  documents by domain                                panels.py
panels_of(config.data, documents)            prompts of the search, validation and test splits  panels.py
token_streams(documents, tokenizer, ...)     what members are trained on                        streams.py
"""
