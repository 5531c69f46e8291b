"""Mutants of valid documents: bytes that are almost right, in each codec in the ways in which that codec can go wrong.

Called by compare.py with a seeded random.Random.
"""
import re

FRAGMENTS = {
    "json": [b"null", b"tru", b"-0", b"-", b"01", b"+1", b".5", b"1.", b"1e", b"1e+5", b"1E400", b"1e-400", b"0.1e1", b"NaN", b"Infinity",
             b"18446744073709551615", b"18446744073709551616", b"-9223372036854775808", b"-9223372036854775809", b"[]", b"{}",
             b'"\\ud800"', b'"\\udc00"', b'"\\udc00\\udc00"', b'"\\ud800\\ud800"', b'"\\ude00\\ud83d"', b'"\\ud83d\\u0041"', b'"\\ud83d\\ude00"', b'"\\u00"', b'"\\x"', b'"\\u0000"', b'"\x00"', b'"\x1f"', b'"\xff"',
             b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\xf4\x90\x80\x80"', b'{"$b64":"aGk="}', b'{"$b64":"aGl="}', b'{"$b64":"aGk"}',
             b'{"$$b64":"aGk="}', b'{"\\u0024b64":"aGk="}', b'{"$b64":"a\\u0047k="}', b'{"$b64":"aGk=","a":1}', b'{"$b64":"aGk=","$b64":"aGk="}',
             b'{"a":1,"a":2}', b'{"a":1,"\\u0061":2}', b'{"a"}', b'{1:2}', b",", b",,", b"/**/", b"//", b" ", b"\t\r\n", b"\x0b", b"\x0c",
             b"\xa0", b"\xef\xbb\xbf", b"1.7976931348623158e308", b"1.7976931348623159e308", b"9007199254740993.0", b"0e999999999999",
             b"2.4703282292062327e-324", b"2.4703282292062328e-324", b"123456789012345678901234567890.5", b"1" * 400 + b".0", b"0." + b"0" * 400 + b"1"],
    "msgpack": [b"\xc0", b"\xc1", b"\xc2", b"\xc3", b"\xc4\x00", b"\xc4\x02\xff\xff", b"\xc5\x00\x01a", b"\xc6\x00\x00\x00\x01a", b"\xc7\x00\x05",
                b"\xc7\x03\x80abc", b"\xc8\x00\x01\x7fa", b"\xc9\x00\x00\x00\x01\xffa", b"\xca\x3f\x80\x00\x00", b"\xca\x7f\x80\x00\x00",
                b"\xca\x7f\xc0\x00\x00", b"\xca\x00\x00\x00\x01", b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", b"\xcb\xff\xf8\x00\x00\x00\x00\x00\x01",
                b"\xcb\x80\x00\x00\x00\x00\x00\x00\x00", b"\xcc\x01", b"\xcd\x00\x01", b"\xce\x00\x00\x00\x01", b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
                b"\xd0\x01", b"\xd0\x80", b"\xd1\xff\xff", b"\xd2\x80\x00\x00\x00", b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00", b"\xd4\x01a",
                b"\xd5\x01ab", b"\xd6\xffabcd", b"\xd7\xffabcdefgh", b"\xd8\x01abcdefghabcdefgh", b"\xd9\x01a", b"\xda\x00\x01a",
                b"\xdb\x00\x00\x00\x01a", b"\xdc\x00\x01\xc0", b"\xdd\x00\x00\x00\x01\xc0", b"\xde\x00\x01\xa1a\xc0", b"\xdf\x00\x00\x00\x01\xa1a\xc0",
                b"\x81\xa1a\x01", b"\x82\xa1a\x01\xa1a\x02", b"\x82\xa1a\x01\xc4\x01a\x02", b"\x82\xa1a\x01\xd9\x01a\x02", b"\x81\xc4\x01\xff\x01",
                b"\x81\x01\x01", b"\x81\xc0\x01", b"\x81\x90\x01", b"\xa1\xff", b"\xa3\xed\xa0\x80", b"\xdc\xff\xff", b"\xdd\xff\xff\xff\xff",
                b"\xdf\x7f\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\x8f", b"\x9f", b"\xbf"],
    "tnetstring": [b"0:~", b"1:a~", b"4:true!", b"5:false!", b"4:True!", b"0:]", b"0:}", b"0:,", b"2:hi,", b"02:hi,", b"+2:hi,", b" 2:hi,",
                   b"1000000000:a,", b"999999999:a,", b"1:\xff,", b"3:\xed\xa0\x80,", b"2:-0#", b"2:+1#", b"2:01#", b"0:#", b"1:-#",
                   b"20:18446744073709551615#", b"20:18446744073709551616#", b"20:-9223372036854775808#", b"20:-9223372036854775809#",
                   b"1:1^", b"3:1.5^", b"2:1.^", b"2:.5^", b"3:1e5^", b"3:1E5^", b"4:1e+5^", b"2:-0^", b"4:-0.0^", b"3:nan^", b"3:inf^", b"5:1e400^",
                   b"6:1e-400^", b"4:00.5^", b"3:01^", b"3:0e0^", b"22:2.4703282292062328e-324^", b"4:1:a,}", b"7:1:a,0:~}", b"7:0:~1:a,}",
                   b"14:1:a,0:~1:a,0:~}", b"3:1:1#", b"2:1.5^", b"1:1$", b"8:1:\xff,1:1#}"],
}
_NUMBER = re.compile(rb"-?[0-9][0-9.eE+-]*")
_STRING = re.compile(rb'"[^"\\]*"')


