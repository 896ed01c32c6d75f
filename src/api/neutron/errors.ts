/**
 * Failures in Neutron's shape: `{"NeutronError": {"type", "message", "detail"}}`. Clients switch on the type. A
 * missing or bad token is answered in the shape of Keystone's middleware, as in front of the real service.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../../base/log.ts';
import { Failure, type FailureCode } from '../../model/failure.ts';
import { baseUrlOf } from '../base-url.ts';
import type { NeutronOptions } from './options.ts';

const types: Partial<Record<FailureCode, string>> = {
  invalid: 'InvalidInput',
  'policy-not-authorized': 'PolicyNotAuthorized',
  'precondition-failed': 'RevisionNumberConstraintFailed',
  'network-over-quota': 'OverQuota',
  'network-not-found': 'NetworkNotFound',
  'subnet-not-found': 'SubnetNotFound',
  'port-not-found': 'PortNotFound',
  'router-not-found': 'RouterNotFound',
  'security-group-not-found': 'SecurityGroupNotFound',
  'security-group-rule-not-found': 'SecurityGroupRuleNotFound',
  'agent-not-found': 'AgentNotFound',
  'flavor-not-found': 'FlavorNotFound',
  'tag-not-found': 'TagNotFound',
  'network-in-use': 'NetworkInUse',
  'subnet-in-use': 'SubnetInUse',
  'port-in-use': 'PortInUse',
  'port-bound': 'PortBound',
  'service-port-in-use': 'ServicePortInUse',
  'router-in-use': 'RouterInUse',
  'security-group-in-use': 'SecurityGroupInUse',
  'security-group-rule-exists': 'SecurityGroupRuleExists',
  'default-security-group': 'SecurityGroupCannotRemoveDefault',
  'default-security-group-exists': 'SecurityGroupDefaultAlreadyExists',
  'ip-address-in-use': 'IpAddressAlreadyAllocated',
  'ip-address-exhausted': 'IpAddressGenerationFailure',
  'no-subnet-for-owner': 'IpAddressGenerationFailureNoMatchingSubnet',
  'invalid-service-type': 'InvalidSubnetServiceType',
  'invalid-ip-for-network': 'InvalidIpForNetwork',
  'invalid-ip-for-subnet': 'InvalidIpForSubnet',
  'mac-address-in-use': 'MacAddressInUse',
  'gateway-ip-in-use': 'GatewayIpInUse',
  'gateway-conflict': 'GatewayConflictWithAllocationPools',
  'invalid-allocation-pool': 'InvalidAllocationPool',
  'overlapping-allocation-pools': 'OverlappingAllocationPools',
  'segmentation-id-in-use': 'TunnelIdInUse',
  'physical-network-in-use': 'FlatNetworkInUse',
  'default-network-exists': 'DefaultExternalNetworkExists',
  'zone-not-found': 'AvailabilityZoneNotFound',
  'invalid-rule-ports': 'SecurityGroupInvalidPortRange',
  'invalid-rule-protocol': 'SecurityGroupRuleInvalidProtocol',
  'invalid-rule-ethertype': 'SecurityGroupRuleParameterConflict',
  'rule-remote-conflict': 'SecurityGroupMultipleRemoteEntites',
  'unknown-rule-ethertype': 'SecurityGroupRuleInvalidEtherType',
  'rule-protocol-conflict': 'SecurityGroupEthertypeConflictWithProtocol',
  'rule-protocol-without-ports': 'SecurityGroupInvalidProtocolForPort',
  'invalid-rule-port': 'SecurityGroupInvalidPortValue',
  'invalid-rule-icmp': 'SecurityGroupInvalidIcmpValue',
  'rule-icmp-without-type': 'SecurityGroupMissingIcmpType',
  'invalid-cidr': 'InvalidCIDR',
  'security-group-conflict': 'SecurityGroupConflict',
  'default-security-group-fixed': 'SecurityGroupCannotUpdateDefault',
  'port-security-required': 'PortSecurityAndIPRequiredForSecurityGroups',
  'port-has-security-groups': 'PortSecurityPortHasSecurityGroup',
  'port-has-address-pairs': 'AddressPairAndPortSecurityRequired',
  'duplicate-address-pair': 'DuplicateAddressPairInRequest',
  'too-many-address-pairs': 'AllowedAddressPairExhausted',
  'address-group-not-found': 'AddressGroupNotFound',
  'address-group-in-use': 'AddressGroupInUse',
  'addresses-exist': 'AddressesAlreadyExist',
  'addresses-not-found': 'AddressesNotFound',
  'rule-ports-without-protocol': 'SecurityGroupProtocolRequiredWithPorts',
  'subnet-pool-not-found': 'SubnetPoolNotFound',
  'subnet-pool-in-use': 'SubnetPoolDeleteError',
  'subnet-pool-empty': 'EmptySubnetPoolPrefixList',
  'subnet-pool-mixed': 'PrefixVersionMismatch',
  'subnet-pool-bounds': 'IllegalSubnetPoolPrefixBounds',
  'subnet-pool-shrunk': 'IllegalSubnetPoolPrefixUpdate',
  'subnet-pool-update': 'IllegalSubnetPoolUpdate',
  'subnet-pool-over-quota': 'SubnetPoolQuotaExceeded',
  'subnet-pool-affinity': 'NetworkSubnetPoolAffinityError',
  'subnet-too-small': 'MaxPrefixSubnetAllocationError',
  'subnet-too-large': 'MinPrefixSubnetAllocationError',
  'subnet-allocation-failed': 'SubnetAllocationError',
  'address-scope-not-found': 'AddressScopeNotFound',
  'address-scope-in-use': 'AddressScopeInUse',
  'address-scope-shared': 'AddressScopeUpdateError',
  'address-scope-version': 'IllegalSubnetPoolIpVersionAssociationToAddressScope',
  'address-scope-conflict': 'AddressScopePrefixConflict',
  'address-scope-affinity': 'NetworkAddressScopeAffinityError',
  'qos-policy-not-found': 'QosPolicyNotFound',
  'qos-policy-in-use': 'QosPolicyInUse',
  'qos-rule-not-found': 'QosRuleNotFound',
  'qos-rules-conflict': 'QoSRulesConflict',
  'qos-rule-not-supported': 'QosRuleNotSupported',
  'default-qos-policy-exists': 'QoSPolicyDefaultAlreadyExists',
  'rbac-policy-not-found': 'RbacPolicyNotFound',
  'rbac-policy-exists': 'DuplicateRbacPolicy',
  'rbac-policy-in-use': 'RbacPolicyInUse',
  'sharing-in-use': 'InvalidSharedSetting',
  'bad-request': 'BadRequest',
  'router-interface-not-found': 'RouterInterfaceNotFound',
  'router-subnet-not-found': 'RouterInterfaceNotFoundForSubnet',
  'router-interface-needed-by-floating-ip': 'RouterInterfaceInUseByFloatingIP',
  'router-interface-needed-by-route': 'RouterInterfaceInUseByRoute',
  'router-gateway-needed': 'RouterExternalGatewayInUseByFloatingIp',
  'subnet-mismatch': 'SubnetMismatchForPort',
  'port-has-device': 'PortInUse',
  'invalid-routes': 'InvalidRoutes',
  'too-many-routes': 'RoutesExhausted',
  'external-network-in-use': 'ExternalNetworkInUse',
  'external-network-unreachable': 'ExternalGatewayForFloatingIPNotFound',
  'external-address-exhausted': 'ExternalIpAddressExhausted',
  'floating-ip-not-found': 'FloatingIPNotFound',
  'floating-ip-taken': 'FloatingIPPortAlreadyAssociated',
  'floating-ip-in-use': 'FipInUseByPortForwarding',
  'port-forwarding-not-found': 'PortForwardingNotFound',
  'port-has-floating-ip': 'PortHasBindingFloatingIP',
  'port-has-forwarding': 'PortHasPortForwarding',
};

const typesByStatus: Readonly<Record<number, string>> = {
  400: 'HTTPBadRequest',
  403: 'HTTPForbidden',
  404: 'HTTPNotFound',
  405: 'HTTPMethodNotAllowed',
  409: 'Conflict',
  413: 'HTTPRequestEntityTooLarge',
  429: 'HTTPTooManyRequests',
  501: 'HTTPNotImplemented',
  503: 'HTTPServiceUnavailable',
};

export interface Exchange {
  readonly options: NeutronOptions;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

export function sendError(error: unknown, { options, request, reply }: Exchange): FastifyReply {
  const failure = toFailure(error as FastifyError, request, options.log);
  const { code, status, message } = failure;
  if (status === 401) {
    return reply
      .code(status)
      .header('WWW-Authenticate', `Keystone uri="${baseUrlOf(request, options.config)}/identity"`)
      .send({ error: { code: status, title: 'Unauthorized', message } });
  }
  const type = types[code] ?? typesByStatus[status] ?? 'HTTPInternalServerError';
  return reply.code(status).send({ NeutronError: { type, message, detail: '' } });
}

/** Anything that is not ours is either the HTTP layer refusing a request or a bug. */
function toFailure(error: FastifyError, request: FastifyRequest, log: Log): Failure {
  if (error instanceof Failure) {
    if (error.status >= 500) log.warn({ request: request.id, error }, 'network request failed');
    return error;
  }
  if (error.statusCode === 413) return new Failure('payload-too-large', 'The request body is too large.');
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return new Failure('invalid-value', 'The request is malformed.', { cause: error });
  }
  log.error({ request: request.id, error }, 'network request failed');
  return new Failure('internal', `Internal error; the log has more under ${request.id}.`, { cause: error });
}
