"""HTTP for workers: what a browser asked of a front, as a Request, and answers that the front makes responses of.

    @worker.handler("url", context=True)
    @http.endpoint
    def page(request):
        return http.text(f"hello {request.query.get('name', 'world')}")

Whole applications need none of this: tempest.wsgi serves them as they are.
"""
from __future__ import annotations

from .answers import answer, cookie, html, json, redirect, text
from .endpoint import endpoint
from .fields import Fields
from .form import Form, Part
from .request import Request
from .upload import Upload

__all__ = ["Fields", "Form", "Part", "Request", "Upload", "answer", "cookie", "endpoint", "html", "json", "redirect", "text"]
