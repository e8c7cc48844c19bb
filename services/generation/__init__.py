"""Generation: an answer, streamed, from chat turns of text and images, by a LLaVA."""
