"""Forms as programs send them, in bytes: the same go to Werkzeug's and Rack's parsers directly, and through a front."""
BOUNDARY = b"----WebKitFormBoundaryA1b2"
D = b"Content-Disposition: form-data"
FILE = b"\r\nContent-Type: application/octet-stream"


def form(*parts):
    return b"".join(b"--" + BOUNDARY + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head, content in parts) + b"--" + BOUNDARY + b"--\r\n"


def named(name, filename=None, kind=b""):
    return D + b'; name="' + name + b'"' + (b"" if filename is None else b'; filename="' + filename + b'"') + kind


def fields(*pairs):
    return form(*[(named(name), value) for name, value in pairs])


NAMES = {
    "plain": b"a.txt", "empty": b"", "spaces": b" a b .txt ", "UTF-8": "Stra\u00dfe \U0001f32a.txt".encode(), "not UTF-8": b"caf\xe9.txt",
    "quotes of browsers": b"a%22b.txt", "quotes of others": b'a\\"b.txt', "all of them": b'a\\"b%22c\\\\d;e.txt', "backslash": b"a\\b.txt",
    "a path of Windows": b"C:\\dir\\new.txt", "a share": b"\\\\host\\dir\\a.txt", "two backslashes at the end": b"a\\\\", "a path": b"../../etc/passwd",
    "semicolon": b"a;b=c.txt", "percent": b"100%.txt", "escaped percent": b"a%25b%0D%0A.txt", "plus": b"a+b.txt", "RFC 2047": b"=?UTF-8?B?w7w=?=.txt",
    "equals and commas": b"a=b,c.txt", "apostrophe": b"it's.txt", "entity": b"&#8364;.txt", "tab": b"a\tb.txt", "long": b"x" * 3000,
}

FORMS = {
    "repeats": fields((b"tag", b"one"), (b"tag", b"two"), (b"tag", b"one"), (b"other", b"x"), (b"tag", b"")),
    "nested repeats": fields((b"ids[]", b"3"), (b"ids[]", b"1"), (b"post[tags][]", b"a"), (b"post[title]", b"b"), (b"post[tags][]", b"c")),
    "files between fields": form((named(b"a"), b"1"), (named(b"f", b"x", FILE), b"one"), (named(b"a"), b"2"), (named(b"f", b"y", FILE), b"two"),
                                 (named(b"b"), b"3"), (named(b"f[]", b"z", FILE), b"three"), (named(b"f[]", b"w", FILE), b"four")),
    "an input that was left empty": form((named(b"f", b"", FILE), b""), (named(b"a"), b"1")),
    "an empty file": form((named(b"f", b"void.txt", FILE), b""), (named(b"a"), b"")),
    "a file without a name": form((named(b"f", b"", FILE), b"content"),),
    "empty names": fields((b"", b"a"), (b"", b"b")),
    "no parts": b"--" + BOUNDARY + b"--\r\n",
    "bytes that are not UTF-8": fields((b"a", b"caf\xe9"), (b"\xff\xfe", b"\xc3\x28"), (b"b", bytes(range(256)))),
    "contents like boundaries": form((named(b"a"), b"\r\n--\r\n--" + BOUNDARY[:-1] + b"\r\n\r\n--"), (named(b"f", b"x", FILE), b"\r\n\r\r\n-\n--" + BOUNDARY[:-1])),
    "types of fields": form((named(b"a", None, b"\r\nContent-Type: text/plain; charset=iso-8859-1"), b"caf\xe9"),
                            (named(b"j", None, b"\r\nContent-Type: application/json"), b'{"a":1}')),
    "a file without a type": form((named(b"f", b"x"), b"content"),),
    "odd types": form((named(b"f", b"x", b"\r\nContent-Type: image/png; a=\"b;c\"; d=e"), b"1"), (named(b"g", b"y", b"\r\nContent-Type: nonsense"), b"2")),
    "other headers": form((named(b"f", b"x", b"\r\nX-Own: yes\r\nContent-Type: text/x\r\nContent-Length: 3\r\nContent-ID: <a@b>"), b"abc"),
                          (b"X-First: 1\r\n" + named(b"a"), b"1")),
    "headers of any case and order": form((b"content-type: text/x\r\ncontent-disposition: form-data; filename=\"x\"; name=\"f\"", b"1"),
                                          (b"CONTENT-DISPOSITION:form-data;name=\"a\"", b"2")),
    "tokens": form((D + b"; name=a", b"1"), (D + b"; name=f; filename=x.txt" + FILE, b"2")),
    "filename*": form((D + b"; name=\"f\"; filename*=UTF-8''Stra%C3%9Fe%20%22.txt" + FILE, b"1"),
                      (D + b"; name=\"g\"; filename=\"old.txt\"; filename*=UTF-8''n%e2%82%acw.txt" + FILE, b"2"),
                      (D + b"; name=\"h\"; filename*=iso-8859-1'en'caf%e9.txt; filename=\"late.txt\"" + FILE, b"3"),
                      (D + b"; name=\"i\"; filename*=koi8-r''%c1.txt" + FILE, b"4")),
    "pieces of RFC 2231": form((D + b"; name=\"f\"; filename*0=\"one \"; filename*1=\"two.txt\"" + FILE, b"1"),),
    "a name alone for a file": form((D + b"; filename=\"only.txt\"" + FILE, b"1"),),
    "a preamble and an epilogue": b"preamble\r\n" + fields((b"a", b"1")) + b"epilogue\r\n",
    "spaces after the boundary": fields((b"a", b"1")).replace(BOUNDARY + b"\r\n", BOUNDARY + b"  \r\n", 1),
    "a huge field": fields((b"a", b"x" * 400_000), (b"b", b"y")),
    "a huge file": form((named(b"f", b"x", FILE), bytes(range(256)) * 8000), (named(b"a"), b"1")),
    "many fields": fields(*[(b"n%d" % (number % 7), b"%d" % number) for number in range(300)]),
    **{f"a file name: {name}": form((named(b"f", value, FILE), b"1")) for name, value in NAMES.items()},
    **{f"a field name: {name}": fields((value, b"1"), (value, b"2")) for name, value in NAMES.items() if name not in ("tab", "equals and commas")},
}

# Two readers could take two meanings from these: the front answers 400.
REFUSED = {
    "a bare line feed in a head": form((named(b"a", None, b"\nX-Own: 1"), b"1")),
    "line feeds alone": fields((b"a", b"1")).replace(b"\r\n", b"\n"),
    "a folded header": form((D + b";\r\n name=\"a\"", b"1")),
    "a parameter twice": form((D + b"; name=\"a\"; name=\"b\"", b"1")),
    "no disposition": form((b"Content-Type: text/plain", b"1")),
    "content in base64": form((named(b"f", b"x", b"\r\nContent-Transfer-Encoding: base64"), b"YQ==")),
    "cut short": fields((b"a", b"1"))[:-8],
}
