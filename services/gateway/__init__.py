"""HTTP for people and chat clients: an OpenAI-compatible chat, REST, MCP and the web page."""
