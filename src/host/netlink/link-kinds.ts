/**
 * Settings of links by their kind, for `newLink`. Pure. Contract: linux/if_link.h, linux/if_vlan.h.
 */
import * as attr from './attributes.ts';

const vxlan = { id: 1, local: 4, learning: 7, proxy: 11, port: 15, local6: 17 } as const;
const macvlanMode = 1;
const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
const vlanId = 1;

export interface VxlanSettings {
  readonly id: number;
  /** 4 or 16 bytes. */
  readonly local: Buffer;
  readonly port: number;
}

/** Without a destination of its own, without learning, answering address questions from what it was told. */
export function vxlanData({ id, local, port }: VxlanSettings): Buffer[] {
  const networkOrder = Buffer.alloc(2);
  networkOrder.writeUInt16BE(port);
  return [
    attr.u32(vxlan.id, id),
    attr.bytes(local.length === 4 ? vxlan.local : vxlan.local6, local),
    attr.u8(vxlan.learning, 0),
    attr.u8(vxlan.proxy, 1),
    attr.bytes(vxlan.port, networkOrder),
  ];
}

export function macvlanData(mode: keyof typeof macvlanModes): Buffer[] {
  return [attr.u32(macvlanMode, macvlanModes[mode])];
}

export function vlanData(id: number): Buffer[] {
  return [attr.u16(vlanId, id)];
}
