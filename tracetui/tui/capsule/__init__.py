"""What the screens about capsules work with: drafts, the course of an episode, rows and pages."""
