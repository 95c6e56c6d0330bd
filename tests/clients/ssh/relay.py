"""A ProxyCommand for tests: stdin and stdout to a TCP connection, as `nc HOST PORT` does."""

import os
import select
import socket
import sys

if __name__ == "__main__":
    connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
    while True:
        ready, _, _ = select.select([0, connection.fileno()], [], [])
        if 0 in ready:
            data = os.read(0, 65_536)
            if not data:
                break
            connection.sendall(data)
        if connection.fileno() in ready:
            data = connection.recv(65_536)
            if not data:
                break
            os.write(1, data)
