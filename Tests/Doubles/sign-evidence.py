"""Signs a report of SEV-SNP or a quote of TDX anew, as the chip would: standard input to standard output.

    sign-evidence.py snp|tdx KEY.pem

For configfs-tsm.py's --sign. The key is the one that the certificates beside the evidence vouch for.
"""

import subprocess
import sys

kind, key = sys.argv[1:]
data = bytearray(sys.stdin.buffer.read())


def numbers(digest, message, size):
    """r and s of an ECDSA signature, big-endian."""
    command = ["openssl", "dgst", f"-{digest}", "-sign", key]
    der = subprocess.run(command, input=bytes(message), stdout=subprocess.PIPE, check=True).stdout
    values, place = [], 2
    for _ in range(2):
        length = der[place + 1]
        values.append(int.from_bytes(der[place + 2 : place + 2 + length], "big").to_bytes(size, "big"))
        place += 2 + length
    return values


if kind == "snp":
    for offset, value in zip((0x2A0, 0x2E8), numbers("sha384", data[:0x2A0], 48)):
        data[offset : offset + 48] = value[::-1]
else:
    end = 48 + 584
    data[end + 4 : end + 4 + 64] = b"".join(numbers("sha256", data[:end], 32))
sys.stdout.buffer.write(data)
