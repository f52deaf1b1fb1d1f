"""What visitors reach: short links, answered before any routing, with the click in the journal first."""

from shortmcp.faces.public.face import PublicFace
from shortmcp.faces.public.requests import Services

__all__ = ["PublicFace", "Services"]
