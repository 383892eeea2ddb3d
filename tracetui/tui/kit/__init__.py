"""What every screen uses: lists, text, lines to type into, dialogs, themes and signs. Nothing here knows a feature."""
