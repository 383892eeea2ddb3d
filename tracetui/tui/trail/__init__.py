"""Trails on screen: what became of edits, commits and blame."""
