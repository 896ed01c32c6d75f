"""Sockets in many network namespaces at once, in one process: sends probes from each, and tells what arrives where.

Reads commands and prints events, one line of JSON each:
  {"do": "open", "place": "a", "netns": "/run/netns/x" | null}                                  -> {"opened": "a"}
  {"do": "close", "place": "a"}                                                                -> {"closed": "a"}
  {"do": "send", "probes": [[id, place, protocol, to, port, sourcePort], ...]}                 -> {"sent": n}
  {"do": "end"}: forgets TCP connections under way                                             -> {"ended": n}
Events: {"seen": [["arrived", id, place, from] | ["answered", id], ...]}
"""
import ctypes, json, os, resource, select, socket, struct, sys

PORTS = (80, 81)
ECHO = {4: (8, 0), 6: (128, 129)}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
PACKET_INFO = {4: (socket.IPPROTO_IP, 8), 6: (socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO)}
MARK = b"berth probe "
libc = ctypes.CDLL(None, use_errno=True)
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

poll = select.epoll()
handlers = {}
places = {}
connecting = set()
asked = {}  # Number of a probe -> who asked whom: somebody else may get the answer, or give it.
seen = []
home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)


def enter(fd):
    if libc.setns(fd, 0x40000000) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def watch(sock, handler, events=select.EPOLLIN):
    sock.setblocking(False)
    handlers[sock.fileno()] = (sock, handler)
    poll.register(sock.fileno(), events)


def forget(sock):
    fd = sock.fileno()
    if fd in handlers:
        poll.unregister(fd)
        del handlers[fd]
    connecting.discard(sock)
    sock.close()


def version_of(address):
    return 6 if ":" in address else 4


def new(version, kind, protocol=0):
    sock = socket.socket(FAMILY[version], kind, protocol)
    if version == 6 and kind != socket.SOCK_RAW:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return sock


def open_place(place, netns):
    if netns is not None:
        fd = os.open(netns, os.O_RDONLY)
        enter(fd)
        os.close(fd)
    sockets = []
    raw = {}
    for version in (4, 6):
        for port in PORTS:
            udp = new(version, socket.SOCK_DGRAM)
            udp.setsockopt(*PACKET_INFO[version], 1)
            udp.bind(("", port))
            watch(udp, lambda s, e: on_datagram(place, s))
            tcp = new(version, socket.SOCK_STREAM)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind(("", port))
            tcp.listen(1000)
            watch(tcp, lambda s, e: on_connection(place, s))
            sockets += [udp, tcp]
        icmp = new(version, socket.SOCK_RAW, 1 if version == 4 else 58)
        watch(icmp, lambda s, e, v=version: on_icmp(place, s, v))
        raw[version] = icmp
        sockets.append(icmp)
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    enter(home)
    places[place] = {"sockets": sockets, "raw": raw, "senders": {}, "ns": own}


def close_place(place):
    known = places.pop(place)
    for sock in known["sockets"] + list(known["senders"].values()):
        forget(sock)
    os.close(known["ns"])


def sender(place, version, port):
    known = places[place]
    if (version, port) not in known["senders"]:
        enter(known["ns"])
        udp = new(version, socket.SOCK_DGRAM)
        udp.bind(("", port))
        enter(home)
        watch(udp, lambda s, e: on_reply(place, s))
        known["senders"][(version, port)] = udp
    return known["senders"][(version, port)]


def number_of(data):
    at = data.find(MARK)
    return int(data[at + len(MARK):].split()[0]) if at >= 0 else None


def on_datagram(place, sock):
    data, where, _, source = sock.recvmsg(2048, 256)
    number = number_of(data)
    if number is None:
        return
    seen.append(["arrived", number, place, source[0]])
    # From the address that was asked; by whatever link leads to who asked.
    level, kind, info = where[0]
    info = struct.pack("i4s4x", 0, info[8:12]) if level == socket.IPPROTO_IP else info[:16] + bytes(4)
    try:
        sock.sendmsg([data], [(level, kind, info)], 0, source)
    except OSError:
        pass


def on_reply(place, sock):
    data, source = sock.recvfrom(2048)
    number = number_of(data)
    if asked.get(number) == (place, source[0]):
        seen.append(["answered", number])


def on_icmp(place, sock, version):
    data, source = sock.recvfrom(2048)
    if version == 4:
        data = data[(data[0] & 15) * 4:]
    number = number_of(data)
    if number is None or data[0] not in ECHO[version]:
        return
    if data[0] == ECHO[version][0]:
        seen.append(["arrived", number, place, source[0]])
    elif asked.get(number) == (place, source[0]):
        seen.append(["answered", number])


def on_connection(place, listener):
    sock, source = listener.accept()
    watch(sock, lambda s, e: on_served(place, s, source[0]))


def on_served(place, sock, source):
    data = sock.recv(2048)
    number = number_of(data)
    if number is None:
        return forget(sock)
    seen.append(["arrived", number, place, source])
    sock.send(data)


def on_connected(number):
    def handle(sock, events):
        if events & (select.EPOLLERR | select.EPOLLHUP):
            return forget(sock)
        if events & select.EPOLLIN:
            if sock.recv(2048):
                seen.append(["answered", number])
            return forget(sock)
        sock.send(MARK + b"%d " % number)
        poll.modify(sock.fileno(), select.EPOLLIN)
    return handle


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def send(number, place, protocol, to, port, source_port):
    version = version_of(to)
    payload = MARK + b"%d " % number
    asked[number] = (place, to)
    if protocol == "udp":
        sender(place, version, source_port).sendto(payload, (to, port))
    elif protocol == "icmp":
        payload += b" " * (len(payload) % 2)
        head = struct.pack("!BBHHH", ECHO[version][0], 0, 0, number & 0xFFFF, 1)
        if version == 4:
            head = struct.pack("!BBHHH", 8, 0, checksum(head + payload), number & 0xFFFF, 1)
        places[place]["raw"][version].sendto(head + payload, (to, 0))
    else:
        enter(places[place]["ns"])
        sock = new(version, socket.SOCK_STREAM)
        enter(home)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("", source_port))
        watch(sock, on_connected(number), select.EPOLLOUT | select.EPOLLIN)
        connecting.add(sock)
        sock.connect_ex((to, port))


def command(line):
    order = json.loads(line)
    do = order["do"]
    if do == "open":
        open_place(order["place"], order["netns"])
        say({"opened": order["place"]})
    elif do == "close":
        close_place(order["place"])
        say({"closed": order["place"]})
    elif do == "send":
        for probe in order["probes"]:
            try:
                send(*probe)
            except OSError:
                pass  # No route, no such address: it does not arrive.
        say({"sent": len(order["probes"])})
    else:
        say({"ended": len(connecting)})
        asked.clear()
        for sock in list(connecting):
            forget(sock)
        for known in places.values():
            for sock in known["senders"].values():
                forget(sock)
            known["senders"].clear()


def say(event):
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def main():
    os.set_blocking(0, False)
    poll.register(0, select.EPOLLIN)
    rest = b""
    while True:
        for fd, events in poll.poll():
            if fd == 0:
                data = os.read(0, 1 << 20)
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    command(line)
            elif fd in handlers:
                sock, handler = handlers[fd]
                try:
                    handler(sock, events)
                except OSError:
                    if sock.type == socket.SOCK_STREAM:
                        forget(sock)
        if seen:
            say({"seen": seen})
            seen.clear()


main()
