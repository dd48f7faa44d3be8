"""The search: what to breed, whom to keep, what was decided when, and the workers that evaluate."""
