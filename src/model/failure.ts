/**
 * The one error type of the product and its closed list of codes.
 *
 * A code is the kebab-case name that Zun puts behind `container.` in its error body where Zun has a name for
 * the situation; every API border translates a code once (Zun: code and status as they are; Neutron: type
 * name; Keystone: status and title; the command line: exit code).
 *
 * `message` is written for the caller: what is wrong, with which field and value, and what would be right.
 * `detail` and `cause` are for the log and never leave the server.
 * Every code has a paragraph in docs/errors.md (a test compares the two).
 */
export const failureCodes = {
  // any resource
  'schema-validation-error': { status: 400 },
  'validation-error': { status: 400 },
  invalid: { status: 400 },
  'invalid-value': { status: 400 },
  'invalid-parameter-value': { status: 400 },
  'invalid-param-in-version': { status: 400 },
  unauthorized: { status: 401 },
  'policy-not-authorized': { status: 403 },
  'resource-not-found': { status: 404 },
  'method-not-allowed': { status: 405 },
  'not-acceptable': { status: 406 },
  conflict: { status: 409 },
  'precondition-failed': { status: 412 },
  'payload-too-large': { status: 413 },
  'unsupported-media-type': { status: 415 },
  'too-many-requests': { status: 429 },
  internal: { status: 500 },
  'not-implemented': { status: 501 },
  unavailable: { status: 503 },
  timeout: { status: 504 },

  // identity
  'user-not-found': { status: 404 },
  'project-not-found': { status: 404 },
  'role-not-found': { status: 404 },
  'domain-not-found': { status: 404 },
  'application-credential-not-found': { status: 404 },

  // containers
  'container-not-found': { status: 404 },
  'compute-node-not-found': { status: 404 },
  'zun-service-not-found': { status: 404 },
  'requested-host-not-found': { status: 404 },
  'registry-not-found': { status: 404 },
  'webhook-not-found': { status: 404 },
  'container-already-exists': { status: 409 },
  'invalid-state-exception': { status: 409 },
  'over-quota': { status: 403 },
  'quota-class-not-found': { status: 404 },
  'host-not-up': { status: 500 },
  'no-interactive-flag': { status: 400 },
  'console-token-refused': { status: 403 },
  'origin-not-allowed': { status: 403 },
  'image-not-found': { status: 400 },
  'image-already-exists': { status: 409 },
  'image-pull-failed': { status: 500 },
  'docker-error': { status: 500 },
  'docker-unavailable': { status: 503 },
  'external-network-attach-forbidden': { status: 403 },

  // networks
  'network-not-found': { status: 404 },
  'subnet-not-found': { status: 404 },
  'port-not-found': { status: 404 },
  'router-not-found': { status: 404 },
  'security-group-not-found': { status: 404 },
  'security-group-rule-not-found': { status: 404 },
  'agent-not-found': { status: 404 },
  'flavor-not-found': { status: 404 },
  'network-in-use': { status: 409 },
  'subnet-in-use': { status: 409 },
  'port-in-use': { status: 400 },
  'port-bound': { status: 409 },
  'service-port-in-use': { status: 409 },
  'port-not-usable': { status: 400 },
  'security-group-in-use': { status: 409 },
  'security-group-cannot-be-applied': { status: 400 },
  'security-group-rule-exists': { status: 409 },
  'default-security-group': { status: 409 },
  'ip-address-in-use': { status: 409 },
  'ip-address-exhausted': { status: 409 },
  'no-subnet-for-owner': { status: 409 },
  'invalid-service-type': { status: 400 },
  'invalid-ip-for-network': { status: 400 },
  'invalid-ip-for-subnet': { status: 400 },
  'mac-address-in-use': { status: 409 },
  'gateway-conflict': { status: 409 },
  'gateway-ip-in-use': { status: 409 },
  'invalid-allocation-pool': { status: 400 },
  'overlapping-allocation-pools': { status: 409 },
  'segmentation-id-in-use': { status: 409 },
  'physical-network-in-use': { status: 409 },
  'default-network-exists': { status: 409 },
  'zone-not-found': { status: 404 },
  'default-security-group-exists': { status: 409 },
  'invalid-rule-ports': { status: 400 },
  'invalid-rule-protocol': { status: 400 },
  'invalid-rule-ethertype': { status: 400 },
  'rule-remote-conflict': { status: 400 },
  'unknown-rule-ethertype': { status: 400 },
  'rule-protocol-conflict': { status: 400 },
  'rule-protocol-without-ports': { status: 400 },
  'invalid-rule-port': { status: 400 },
  'invalid-rule-icmp': { status: 400 },
  'rule-icmp-without-type': { status: 400 },
  'invalid-cidr': { status: 400 },
  'security-group-conflict': { status: 409 },
  'default-security-group-fixed': { status: 409 },
  'port-security-required': { status: 400 },
  'port-has-security-groups': { status: 409 },
  'port-has-address-pairs': { status: 409 },
  'duplicate-address-pair': { status: 400 },
  'too-many-address-pairs': { status: 400 },
  'address-group-not-found': { status: 404 },
  'address-group-in-use': { status: 409 },
  'addresses-exist': { status: 400 },
  'addresses-not-found': { status: 404 },
  'rule-ports-without-protocol': { status: 400 },
  'bad-request': { status: 400 },
  'router-in-use': { status: 409 },
  'router-interface-not-found': { status: 404 },
  'router-subnet-not-found': { status: 404 },
  'router-interface-needed-by-floating-ip': { status: 409 },
  'router-interface-needed-by-route': { status: 409 },
  'router-gateway-needed': { status: 409 },
  'subnet-mismatch': { status: 400 },
  'port-has-device': { status: 409 },
  'invalid-routes': { status: 400 },
  'too-many-routes': { status: 400 },
  'external-network-in-use': { status: 409 },
  'external-network-unreachable': { status: 404 },
  'external-address-exhausted': { status: 400 },
  'floating-ip-not-found': { status: 404 },
  'floating-ip-taken': { status: 409 },
  'floating-ip-in-use': { status: 409 },
  'port-forwarding-not-found': { status: 404 },
  'port-has-floating-ip': { status: 409 },
  'port-has-forwarding': { status: 400 },
  'tag-not-found': { status: 404 },
  'network-over-quota': { status: 409 },
  'subnet-pool-not-found': { status: 404 },
  'subnet-pool-in-use': { status: 400 },
  'subnet-pool-empty': { status: 400 },
  'subnet-pool-mixed': { status: 400 },
  'subnet-pool-bounds': { status: 400 },
  'subnet-pool-shrunk': { status: 400 },
  'subnet-pool-update': { status: 400 },
  'subnet-pool-over-quota': { status: 409 },
  'subnet-pool-affinity': { status: 400 },
  'subnet-too-small': { status: 400 },
  'subnet-too-large': { status: 400 },
  'subnet-allocation-failed': { status: 500 },
  'address-scope-not-found': { status: 404 },
  'address-scope-in-use': { status: 409 },
  'address-scope-shared': { status: 400 },
  'address-scope-version': { status: 400 },
  'address-scope-conflict': { status: 409 },
  'address-scope-affinity': { status: 400 },
  'qos-policy-not-found': { status: 404 },
  'qos-policy-in-use': { status: 409 },
  'qos-rule-not-found': { status: 404 },
  'qos-rules-conflict': { status: 409 },
  'qos-rule-not-supported': { status: 409 },
  'default-qos-policy-exists': { status: 409 },
  'rbac-policy-not-found': { status: 404 },
  'rbac-policy-exists': { status: 409 },
  'rbac-policy-in-use': { status: 409 },
  'sharing-in-use': { status: 409 },

  // the Container Network Model
  'endpoint-not-found': { status: 404 },
  'sandbox-not-found': { status: 404 },
  'driver-not-found': { status: 404 },
  'driver-forbids': { status: 403 },
  'driver-refused': { status: 502 },
  'driver-unavailable': { status: 503 },
  'endpoint-in-use': { status: 409 },
  'pool-not-found': { status: 404 },
  'pool-overlaps': { status: 403 },
  'pool-exhausted': { status: 409 },

  // this machine
  'kernel-error': { status: 500 },
  'already-running': { status: 409 },
} as const satisfies Record<string, { status: number }>;

export type FailureCode = keyof typeof failureCodes;

export interface FailureOptions extends ErrorOptions {
  /** For the log only. */
  readonly detail?: string;
  /** True when the failure happened on the agent's side of a call (Zun marks those with `-remote`). */
  readonly remote?: boolean;
  /** When trying again makes sense: the `Retry-After` of a 429 or 503. */
  readonly retryAfterSeconds?: number;
}

export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;
  readonly detail: string | undefined;
  readonly remote: boolean;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: FailureCode, message: string, options: FailureOptions = {}) {
    super(message, options);
    this.code = code;
    this.detail = options.detail;
    this.remote = options.remote ?? false;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get status(): number {
    return failureCodes[this.code].status;
  }
}

export function isFailure(error: unknown, code?: FailureCode): error is Failure {
  return error instanceof Failure && (code === undefined || error.code === code);
}

export function isFailureCode(code: string): code is FailureCode {
  return Object.hasOwn(failureCodes, code);
}
