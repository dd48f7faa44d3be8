"""What an agent is: a graph of modules with typed ports, its rules, its identity, its JSON, its picture. No torch."""
