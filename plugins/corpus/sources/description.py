"""What `megaasr plugins show` and the reference say of a corpus source."""

from __future__ import annotations

from typing import Any

from megaasr import Plugins


def describe(name: str, plugins: Plugins) -> dict[str, Any]:
    """Title, content, licence, parts and archives of a corpus."""
    source = plugins.registry("corpus_source")[name]
    archives = [
        {"archive": archive.name, "parts": ", ".join(archive.parts), "address": archive.url}
        for archive in source.archives
    ]
    return {
        "title": source.title,
        "content": source.kind,
        "licence": source.licence,
        "homepage": source.homepage,
        "parts": list(source.parts),
        "fetched by default": list(source.usual),
        "archives": archives or "none: it must be downloaded by hand",
    }
