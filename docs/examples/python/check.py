"""Checks that records stand in the log, without a line of Guichet and with nothing but Python.

    python3 check.py log.vkey PROOF RECORD [PROOF RECORD ...]

It checks the signature of the log (Ed25519) over the checkpoint, and the way from each record to the root that was
signed (RFC 6962). Exit code 1 when one does not hold.
"""

import base64
import hashlib
import sys

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def recover_x(y, sign):
    x2 = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - x2) % P or (x == 0 and sign):
        raise ValueError("no point of the curve")
    return P - x if x & 1 != sign else x


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, p):
    total = (0, 1, 1, 0)
    while n:
        if n & 1:
            total = add(total, p)
        p, n = add(p, p), n >> 1
    return total


def point(encoded):
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    x = recover_x(y, sign)
    return x, y, 1, x * y % P


def signed(public, message, signature):
    """RFC 8032, 5.1.7."""
    base_y = 4 * pow(5, -1, P) % P
    base_x = recover_x(base_y, 0)
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L:
        return False
    try:
        a, r = point(public), point(signature[:32])
    except ValueError:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = times(s, (base_x, base_y, 1, base_x * base_y % P)), add(r, times(h, a))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


def root_of(leaf, index, size, proof):
    """RFC 9162, 2.1.3.2: where the proof leads; None where it has another length than the tree asks for."""
    node, last, way = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return None
        if node & 1 or node == last:
            way = hashlib.sha256(b"\x01" + sibling + way).digest()
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            way = hashlib.sha256(b"\x01" + way + sibling).digest()
        node, last = node >> 1, last >> 1
    return way if last == 0 else None


def opened(vkey, checkpoint):
    """Size and root of a checkpoint that this key has signed; a ValueError says why not."""
    name, key_id, key = vkey.strip().split("+", 2)
    public = base64.b64decode(key)
    body, _, signatures = checkpoint.rpartition("\n\n")
    origin, size, root = (body + "\n").split("\n")[:3]
    if public[0] != 1 or origin != name:
        raise ValueError("the checkpoint is of another log")
    mine = [line.split(" ")[2] for line in signatures.splitlines() if line.startswith(f"\u2014 {name} ")]
    mine = [s for s in map(base64.b64decode, mine) if s[:4].hex() == key_id]
    if not mine or not signed(public[1:], (body + "\n").encode(), mine[0][4:]):
        raise ValueError("the checkpoint is not signed by this key")
    return int(size), base64.b64decode(root)


def check(vkey, text, record):
    head, _, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if lines[0] != "c2sp.org/tlog-proof@v1" or not lines[1].startswith("index "):
        return "no tlog-proof"
    index, proof = int(lines[1][6:]), [base64.b64decode(line) for line in lines[2:]]
    try:
        size, root = opened(vkey, checkpoint)
    except ValueError as fault:
        return str(fault)
    leaf = hashlib.sha256(b"\x00" + record).digest()
    if not 0 <= index < size or root_of(leaf, index, size, proof) != root:
        return "the record does not stand at this place"
    return None


def main():
    if len(sys.argv) < 4 or len(sys.argv) % 2:
        sys.exit(__doc__)
    with open(sys.argv[1]) as file:
        vkey = file.read()
    faults = 0
    for proof, record in zip(sys.argv[2::2], sys.argv[3::2]):
        with open(proof, encoding="utf-8") as text, open(record, "rb") as content:
            fault = check(vkey, text.read(), content.read())
        print(f"{record}: {fault or 'holds'}")
        faults += fault is not None
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
