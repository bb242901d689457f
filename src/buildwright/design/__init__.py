"""Design knowledge: analysis, templates and documents, as pure functions."""
