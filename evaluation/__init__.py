"""Measures anything that speaks `kith.v1.Assistant` by the protocol of MP-Bench."""