def mutant(rng, codec, pool):
    """One to three mutations of a document of the pool."""
    data = rng.choice(pool)
    if codec == "tnetstring" and rng.random() < 0.5:
        return _tnetstring(rng, data)
    if codec == "json" and rng.random() < 0.4:
        return _token(rng, data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = rng.choice(_WAYS)(rng, data, pool, FRAGMENTS[codec])
    return data


def _place(rng, data):
    return rng.randrange(len(data) + 1)


def _flip(rng, data, pool, fragments):
    if not data:
        return b"\x00"
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def _byte(rng, data, pool, fragments):
    at = rng.randrange(max(len(data), 1))
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def _near(rng, data, pool, fragments):
    """A byte that is one more or less: lengths and counts that are almost right."""
    at = rng.randrange(max(len(data), 1))
    return data[:at] + bytes([(data[at] + rng.choice((-1, 1))) % 256 if data else 0]) + data[at + 1 :]


def _insert(rng, data, pool, fragments):
    at = _place(rng, data)
    return data[:at] + bytes(rng.randrange(256) for _ in range(rng.randrange(1, 4))) + data[at:]


def _delete(rng, data, pool, fragments):
    at = _place(rng, data)
    return data[:at] + data[at + rng.randrange(1, 5) :]


def _duplicate(rng, data, pool, fragments):
    at = _place(rng, data)
    end = at + rng.randrange(1, 12)
    return data[:end] + data[at:end] + data[end:]


def _splice(rng, data, pool, fragments):
    other = rng.choice(pool)
    start = _place(rng, other)
    return data[: _place(rng, data)] + other[start : start + rng.randrange(1, 200)]


def _truncate(rng, data, pool, fragments):
    return data[: _place(rng, data)]


def _fragment(rng, data, pool, fragments):
    at = _place(rng, data)
    return data[:at] + rng.choice(fragments) + data[at + rng.randrange(3) :]


def _alone(rng, data, pool, fragments):
    return rng.choice(fragments) + rng.choice((b"", b"", rng.choice(fragments)))


_WAYS = [_flip, _byte, _near, _near, _insert, _delete, _duplicate, _splice, _truncate, _fragment, _fragment, _alone]


def _token(rng, data):
    """JSON with one of its tokens replaced by another, which leaves the rest in order."""
    found = [match.span() for pattern in (_NUMBER, _STRING) for match in pattern.finditer(data)]
    start, end = rng.choice(found) if found else (0, len(data))
    return data[:start] + rng.choice(FRAGMENTS["json"]) + data[end:]


def _tnetstring(rng, data):
    """An element anywhere inside replaced, removed or repeated, and the lengths around it made right again."""
    try:
        return _rebuilt(rng, data, 0, len(data))
    except (ValueError, IndexError):
        return data


def _rebuilt(rng, data, start, end):
    colon = data.index(b":", start, end)
    stop = colon + 1 + int(data[start:colon])
    tag = data[stop : stop + 1]
    if tag not in (b"]", b"}") or stop == colon + 1 or rng.random() < 0.15:
        return rng.choice(FRAGMENTS["tnetstring"])
    parts, at = [], colon + 1
    while at < stop:
        begin = at
        mark = data.index(b":", at, stop)
        at = mark + 2 + int(data[at:mark])
        parts.append(data[begin:at])
    place = rng.randrange(len(parts))
    way = rng.randrange(8)
    if way == 0:
        del parts[place]
    elif way == 1:
        parts.insert(rng.randrange(len(parts) + 1), parts[place])
    elif way == 2:
        parts.insert(place, rng.choice(FRAGMENTS["tnetstring"]))
    else:
        parts[place] = _rebuilt(rng, parts[place], 0, len(parts[place]))
    inner = b"".join(parts)
    return b"%d:%b%b" % (len(inner), inner, rng.choice((tag, tag, tag, tag, tag, b"]", b"}", b",")))
