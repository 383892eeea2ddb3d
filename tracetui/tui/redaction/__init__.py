"""The redaction editor's own model: what is reviewed, how its text is laid out in pages, and the thread it works on."""
