"""A name server that says 127.0.0.99 to everything: with another id, to another question, and from another address."""

import os
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.98", 53))
other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
other.bind(("127.0.0.97", 53))
# Whoever started it goes on when it listens.
if os.fork():
    os._exit(0)

while True:
    query, asker = server.recvfrom(2000)
    identity, question = query[:2], query[12 : query.index(b"\0", 12) + 5]
    record = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04" + bytes([127, 0, 0, 99])
    head = b"\x81\x80\0\x01\0\x01\0\0\0\0"
    wrong = bytes([identity[0] ^ 0x55, identity[1]])
    server.sendto(wrong + head + question + record, asker)
    server.sendto(identity + head + b"\x01x\0\0\x01\0\x01" + record, asker)
    server.sendto(identity, asker)
    other.sendto(identity + head + question + record, asker)
