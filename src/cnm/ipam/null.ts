/** The IPAM driver that gives no addresses: for networks that are addressed by somebody else, such as DHCP. */
import { Failure } from '../../model/failure.ts';
import type { Ipam } from '../ipam.ts';

const everything = '0.0.0.0/0';

export const nullIpam: Ipam = {
  name: 'null',
  capabilities: async () => ({ needsMacAddress: false, needsReplay: false }),
  async requestPool({ version, cidr, subPool }) {
    if (version === 6)
      throw new Failure('invalid-value', 'the null IPAM driver does not handle IPv6 address pool requests');
    if (cidr !== '' || subPool !== '') {
      throw new Failure(
        'invalid-value',
        'the null IPAM driver does not handle specific address pool requests',
      );
    }
    return { id: everything, cidr: everything, addressSpace: 'null' };
  },
  releasePool: async () => undefined,
  requestAddress: async () => null,
  releaseAddress: async () => undefined,
};
