"""Widgets that know rows and keys, never the bucket."""
