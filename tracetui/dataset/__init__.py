"""Datasets: from chosen sessions past the gate to rows that say where they came from, and to reports.

Nothing is sent anywhere: what comes out is a folder or a text.
"""
