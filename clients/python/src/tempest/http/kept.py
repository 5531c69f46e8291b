"""Uploads that a worker keeps, in the folder which front and workers share (protocol/http.md, "Uploads").

Upload.keep and Upload.delete use it. The front removes `<token>` when the request ends, and never `<token>.kept`; that a file has one
name or the other is the file system's to decide, so that keeping and removing cannot both succeed.
"""
from __future__ import annotations

import os

from ..errors import UploadError

KEPT = ".kept"


def keep_in(folder: str, token: str) -> bool:
    """False if the folder does not have it."""
    path = os.path.join(folder, token)
    try:
        os.rename(path, path + KEPT)
    except FileNotFoundError:
        return os.path.lexists(path + KEPT)
    except OSError as error:
        raise UploadError(f"the upload {token} cannot be kept: {error}") from error
    return True


def delete_in(folder: str, token: str) -> bool:
    """False if the folder does not have it."""
    path, found = os.path.join(folder, token), False
    # In this order: between the two, somebody may keep it.
    for name in (path, path + KEPT):
        try:
            os.unlink(name)
            found = True
        except FileNotFoundError:
            pass
        except OSError as error:
            raise UploadError(f"the upload {token} cannot be deleted: {error}") from error
    return found
