"""What tests and benchmarks compare the product with: slow twins, counted-out spaces, attacks on the scorer.

Nothing in ``genomes``, ``fitness``, ``evolve`` or ``experiments`` imports from here.
"""
