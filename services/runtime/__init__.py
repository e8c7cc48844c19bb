"""What every server shares: limits, errors, identity, health, model workers. Knows no concept."""
