"""How one agent becomes another: the space of agents, founders and mutations."""
