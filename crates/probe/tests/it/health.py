"""gRPC's health service with Python's gRPC and without generated code: messages are read and written by hand."""

import sys
import time
from concurrent import futures

import grpc

# HealthCheckResponse with a status.
UNKNOWN, SERVING, NOT_SERVING = b"", b"\x08\x01", b"\x08\x02"
KNOWN = {
    "": SERVING,
    "up.Service": SERVING,
    "s" * 255: SERVING,
    "down.Service": NOT_SERVING,
    "new.Service": UNKNOWN,
    "talkative.Service": SERVING,
}


def service(request):
    """The only field of a HealthCheckRequest: a tag, a length of one byte or two, a text."""
    if not request:
        return ""
    assert request[0] == 0x0A, request
    start = 3 if request[1] & 0x80 else 2
    return request[start:].decode()


def check(request, context):
    name = service(request)
    if sys.argv[1] == "slow":
        time.sleep(5)
    if name == "talkative.Service":
        context.send_initial_metadata([(f"x-word-{n}", "word" * 50) for n in range(20)])
    if name == "wordy.Service":
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "no. " * 100)
    if name not in KNOWN:
        context.abort(grpc.StatusCode.NOT_FOUND, f"unknown service {name}")
    return KNOWN[name]


server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
if sys.argv[1] != "nothing":
    handler = grpc.unary_unary_rpc_method_handler(check)
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": handler})]
    )
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(f"port {port}")
server.wait_for_termination()
