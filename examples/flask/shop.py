"""A small Flask application that knows nothing of queues: a guest book with a page, a form, a cookie, a counter and a stream."""
import time

from flask import Flask, Response, redirect, request, url_for
from markupsafe import escape

app = Flask(__name__)
entries = []

STYLE = """
:root { color-scheme: light dark; }
body { font: 1.05rem/1.6 system-ui, sans-serif; max-width: 36rem; margin: 3rem auto; padding: 0 1.25rem; }
h1 { border-bottom: 4px solid #2f6fae; padding-bottom: 0.4rem; }
input, button { font: inherit; padding: 0.35rem 0.7rem; border: 1px solid #8888; border-radius: 0.4rem; }
"""
PAGE = """<!doctype html>
<html lang="en">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Guest book</title>
<style>{style}</style>
<h1>Guest book</h1>
<p>Hello {name}, you have seen this page {visits} times.</p>
<ul>{entries}</ul>
<form method="post" action="{sign}">
  <input name="name" placeholder="your name" maxlength="50">
  <input name="words" placeholder="some words" maxlength="200">
  <button>Sign</button>
</form>
<p><a href="{countdown}">a stream</a></p>
<form method="post" action="{leave}"><button>Leave</button></form>
"""


def session():
    """The browser's session, which the front keeps; None without a front that has sessions."""
    return request.environ.get("tempest.session")


@app.get("/")
def page():
    visits = 1
    if session() is not None:
        visits = session().get("visits", 0) + 1
        session().set("visits", visits)
    items = "".join(f"<li><b>{escape(name)}</b>: {escape(words)}</li>" for name, words in entries)
    return PAGE.format(style=STYLE, name=escape(request.cookies.get("name", "stranger")), visits=visits, entries=items,
                       sign=url_for("sign"), countdown=url_for("countdown"), leave=url_for("leave"))


@app.post("/sign")
def sign():
    name = request.form.get("name", "").strip()[:50] or "stranger"
    entries.append((name, request.form.get("words", "").strip()[:200]))
    del entries[:-100]
    if session() is not None:
        session().set("user", name)
        session().rotate()  # whoever knew the old id does not know the new one
    response = redirect(url_for("page"), 303)
    response.set_cookie("name", name, max_age=86400, httponly=True, samesite="Lax")
    return response


@app.post("/leave")
def leave():
    if session() is not None:
        session().end()
    response = redirect(url_for("page"), 303)
    response.delete_cookie("name")
    return response


@app.post("/photo")
def photo():
    """Files come as Flask has them, wherever the front has put them."""
    files = {field: {"filename": file.filename, "bytes": len(file.read())} for field, file in request.files.items()}
    return {"files": files, "form": request.form.to_dict()}


@app.get("/countdown")
def countdown():
    """Each line is on its way before the next one is made."""
    pause = min(1.0, max(0.0, request.args.get("pause", 0.5, float)))

    def lines():
        for number in range(5, 0, -1):
            yield f"{number}\n"
            time.sleep(pause)
        yield "go\n"
    return Response(lines(), mimetype="text/plain")
