"""How a build proceeds: the stages, the graph that orders them, and what an outcome means."""
