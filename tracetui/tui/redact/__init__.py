"""The redaction editor: its screen, its pages, and the thread that a review works on."""
