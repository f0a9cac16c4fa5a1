"""A second resolver of SenML packs (RFC 8428, 4.6), for tests: packs as JSON lines on stdin, resolved records as JSON lines on stdout.

Times are decimals, as text, in nanoseconds; numbers keep Python's floats. `now` is the first line.
"""
import base64
import json
import sys
from decimal import Decimal


def resolved(pack, now):
    base = {"bn": "", "bt": Decimal(0), "bu": None, "bv": Decimal(0), "bs": None}
    out = []
    for record in pack:
        base.update({key: record[key] for key in base if key in record})
        if not any(key in record for key in ("n", "u", "v", "vs", "vb", "vd", "s", "t")):
            continue
        time = Decimal(base["bt"]) + Decimal(record.get("t", 0))
        if time < 2**28:
            time += now
        one = {"name": base["bn"] + record.get("n", ""), "ns": str(int(time * 10**9))}
        unit = record.get("u", base["bu"])
        if unit is not None:
            one["unit"] = unit
        for key in ("vs", "vb"):
            if key in record:
                one["value"] = record[key]
        if "vd" in record:
            data = record["vd"]
            one["value"] = base64.urlsafe_b64decode(data + "=" * (-len(data) % 4)).hex()
        if "v" in record:
            one["value"] = float(record["v"]) + float(base["bv"])
        if "s" in record or base["bs"] is not None:
            one["sum"] = float(record.get("s", 0)) + float(base["bs"] or 0)
        out.append(one)
    return out


now = Decimal(sys.stdin.readline())
for line in sys.stdin:
    print(json.dumps(resolved(json.loads(line, parse_float=Decimal), now)))
