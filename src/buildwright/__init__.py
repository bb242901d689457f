"""Buildwright: a written requirement in; a designed, generated and tested project out.

Public names are loaded when they are used: `import buildwright` loads nothing heavy.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "App": "buildwright.app",
    "AsyncLLMProcessor": "buildwright.app.batch",
    "LLMRequest": "buildwright.services.batch",
    "LLMResponse": "buildwright.services.batch",
    "cache_synthesis_result": "buildwright.gateway.cache.decorators",
    "cached": "buildwright.gateway.cache.decorators",
    "get_cache": "buildwright.gateway.cache.decorators",
    "open_app": "buildwright.app",
    "Settings": "buildwright.core.settings",
    "load_settings": "buildwright.core.settings",
    "Wish": "buildwright.services.request",
    "CodeAnalysisTool": "buildwright.workflow.tools",
    "CodeGenerationTool": "buildwright.workflow.tools",
    "DocumentationTool": "buildwright.workflow.tools",
    "FileOperationTool": "buildwright.workflow.tools",
    "TestExecutionTool": "buildwright.workflow.tools",
    "Workbench": "buildwright.workflow.workbench",
}

__all__ = ["__version__", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    """Load a public name; an unknown one is an AttributeError as usual."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'buildwright' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)
