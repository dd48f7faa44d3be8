"""A third kind of experiment that finds hidden digits. It shows what a kind has to bring."""
