"""What a composition is: a typed graph of members, combiners and merges, its rules, identity, size, JSON and picture,
and the flat program that follows from it.

Nothing here draws random numbers, knows the limits of a search, or imports torch. Genomes are bred in
genomes/breeding/ and run in genomes/running/.
"""
