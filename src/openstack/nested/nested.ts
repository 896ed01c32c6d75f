/** How the ports of containers within this virtual machine are wired: what `berth kuryr --nested` adds. */
import type { Log } from '../../base/log.ts';
import type { Session } from '../../client/session.ts';
import type { Kernel } from '../../host/kernel.ts';
import type { Needed } from '../extensions.ts';
import type { NeutronBackendOptions } from '../kuryr-backend.ts';
import { neutronService } from '../network-service.ts';
import { AddressPairs } from './address-pairs.ts';
import type { Attachment, NestedKind } from './attachment.ts';
import { findMachinePort } from './machine-port.ts';
import { nestedService } from './service.ts';
import { Trunk } from './trunk.ts';

const neededByBoth: Needed = {
  subnet_allocation: 'subnet pools',
  'standard-attr-tag': 'tags of all resources',
};

/** Extensions of Neutron. */
export const neededByNested: Readonly<Record<NestedKind, Needed>> = {
  vlan: { ...neededByBoth, trunk: 'trunk ports' },
  macvlan: {
    ...neededByBoth,
    'allowed-address-pairs': 'more addresses of a port',
    'revision-if-match': 'changes that name a revision',
  },
};

export interface NestedOptions {
  readonly session: Pick<Session, 'request'>;
  readonly kernel: Pick<Kernel, 'links'>;
  readonly kind: NestedKind;
  /** The machine's interface. */
  readonly link: string;
  /** Its name. */
  readonly host: string;
  readonly log: Log;
}

/** Throws when the interface is not a port of this Neutron, or not one that can carry others. */
export async function nestedWiring(
  options: NestedOptions,
): Promise<Pick<NeutronBackendOptions, 'service' | 'choose'>> {
  const { session, kernel, kind, link, host, log } = options;
  const plain = neutronService({ session });
  const machine = await findMachinePort(plain, kernel, link);
  const attachment: Attachment =
    kind === 'vlan' ? await Trunk.find(session, machine) : new AddressPairs(session, machine);
  return {
    service: nestedService({ service: plain, attachment, host, log }),
    choose: () => ({
      type: kind,
      binding: {
        single: (port, alias) => attachment.linkSteps(port, alias),
        bind: async () => undefined,
        unbind: async () => undefined,
      },
    }),
  };
}
