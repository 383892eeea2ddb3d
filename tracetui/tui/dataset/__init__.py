"""Datasets in the app: which workflows there are, and their rows beside the sessions that they came from."""
