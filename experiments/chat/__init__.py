"""Talking with an artifact in the terminal: ``evolve chat``.

``conversation.py`` keeps the turns and answers them, ``mixture.py`` says how much each member had to do with every
token, ``graph.py`` draws the composition, ``console.py`` reads lines and shows all this.
"""
