"""What the engine is used for: compositions of language models, and agents. One folder is one kind of experiment."""
