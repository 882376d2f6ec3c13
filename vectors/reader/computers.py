"""Jobs of more than two computers, their receipts, and the tests of an owner (docs/FORMATS.md). Signatures are not read."""

from hashlib import sha256

from .evidence import derived
from .wire import Malformed, Reader, le

NO_DEMANDS = le(0, 4) + le(0, 1)
STATEMENT = 4 * 8 + 64


def read_receipt(data):
    """The facts, and the number of statements."""
    r = Reader(data)
    if r.take(17) != b"sotto receipt v3\0":
        raise Malformed("receipt")
    start = r.at
    r.take(32 + 4 + 4 + 32 + 32 + 8)
    r.take(32 * r.number(4))
    outputs = [(r.number(2), r.take(32), r.take(32)) for _ in range(r.number(4))]
    r.take(32)
    facts = data[start : r.at]
    r.take(2 * STATEMENT)
    further = r.number(4)
    r.take(further * STATEMENT)
    if r.at != len(data):
        raise Malformed("trailing")
    return facts, outputs, 2 + further


def check_vectors(v, check):
    unhex = bytes.fromhex
    job = unhex(v["job_bytes"])
    job_id = derived("sotto mpc job id v1", job)
    check("the id of a job of three computers", job_id.hex() == v["job_id"])
    further = le(len(v["further"]), 4) + b"".join(le(party, 2) for party in v["further"])
    check("further computers end the job", job.startswith(b"sotto job v4\0") and job.endswith(NO_DEMANDS + further))
    facts, outputs, statements = read_receipt(unhex(v["receipt_bytes"]))
    check("a statement of each computer", statements == len(v["by_place"]) and facts[:32] == job_id)
    check("one value for each receiver", all(first == second for _, first, second in outputs))
    owner = derived("sotto mpc owner v1", job_id + le(v["run"], 4) + le(v["owner"], 2))
    tests = [[[unhex(test) for test in attempt] for attempt in place["tests"]] for place in v["by_place"]]
    at = lambda of, other: other if other < of else other - 1
    seeds, masks = set(), set()
    for tested in range(len(tests)):
        for tester in (place for place in range(len(tests)) if place != tested):
            for attempt in range(2):
                held, holds = tests[tested][attempt][at(tested, tester)], tests[tester][attempt][at(tester, tested)]
                seed = holds[48:64]
                place = owner + le(0, 8) + le(attempt, 4) + bytes([tested, tester])
                hashed = sha256(b"sotto mpc multiparty v1 owner's seed" + place + seed).digest()
                check(f"the seed by which {tester} tests {tested} in attempt {attempt}", hashed == held[16:48])
                seeds.add(seed)
                masks.add(held[:16])
    check("no seed and no mask serves twice", len(seeds) == len(masks) == 12)
