"""Views of a run: console, live, CSV, JUnit, Markdown, HTML. They read results and never change or judge them."""
