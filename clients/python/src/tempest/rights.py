"""What Redis says to a user who lacks a right, as a sentence that tells what is missing and where the rights are listed.

Redis has a text of its own for commands, and others for what a function does; protocol/vectors/rights.json has them.
"""
from __future__ import annotations

import re
from typing import Optional

_IN_SCRIPT = re.compile(r" script: (\S+), on @user_(function|script):")
_COMMAND = re.compile(r"permissions to run the '([^']+)' command")


def denial(said: str, user: str) -> Optional[str]:
    """The sentence for an error reply, if it says that the user lacks a right. `said`: the reply with its first word."""
    if not said.startswith(("NOPERM ", "ERR The user executing the script can't ", "ERR ACL failure in script")):
        return None
    return f'the Redis user "{user}" may not {_deed(said)}: see "Rights" in protocol/queues.md. Redis said: {said}'


def _deed(said: str) -> str:
    script = _IN_SCRIPT.search(said)
    place = "" if script is None else f"the function {script[1]}" if script[2] == "function" else "a script"
    command = _COMMAND.search(said)
    if command is not None:
        return f'run "{command[1]}"' + (f" in {place}" if place else "")
    if "channel" in said:
        return f"use a channel of {place or 'this command'} (ACL LOG names it)"
    if " key" in said:
        return f"use a key of {place or 'this command'} (ACL LOG names it)"
    return f"run a command of {place} (ACL LOG names it)" if place else "do this (ACL LOG says what)"
