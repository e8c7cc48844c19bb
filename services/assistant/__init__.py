"""The assistant: remember, retrieve, generate. It owns the order of the stages and no model."""
