"""Jobs that ask for evidence, and their receipts (docs/FORMATS.md): bytes, hashes and report data. Signatures are not read."""

from hashlib import sha512

from .wire import Malformed, Reader, le

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
START, END, PARENT, ROOT, CONTEXT, MATERIAL = 1, 2, 4, 8, 32, 64
COLUMNS_AND_DIAGONALS = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)
KEYS = 32 + 1216


def compress(chaining, block, counter, length, flags):
    """The compression function of BLAKE3, section 2.2."""
    m = [int.from_bytes(block[i : i + 4], "little") for i in range(0, 64, 4)]
    v = [*chaining, *IV[:4], counter & 0xFFFFFFFF, counter >> 32, length, flags]
    turned = lambda x, n: (x >> n | x << (32 - n)) & 0xFFFFFFFF
    for round_ in range(7):
        for i, (a, b, c, d) in enumerate(COLUMNS_AND_DIAGONALS):
            for word, first, second in ((m[2 * i], 16, 12), (m[2 * i + 1], 8, 7)):
                v[a] = v[a] + v[b] + word & 0xFFFFFFFF
                v[d] = turned(v[d] ^ v[a], first)
                v[c] = v[c] + v[d] & 0xFFFFFFFF
                v[b] = turned(v[b] ^ v[c], second)
        m = [m[i] for i in ORDER]
    return [v[i] ^ v[i + 8] for i in range(8)]


def blake3(data, key=IV, mode=0):
    """BLAKE3 of data: 32 bytes."""
    chunks = [data[i : i + 1024] for i in range(0, len(data), 1024)] or [b""]

    def chunk(number, root):
        blocks = [chunks[number][i : i + 64] for i in range(0, len(chunks[number]), 64)] or [b""]
        chaining = key
        for i, block in enumerate(blocks):
            flags = mode | (START if i == 0 else 0) | ((END | root) if i == len(blocks) - 1 else 0)
            chaining = compress(chaining, block.ljust(64, b"\0"), number, len(block), flags)
        return chaining

    def tree(first, count, root):
        if count == 1:
            return chunk(first, root)
        left = 1 << (count - 1).bit_length() - 1
        words = tree(first, left, 0) + tree(first + left, count - left, 0)
        return compress(key, b"".join(le(word, 4) for word in words), 0, 64, mode | PARENT | root)

    return b"".join(le(word, 4) for word in tree(0, len(chunks), ROOT))


def derived(context, *parts):
    """BLAKE3 in key-derivation mode, each part with its length before it."""
    key = blake3(context.encode(), IV, CONTEXT)
    key = tuple(int.from_bytes(key[i : i + 4], "little") for i in range(0, 32, 4))
    return blake3(b"".join(le(len(part), 8) + part for part in parts), key, MATERIAL)


def report_data(purpose, party, job, *fields):
    parts = [b"sotto/tee/bind/v1", purpose.encode(), party, job, *fields]
    return sha512(b"".join(le(len(part), 8) + part for part in parts)).digest()


def text(reader):
    return reader.take(reader.number(4))


def read_bundle(data):
    """Kind, body and binding of the evidence in a bundle, and its time."""
    r = Reader(data)
    if r.take(24) != b"sotto evidence bundle v1":
        raise Malformed("bundle")
    evidence, _, _, binding = text(r), text(r), text(r), text(r)
    time = r.number(8)
    if r.at != len(data) or evidence[:17] != b"sotto evidence v1":
        raise Malformed("bundle")
    return evidence[17], evidence[18:], binding, time


