/**
 * Who may do what: Zun's rules with their defaults, as data.
 *
 * `owner` = an administrator or a caller of the object's project (without an object: anybody with a project); a caller
 * whose only role is `reader` is an owner only for the rules that read.
 * `admin` = the role `admin`, `nobody` = not even an administrator. Deployers' overrides (policy.yaml) come in
 * through the constructor. Field rules `container:get_one:<field>` hide a field and guard the list filter of that name.
 */
import { type Caller, mayOnlyRead } from '../model/caller.ts';
import { Failure } from '../model/failure.ts';

export type PolicyCheck = 'owner' | 'admin' | 'nobody';

export const defaultPolicy = {
  'container:create': 'owner',
  'container:create:runtime': 'admin',
  'container:create:privileged': 'nobody',
  'container:create:image_pull_policy': 'admin',
  'container:create:requested_destination': 'admin',
  'container:delete': 'owner',
  'container:delete_all_projects': 'admin',
  'container:delete_force': 'admin',
  'container:get_one': 'owner',
  'container:get_one:host': 'admin',
  'container:get_one:image_pull_policy': 'admin',
  'container:get_one:privileged': 'admin',
  'container:get_one:runtime': 'admin',
  'container:get_one_all_projects': 'admin',
  'container:get_all': 'owner',
  'container:get_all_all_projects': 'admin',
  'container:update': 'owner',
  'container:start': 'owner',
  'container:stop': 'owner',
  'container:reboot': 'owner',
  'container:pause': 'owner',
  'container:unpause': 'owner',
  'container:logs': 'owner',
  'container:execute': 'owner',
  'container:execute_resize': 'owner',
  'container:kill': 'owner',
  'container:rename': 'owner',
  'container:attach': 'owner',
  'container:resize': 'owner',
  'container:top': 'owner',
  'container:get_archive': 'owner',
  'container:put_archive': 'owner',
  'container:stats': 'owner',
  'container:commit': 'owner',
  'container:add_security_group': 'owner',
  'container:remove_security_group': 'owner',
  'container:network_attach': 'owner',
  'container:network_detach': 'owner',
  'container:network_list': 'owner',
  'container:rebuild': 'owner',
  'container:resize_container': 'owner',
  'container:actions': 'owner',
  'container:action:events': 'admin',
  'capsule:create': 'owner',
  'capsule:delete': 'owner',
  'capsule:delete_all_projects': 'admin',
  'capsule:get': 'owner',
  'capsule:get:host': 'admin',
  'capsule:get_one_all_projects': 'admin',
  'capsule:get_all': 'owner',
  'capsule:get_all_all_projects': 'admin',
  'image:pull': 'admin',
  'image:get_all': 'admin',
  'image:get_one': 'admin',
  'image:delete': 'admin',
  'image:search': 'owner',
  'zun-service:get_all': 'admin',
  'zun-service:enable': 'admin',
  'zun-service:disable': 'admin',
  'zun-service:force_down': 'admin',
  'zun-service:delete': 'admin',
  'host:get_all': 'admin',
  'host:get': 'admin',
  'network:create': 'admin',
  'network:delete': 'admin',
  'network:attach_external_network': 'admin',
  'quota:get': 'owner',
  'quota:get_default': 'owner',
  'quota:update': 'admin',
  'quota:delete': 'admin',
  'quota_class:get': 'admin',
  'quota_class:update': 'admin',
  'availability_zones:get_all': 'owner',
  'registry:create': 'owner',
  'registry:delete': 'owner',
  'registry:get_one': 'owner',
  'registry:get_all': 'owner',
  'registry:update': 'owner',
  'registry:get_all_all_projects': 'admin',
} as const satisfies Record<string, PolicyCheck>;
export type PolicyRule = keyof typeof defaultPolicy;

/** Rules that change nothing. */
const reads: ReadonlySet<PolicyRule> = new Set<PolicyRule>([
  'container:get_one',
  'container:get_all',
  'container:logs',
  'container:top',
  'container:stats',
  'container:network_list',
  'container:actions',
  'container:action:events',
  'capsule:get',
  'capsule:get_all',
  'image:search',
  'image:get_all',
  'image:get_one',
  'quota:get',
  'quota:get_default',
  'availability_zones:get_all',
  'registry:get_one',
  'registry:get_all',
  'container:get_one:host',
  'container:get_one:image_pull_policy',
  'container:get_one:privileged',
  'container:get_one:runtime',
  'capsule:get:host',
]);

/** What a rule is asked about. */
export interface PolicyTarget {
  readonly projectId: string;
}

const checks: Record<PolicyCheck, (caller: Caller, target: PolicyTarget | undefined) => boolean> = {
  owner: (caller, target) => caller.isAdmin || (target?.projectId ?? caller.projectId) === caller.projectId,
  admin: (caller) => caller.isAdmin,
  nobody: () => false,
};

export class Policy {
  readonly #rules: Readonly<Record<PolicyRule, PolicyCheck>>;

  constructor(overrides: Partial<Record<PolicyRule, PolicyCheck>> = {}) {
    this.#rules = { ...defaultPolicy, ...overrides };
  }

  allows(caller: Caller, rule: PolicyRule, target?: PolicyTarget): boolean {
    if (mayOnlyRead(caller) && !reads.has(rule)) return false;
    return checks[this.#rules[rule]](caller, target);
  }

  /** Throws `policy-not-authorized` (403) in Zun's words. */
  enforce(caller: Caller, rule: PolicyRule, target?: PolicyTarget): void {
    if (this.allows(caller, rule, target)) return;
    throw new Failure('policy-not-authorized', `Policy doesn't allow ${rule} to be performed.`);
  }
}
