"""From a genome to a directory that ``AutoModelForCausalLM.from_pretrained`` loads, and back.

``artifact.py``, ``sources.py`` and ``hub.py`` write, load and publish artifacts. ``opened.py``,
``answering.py`` and ``answer_text.py`` ask them, token by token, for whoever talks with an artifact or serves it.
"""