def read_receipt(data):
    """The facts, the finishing times of all statements, and what stands behind them."""
    r = Reader(data)
    prefix = r.take(17)
    if prefix not in (b"sotto receipt v2\0", b"sotto receipt v5\0"):
        raise Malformed("receipt")
    start = r.at
    r.take(32 + 4 + 4 + 32 + 32 + 8)
    r.take(32 * r.number(4))
    r.take(66 * r.number(4))
    r.take(32)
    facts = data[start : r.at]
    finished = []

    def statements(count):
        for _ in range(count):
            r.number(8)
            finished.append(r.number(8))
            r.take(16 + 64)

    statements(2)
    if prefix == b"sotto receipt v5\0":
        statements(r.number(4))
    vouched = []
    for _ in finished:
        if r.number(1):
            stated = (r.take(32), r.take(32), r.number(1), r.take(32))
            vouched.append((stated, text(r)))
        else:
            vouched.append(None)
    if r.at != len(data):
        raise Malformed("trailing")
    return facts, finished, vouched


def check_receipt(job_id, receipt, policies, check):
    """Checks what stands behind each statement, and gives the hash of the facts."""
    facts, finished, vouched = read_receipt(receipt)
    facts_hash = derived("sotto mpc receipt facts v1", facts)
    count = len(policies)
    check(f"a statement of each of {count}", facts[:32] == job_id and len(finished) == count)
    run_id = facts[40:72]
    for i, policy in enumerate(policies):
        (name, hash_of_policy, verdict, hash_of_bundle), bundle = vouched[i]
        kind, body, binding, time = read_bundle(bundle)
        who = derived("sotto mpc fingerprint v1", body[:KEYS])
        of = f"{i} of {count}"
        check(f"name of evidence {of}", kind == 5 and name == derived("sotto/tee/evidence/v1", bytes([5]), body[: KEYS + 96]))
        check(f"bundle of {of}", hash_of_bundle == derived("sotto/tee/bundle/v1", bundle) and time == finished[i])
        check(f"policy and verdict of {of}", (hash_of_policy, verdict) == (policy, 2))
        check(f"binding of {of}", binding == bytes([3]) + who + job_id + run_id + facts_hash)
        check(f"report data of {of}", body[KEYS + 32 : KEYS + 96] == report_data("receipt", who, job_id, run_id, facts_hash))
    return facts_hash


def check_vectors(v, check):
    unhex = bytes.fromhex
    job, receipt = unhex(v["job_bytes"]), unhex(v["receipt_bytes"])
    job_id = derived("sotto mpc job id v1", job)
    check("the id of a job with evidence", job_id.hex() == v["job_id"])
    demands = [(d["party"], unhex(d["policy"])) for d in v["demands"]]
    tail = le(len(demands), 4) + b"".join(le(party, 2) + policy for party, policy in demands) + le(v["diverse"], 1)
    check("the demands are the end of the job", job.startswith(b"sotto job v3\0") and job.endswith(tail))
    facts_hash = check_receipt(job_id, receipt, [policy for _, policy in demands], check)
    check("the hash of the facts", facts_hash.hex() == v["facts_hash"])
    job = unhex(v["of_three"]["job_bytes"])
    # The third computer is party 3, and the job ends with it; the demands of all three and `diverse` stand before.
    further, start = le(1, 4) + le(3, 2), len(job) - 6 - 1 - 3 * 34 - 4
    check("a job of three with evidence", job.startswith(b"sotto job v4\0") and job.endswith(further))
    check("the demands of three", job[start : start + 4] == le(3, 4))
    policies = [job[start + 4 + 34 * i + 2 :][:32] for i in range(3)]
    check_receipt(derived("sotto mpc job id v1", job), unhex(v["of_three"]["receipt_bytes"]), policies, check)
    s = {name: unhex(value) for name, value in v["session"].items()}
    run = derived("sotto mpc evidence run v1", job_id, le(v["run"], 4))
    check("the run in session evidence", run == s["run"])
    data = report_data("session", s["party"], job_id, s["nonce"], s["verifier"], run, s["exporter"])
    check("report data of a session", data == s["report_data"])
    # Every other value gives other report data.
    for name in ("party", "nonce", "verifier", "run", "exporter"):
        other = dict(s, **{name: bytes(32)})
        fields = [other[field] for field in ("nonce", "verifier", "run", "exporter")]
        check(f"another {name}", report_data("session", other["party"], job_id, *fields) != data)
