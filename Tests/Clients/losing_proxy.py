"""Stands between a client and a service, and loses what a network may lose.

    losing_proxy.py PORT        PORT: the service's on 127.0.0.1; prints the proxy's address, and serves until it is ended

The answer to the first connection is lost whole, once the service has begun it: the request was taken, and the client cannot know. The
second breaks in the middle of an event. The others are let through.
"""

import socket
import struct
import sys
import threading

service = ("127.0.0.1", int(sys.argv[1]))
# Beyond the headers, and within a "data:" line.
CUT = b'"message":"Detecting pro'


def copy(source, target):
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def reset(connection):
    """Ends it as a machine does that has lost its power."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Wakes the thread that reads from it: until then the kernel keeps the connection.
    connection.shutdown(socket.SHUT_RD)
    connection.close()


def serve(client, number):
    with client, socket.create_connection(service) as upstream:
        threading.Thread(target=copy, args=(client, upstream), daemon=True).start()
        if number == 0:
            upstream.recv(65536)
        elif number == 1:
            answer = b""
            while CUT not in answer and (piece := upstream.recv(65536)):
                answer += piece
            client.sendall(answer[:answer.index(CUT) + len(CUT)])
            client.shutdown(socket.SHUT_WR)
            return
        else:
            copy(upstream, client)
            return
        reset(client)


listener = socket.create_server(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
number = 0
while True:
    threading.Thread(target=serve, args=(listener.accept()[0], number), daemon=True).start()
    number += 1
