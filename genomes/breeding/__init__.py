"""How one composition becomes another: the space of a search, founders, random genomes, mutations and crossovers.

What a genome is stands in genomes/graph/. Who breeds and who stays is decided in evolve/.
"""
