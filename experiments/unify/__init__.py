"""One plain ``GPT2LMHeadModel`` in place of a composition, which stock transformers loads: by merging or by distilling.

merged.py     the composition's weights for its members become weights of a linear merge of their parameters
distilled.py  a student learns the composition's distributions on the training split
lessons.py    what it is taught: the composition without a marker, modules behind theirs
modules.py    the modules that read markers
report.py     what was kept: coherence and NLL of composition, unified model and best member
tables.py     the same for the terminal
folder.py     the directory: model, tokenizer, report and card
"""
