"""What the model saw at each step: reconstruction, estimates, comparison, and taking it along."""
