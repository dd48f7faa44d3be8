"""The members of an experiment: where they come from, and how those with recipes are trained."""
