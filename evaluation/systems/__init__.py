"""What is measured: assistants that are reached by the client, and systems that are not ours."""
