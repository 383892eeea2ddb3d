"""Pure text: making hostile text safe to show, copy and write; widths, formats, fuzzy matching. No I/O, no Textual."""
