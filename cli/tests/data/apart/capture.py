"""Writes all frames of a network interface into a file until it is ended; the file is there once it listens."""

import os
import socket
import sys

ALL, FORCED_BUFFER = 3, 33
frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
frames.setsockopt(socket.SOL_SOCKET, FORCED_BUFFER, 64 << 20)
frames.bind((sys.argv[1], 0))
file = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
while True:
    os.write(file, frames.recv(1 << 17))
