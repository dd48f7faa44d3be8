"""From a genome to a directory that ``AutoModelForCausalLM.from_pretrained`` loads, and back.

``artifact.py``, ``sources.py`` and ``hub.py`` write artifacts, load them and give them away; ``opened.py``,
``answering.py`` and ``answer_text.py`` ask them, token by token, for whoever talks with one or serves it.
"""
