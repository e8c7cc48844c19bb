"""The stubs of the contract, generated from ``proto/kith/v1`` by ``proto/generate.py``."""
