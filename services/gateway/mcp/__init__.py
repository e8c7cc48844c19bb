"""Kith as tools of a chat program: the Model Context Protocol, over HTTP and standard input."""
