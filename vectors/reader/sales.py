"""Offers, their terms, and a job that sells outputs (docs/FORMATS.md). Ed25519 is not read."""

from .evidence import KEYS, derived
from .wire import Malformed, Reader, le


def text(value):
    return le(len(value.encode()), 2) + value.encode()


def read_offer(data):
    """The hash of an offer's terms, its chain, and the circuits that it allows."""
    r = Reader(data)
    r.take(KEYS + 32 + 32)
    circuits = [r.take(32) for _ in range(r.number(4))]
    for _ in range(r.number(4)):
        r.take(r.number(2))
    r.take(8 + 8)
    for _ in range(3):
        r.take(32 * r.number(4))
    kind, start = r.number(1), r.at
    if kind == 0:
        r.take(32 + 8 + 8)
        r.take(r.number(2))
        terms = derived("sotto mpc offer terms v1", data[start : r.at])
    elif kind == 1:
        terms = r.take(32)
    else:
        raise Malformed("terms")
    chain = r.take(32)
    r.take(4 + 8 + 32 + 64)
    if r.at != len(data):
        raise Malformed("trailing")
    return terms, chain, circuits


def check_vectors(v, check):
    unhex = bytes.fromhex
    terms = unhex(v["salt"]) + le(int(v["price"])) + le(int(v["start_fee"])) + text(v["address"])
    hashed = derived("sotto mpc offer terms v1", terms)
    check("the hash of terms", hashed.hex() == v["terms"])
    for name in ("offer", "confidential"):
        found, chain, circuits = read_offer(unhex(v[name]))
        check(f"{name}: its terms", found == hashed and len(circuits) == 1 and chain == bytes([11]) * 32)
        check(f"{name}: its id", derived("sotto mpc offer v1", unhex(v[name])).hex() == v[f"{name}_id"])
    check("confidential terms do not show", terms[:40] not in unhex(v["confidential"]))
    job = unhex(v["job_bytes"])
    check("the id of a job that sells", derived("sotto mpc job id v1", job).hex() == v["job_id"])
    first = le(2, 2) + unhex(v["offer_id"]) + hashed
    second = le(3, 2) + bytes([33]) * 32 + bytes([34]) * 32
    sale = le(4, 2) + le(1, 4) + le(1, 2) + le(2, 4) + first + second + bytes([11]) * 32 + le(400) + le(20)
    check("the sale ends the job", job.startswith(b"sotto job v5\0") and job.endswith(le(0, 4) + le(0, 1) + sale))
    asked = b"sotto sale ask v1\0" + unhex(v["job_id"])
    claim = asked + le(0, 1) + unhex(v["run_id"]) + unhex(v["point"]) + le(900)
    check("an ask for a claim", unhex(v["ask"])[:-64] == claim)
    check("an ask for the money", unhex(v["ask_return"])[:-64] == asked + le(1, 1))
