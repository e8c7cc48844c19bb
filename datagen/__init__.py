"""Pictures with known truth, for training and for measuring."""
