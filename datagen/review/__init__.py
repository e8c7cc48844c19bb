"""The review of a dataset: people look at its pictures and say which are to go."""
