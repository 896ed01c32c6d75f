/**
 * Registries: where a project's images come from, and with which log-in. Passwords are sealed before they are stored, never shown, and
 * opened only to be told to the agent that pulls, for images of that registry and no other.
 */
import type { Caller } from '../../model/caller.ts';
import type { Container } from '../../model/container-record.ts';
import { Failure } from '../../model/failure.ts';
import { looksLikeUuid, newUuid } from '../../model/ids.ts';
import { imageOf, type Registry } from '../../model/registry.ts';
import {
  deleteRegistry,
  findRegistry,
  insertRegistry,
  listRegistries,
  updateRegistry,
  userOfRegistry,
} from '../../store/container/registries.ts';
import type { DbOrTrx } from '../../store/database.ts';
import { registryTest } from '../../wire/agent-questions.ts';
import type { PolicyRule } from '../policy.ts';
import type { Secrets } from '../secrets.ts';
import { heard } from './ask-agent.ts';
import { type ContainerContext, nowIso } from './context.ts';
import { findHostUp } from './hosts.ts';

export interface RegistryFields {
  readonly name?: string;
  readonly domain?: string;
  readonly username?: string;
  readonly password?: string;
}

export interface RegistryLogIn {
  readonly domain: string;
  readonly username: string;
  readonly password: string;
}

/** By uuid or name. Throws `registry-not-found`, `conflict` for an ambiguous name, then what the rule says. */
export async function getRegistry(
  { db, policy }: Pick<ContainerContext, 'db' | 'policy'>,
  caller: Caller,
  ident: string,
  rule: PolicyRule,
): Promise<Registry> {
  const all = await listRegistries(db, caller.isAdmin ? null : caller.projectId);
  const [registry, ...more] = looksLikeUuid(ident)
    ? all.filter(({ uuid }) => uuid === ident)
    : all.filter(({ name }) => name === ident);
  if (!registry) throw new Failure('registry-not-found', `Registry ${ident} could not be found.`);
  if (more.length > 0) {
    const text = 'Multiple registries exist with same name. Please use the registry uuid instead.';
    throw new Failure('conflict', text);
  }
  policy.enforce(caller, rule, registry);
  return registry;
}

export function registryUseCases(ctx: ContainerContext) {
  const { db, policy, secrets } = ctx;

  return {
    async create(caller: Caller, fields: RegistryFields & { readonly domain: string }): Promise<Registry> {
      policy.enforce(caller, 'registry:create');
      const uuid = newUuid();
      const { name = null, domain, username = null, password } = fields;
      await insertRegistry(db, {
        uuid,
        name,
        domain,
        username,
        sealedPassword: password === undefined ? null : secrets.seal(password, uuid),
        projectId: caller.projectId,
        userId: caller.userId,
        createdAt: nowIso(ctx),
        updatedAt: null,
      });
      return mustFind(db, uuid);
    },

    async list(caller: Caller, allProjects: boolean): Promise<Registry[]> {
      policy.enforce(caller, allProjects ? 'registry:get_all_all_projects' : 'registry:get_all');
      return listRegistries(db, allProjects ? null : caller.projectId);
    },

    get: (caller: Caller, ident: string) => getRegistry(ctx, caller, ident, 'registry:get_one'),

    async update(caller: Caller, ident: string, fields: RegistryFields): Promise<Registry> {
      const { uuid } = await getRegistry(ctx, caller, ident, 'registry:update');
      const { password, ...same } = fields;
      await updateRegistry(db, uuid, {
        ...same,
        ...(password === undefined ? {} : { sealedPassword: secrets.seal(password, uuid) }),
        updatedAt: nowIso(ctx),
      });
      return mustFind(db, uuid);
    },

    /** Asks an agent to log in there: what failed, in words for its owner; null = nothing did. */
    async test(caller: Caller, ident: string): Promise<string | null> {
      const registry = await getRegistry(ctx, caller, ident, 'registry:test');
      const logIn = logInOf(secrets, registry);
      const host = await findHostUp(ctx);
      if (host === undefined) return 'no host is up that could try it';
      const request = { domain: registry.domain, ...(logIn ? { logIn } : {}) };
      return (await heard(host, ctx.bus.call({ kind: 'agent', host }, registryTest, request))).reason;
    },

    /** Throws `conflict` while a container pulls from it. */
    async remove(caller: Caller, ident: string): Promise<void> {
      const { uuid } = await getRegistry(ctx, caller, ident, 'registry:delete');
      await db.transaction().execute(async (trx) => {
        const user = await userOfRegistry(trx, uuid);
        if (user !== undefined)
          throw new Failure('conflict', `Registry ${ident} is in use by container ${user}.`);
        await deleteRegistry(trx, uuid);
      });
    },
  };
}

async function mustFind(db: DbOrTrx, uuid: string): Promise<Registry> {
  const registry = await findRegistry(db, uuid);
  if (!registry) throw new Failure('registry-not-found', `Registry ${uuid} could not be found.`);
  return registry;
}

/** The image as the agent is to pull it, and the log-in for it. */
export async function pullOf(
  db: DbOrTrx,
  secrets: Secrets,
  { spec }: Pick<Container, 'spec'>,
): Promise<{ readonly image: string; readonly logIn?: RegistryLogIn }> {
  const registry = spec.registryId ? await findRegistry(db, spec.registryId) : undefined;
  if (!registry) return { image: spec.image };
  const image = imageOf(spec.image, registry.domain);
  const isFromThere = image.startsWith(`${registry.domain}/`);
  const logIn = isFromThere ? logInOf(secrets, registry) : undefined;
  return { image, ...(logIn ? { logIn } : {}) };
}

function logInOf(secrets: Secrets, registry: Registry): RegistryLogIn | undefined {
  const { domain, username, sealedPassword, uuid } = registry;
  if (username === null || sealedPassword === null) return undefined;
  return { domain, username, password: secrets.open(sealedPassword, uuid) };
}
