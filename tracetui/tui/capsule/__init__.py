"""The screens about capsules: seal, player and verdict."""
