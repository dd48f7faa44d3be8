"""What a composition is: a typed graph of members, combiners and merges, its rules, identity, JSON and picture.

Nothing here draws random numbers, knows the limits of a search, or imports torch. Genomes are bred in
genomes/breeding/ and run in genomes/running/.
"""
