"""Browsing: the main screen with sessions, timeline and step, search, and the first screen on a new bucket."""
