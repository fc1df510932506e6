"""What the pages of the book show: figures, sliders, explorers, tables and verdicts."""
