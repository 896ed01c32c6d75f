"""Small TCP talk, for latency and the rate of connections. `serve`; `latency ADDRESS COUNT`; `connections ADDRESS SECONDS`."""
import socket, sys, threading, time

ECHO, GREET = 7000, 7001


def serve():
    def echo(sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := sock.recv(64):
            sock.send(data)

    def accept(port, handle):
        listener = socket.create_server(("", port), backlog=4096)
        print("ready", flush=True)
        while True:
            handle(listener.accept()[0])

    threading.Thread(target=accept, args=(GREET, lambda sock: sock.close()), daemon=True).start()
    accept(ECHO, echo)


def latency(address, count):
    """50th and 99th percentile of a byte there and back, in µs."""
    sock = socket.create_connection((address, ECHO))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    times = []
    for _ in range(int(count)):
        start = time.perf_counter_ns()
        sock.send(b"x")
        sock.recv(64)
        times.append(time.perf_counter_ns() - start)
    times.sort()
    print(times[len(times) // 2] / 1e3, times[len(times) * 99 // 100] / 1e3)


def connections(address, seconds):
    """Connections made and closed, per second."""
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < float(seconds):
        with socket.create_connection((address, GREET)) as sock:
            sock.recv(1)
        count += 1
    print(count / (time.perf_counter() - start))


{"serve": serve, "latency": latency, "connections": connections}[sys.argv[1]](*sys.argv[2:])
