"""Between the wires: requests, whole answers and streams of OpenAI, Anthropic and Ollama.

Where a request has a field that the other wire has no word for, one of three things happens, the
same everywhere. What changes the form of the answer or what it is about is refused by name, before
anything is sent. What only steers sampling or bookkeeping (`seed`, penalties, `user`, `metadata`,
`service_tier`, `top_k`, `store`, `prediction`) is left out. Fields nobody knows are left out.
"""
