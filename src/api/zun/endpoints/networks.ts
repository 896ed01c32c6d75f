/** /containers/:ident/network_…, …_security_group: the networks and security groups of a container that exists. */
import type { ContainerControl } from '../../../control/container/control.ts';
import type { NetworkOrPort } from '../../../control/container/networks.ts';
import type { RequestedNet } from '../../../control/networking.ts';
import type { Nic, ServerVerb } from '../../../model/container.ts';
import { Failure } from '../../../model/failure.ts';
import type { Endpoint, Fields, Input } from '../endpoint.ts';
import { ownMinor } from '../microversion.ts';
import * as v from '../vocabulary.ts';
import { identOf } from './containers.ts';

export function networkEndpoints(control: ContainerControl): Endpoint[] {
  return [
    listEndpoint(control),
    attachEndpoint(control),
    detachEndpoint(control),
    gatewayEndpoint(control),
    groupEndpoint(control, 'add_security_group', 'Give all ports of the container a security group'),
    groupEndpoint(control, 'remove_security_group', 'Take a security group from all ports of the container'),
  ];
}

function listEndpoint(control: ContainerControl): Endpoint {
  return {
    method: 'GET',
    path: '/containers/:ident/network_list',
    summary: 'Networks and ports of the container',
    policy: 'container:network_list',
    checksPolicyItself: true,
    since: 13,
    status: 200,
    async handle(call) {
      const { nics } = await control.networks(call.caller, identOf(call));
      return {
        body: { networks: nics.flatMap(call.version < 18 ? toFlatNetworks : toNetworkAt(call.version)) },
      };
    },
  };
}

function toNetwork({ networkId, portId, fixedIps }: Nic) {
  return {
    net_id: networkId,
    port_id: portId,
    fixed_ips: fixedIps.map(({ address, subnetId, version }) => ({
      subnet_id: subnetId,
      version,
      ip_address: address,
    })),
  };
}

/** From 1.41: whether its gateway was asked for as the container's default one. */
function toNetworkAt(version: number): (nic: Nic) => object {
  return (nic) =>
    version < ownMinor ? toNetwork(nic) : { ...toNetwork(nic), default_gateway: nic.defaultGateway ?? false };
}

/** Up to 1.17: an item per address. */
function toFlatNetworks(nic: Nic) {
  const { fixed_ips: addresses, ...place } = toNetwork(nic);
  return addresses.map((address) => ({ ...place, ...address }));
}

function attachEndpoint(control: ContainerControl): Endpoint {
  return {
    method: 'POST',
    path: '/containers/:ident/network_attach',
    summary: 'Put the container on one more network, running or not; none named = the default one',
    policy: 'container:network_attach',
    checksPolicyItself: true,
    since: 8,
    merged: {
      network: { schema: v.networkOrPort },
      port: { schema: v.networkOrPort },
      fixed_ip: { schema: v.fixedIp },
      default_gateway: { schema: v.plainBoolean, since: ownMinor, below: 'unknown' },
    },
    status: 200,
    async handle(call) {
      await control.attachNetwork(call.caller, identOf(call), toRequestedNet(call.input));
      return { body: null };
    },
  };
}

function toRequestedNet(input: Input): RequestedNet {
  const { network, port, fixed_ip: fixedIp, default_gateway: defaultGateway } = input;
  if (network !== undefined && port !== undefined) {
    throw new Failure(
      'schema-validation-error',
      'network and port cannot be given together: give one of them',
    );
  }
  return {
    ...(network === undefined ? {} : { network: String(network) }),
    ...(port === undefined ? {} : { port: String(port) }),
    ...(fixedIp === undefined ? {} : { fixedIps: [String(fixedIp)] }),
    ...(v.isTrue(defaultGateway) ? { defaultGateway: true } : {}),
  };
}

function detachEndpoint(control: ContainerControl): Endpoint {
  return {
    method: 'POST',
    path: '/containers/:ident/network_detach',
    summary: 'Take the container off a network, running or not; its port goes, unless it was the user’s own',
    policy: 'container:network_detach',
    checksPolicyItself: true,
    since: 6,
    query: { network: { schema: v.networkOrPort }, port: { schema: v.networkOrPort } },
    status: 202,
    async handle(call) {
      await control.detachNetwork(call.caller, identOf(call), toNetworkOrPort(call.input));
      return { body: null };
    },
  };
}

function gatewayEndpoint(control: ContainerControl): Endpoint {
  return {
    method: 'POST',
    path: '/containers/:ident/default_gateway',
    summary: 'Let the default routes of the container go through this one of its networks',
    policy: 'container:network_attach',
    checksPolicyItself: true,
    since: ownMinor,
    merged: { network: { schema: v.networkOrPort }, port: { schema: v.networkOrPort } },
    status: 202,
    async handle(call) {
      await control.chooseGateway(call.caller, identOf(call), toNetworkOrPort(call.input));
      return { body: null };
    },
  };
}

function toNetworkOrPort({ network, port }: Input): NetworkOrPort {
  if (network !== undefined && port === undefined) return { network: String(network) };
  if (port !== undefined && network === undefined) return { port: String(port) };
  throw new Failure('schema-validation-error', 'exactly one of network and port must be given');
}

const groupFields: Fields = { name: { schema: v.groupName, required: true } };
/** Zun took them away after 1.14, and asks people to change the ports instead. */
const offered = { until: 14, again: ownMinor };

function groupEndpoint(control: ContainerControl, verb: ServerVerb, summary: string): Endpoint {
  return {
    ...offered,
    method: 'POST',
    path: `/containers/:ident/${verb}`,
    summary,
    policy: `container:${verb}`,
    checksPolicyItself: true,
    merged: groupFields,
    status: 202,
    async handle(call) {
      const name = String(call.input.name);
      await control.changeSecurityGroup(call.caller, identOf(call), { verb, name });
      return { body: null };
    },
  };
}
