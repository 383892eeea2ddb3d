"""The app: the only place that knows Textual. Start it with `tracetui.tui.app.run`."""
