"""Contexts on screen: what the model saw at a step."""
