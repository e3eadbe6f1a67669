"""Stands between a program and swtpm, and lets things happen that a test could not time otherwise.

    moving-tpm.py PORT SWTPM_PORT [--extend-after-quote N] [--busy N]

Listens at PORT for commands and at PORT + 1 for swtpm's control channel, and passes both on to SWTPM_PORT and the port after
it. With --extend-after-quote, a register is extended right after each of the first N quotes. With --busy, the first N
commands are answered with TPM_RC_RETRY.
"""

import argparse
import socket
import struct
import threading

QUOTE = 0x158
# TPM2_PCR_Extend of register 16, for debugging, with the empty password (TPM 2.0 Library part 3, section 22.2).
EXTEND = (
    struct.pack(">HIII", 0x8002, 65, 0x182, 16)
    + struct.pack(">IIHBH", 9, 0x40000009, 0, 0, 0)
    + struct.pack(">IH", 1, 0x000B)
    + b"\x01" * 32
)
RETRY = struct.pack(">HII", 0x8001, 10, 0x922)


def receive(connection, count):
    bytes = b""
    while len(bytes) < count:
        chunk = connection.recv(count - len(bytes))
        if not chunk:
            raise EOFError
        bytes += chunk
    return bytes


def message(connection):
    """A command or response: tag u16, size u32 of the whole, and the rest."""
    head = receive(connection, 6)
    return head + receive(connection, struct.unpack(">HI", head)[1] - 6)


def relay_commands(client, tpm):
    while True:
        command = message(client)
        if options.busy > 0:
            options.busy -= 1
            client.sendall(RETRY)
            continue
        tpm.sendall(command)
        answer = message(tpm)
        is_quote = struct.unpack(">I", command[6:10])[0] == QUOTE and struct.unpack(">I", answer[6:10])[0] == 0
        if is_quote and options.extend_after_quote > 0:
            options.extend_after_quote -= 1
            tpm.sendall(EXTEND)
            code = struct.unpack(">I", message(tpm)[6:10])[0]
            assert code == 0, hex(code)
        client.sendall(answer)


def relay_bytes(source, sink):
    try:
        while chunk := source.recv(4096):
            sink.sendall(chunk)
    except OSError:
        pass  # The other direction has ended.


def relay_control(client, tpm):
    threading.Thread(target=relay_bytes, args=(tpm, client), daemon=True).start()
    relay_bytes(client, tpm)


def serve(listener, port, relay):
    while True:
        client, _ = listener.accept()
        with client, socket.create_connection(("127.0.0.1", port)) as tpm:
            try:
                relay(client, tpm)
            except (EOFError, OSError):
                pass
            for end in (client, tpm):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


def listen(port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


parser = argparse.ArgumentParser()
parser.add_argument("port", type=int)
parser.add_argument("swtpm_port", type=int)
parser.add_argument("--extend-after-quote", type=int, default=0, metavar="N")
parser.add_argument("--busy", type=int, default=0, metavar="N")
options = parser.parse_args()

control, commands = listen(options.port + 1), listen(options.port)
threading.Thread(target=serve, args=(control, options.swtpm_port + 1, relay_control), daemon=True).start()
serve(commands, options.swtpm_port, relay_commands)
