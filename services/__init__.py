"""The services: one folder each, meeting only in `services.assistant.wiring`."""
