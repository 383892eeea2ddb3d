"""Full screens and dialogs. Imported when they are first shown."""
