"""Ways to a model: the OpenAI wire over HTTP, and scripted models for tests and benchmarks."""
