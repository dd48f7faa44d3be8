"""How good a language model's answers are. Knows no genome, no Ray, no DEAP: it is handed texts and likelihoods."""
