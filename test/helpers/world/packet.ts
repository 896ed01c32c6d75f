/** What is sent in a world. */
export interface Packet {
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  readonly from: string;
  readonly to: string;
  readonly sourcePort: number;
  readonly port: number;
  /** Of an echo: the answer, not the question. */
  readonly isEchoReply?: boolean;
}

/** The answer. */
export function inverse(packet: Packet): Packet {
  const { from, to, sourcePort, port } = packet;
  const isEchoReply = packet.protocol === 'icmp' && !packet.isEchoReply;
  return {
    ...packet,
    from: to,
    to: from,
    ...(packet.protocol === 'icmp' ? { isEchoReply } : { sourcePort: port, port: sourcePort }),
  };
}

export function isSame(one: Packet, other: Packet): boolean {
  const text = (packet: Packet) =>
    [
      packet.protocol,
      packet.from,
      packet.to,
      packet.sourcePort,
      packet.port,
      packet.isEchoReply === true,
    ].join();
  return text(one) === text(other);
}
