"""How well a reply continues what was said before it: the ``coherence`` objective.

``CoherenceScorer`` is fitted once on training documents, saved as safetensors and JSON, and then scores replies
without any network: sentence embeddings and next-utterance heads give the signal, guards take away what a
search would exploit, and ``agent_score`` judges an agent's replies over a panel together.
"""
