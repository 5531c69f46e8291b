"""The rights of protocol/queues.md: its table is read, so that what is tested is what is written."""
import re

import checkout

PASSWORD = "secret"
_RIGHT = re.compile(r"`([^`]*)`")


def table():
    """What the section's table says: who -> the rights of his row and of those that it names."""
    text = (checkout.ROOT / "protocol" / "queues.md").read_text("utf-8")
    section = re.split(r"^## ", text.split("\n## Rights\n")[1], maxsplit=1, flags=re.M)[0]
    rows = {}
    for line in section.splitlines():
        cells = re.split(r"(?<!\\)\|", line)[1:-1]
        if len(cells) == 2 and not cells[0].startswith("-"):
            who, row = cells[0].strip(), cells[1].replace("\\|", "|")
            named = [right for other in re.findall(r"\*([a-z ]+)\*", row) for right in rows[other]]
            own = [word for words in _RIGHT.findall(row) for word in words.split() if word[0] in "~&+"]
            rows[who] = [*dict.fromkeys(named + own)]
    return rows


def rights(who, *queues, channel="news"):
    """What a user needs, as words for ACL SETUSER."""
    rows = table()
    found = []
    for right in rows["each connection"] + rows[who]:
        for queue in queues or ("q",):
            found.append(right.replace("Q", queue).replace("<channel>", channel) if right[0] in "~&" else right)
    return [*dict.fromkeys(found)]


def make_user(server, name, words):
    """A user with these rights and no others; the URL by which he comes in."""
    server.client.execute_command("ACL", "SETUSER", name, "reset", "on", f">{PASSWORD}", "resetkeys", "resetchannels", "-@all", *words)
    return f"unix://{name}:{PASSWORD}@{server.socket}"


def denials(server):
    """What Redis has refused to whom since it was asked the last time."""
    found = server.client.execute_command("ACL", "LOG")
    server.client.execute_command("ACL", "LOG", "RESET")
    entries = [dict(zip(entry[::2], entry[1::2])) for entry in found]
    return sorted({" ".join(entry[field].decode() for field in (b"username", b"reason", b"object")) + " " +
                   (re.search(r"cmd=(\S+)", entry[b"client-info"].decode()) or [""])[0] for entry in entries})
