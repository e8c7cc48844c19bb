"""The demonstration: a story of pictures with known truth, played to a memory and judged."""
