/**
 * Schemas of request bodies. Everything has a limit, unknown fields are refused, and what Keystone knows but Berth
 * has not (nested projects, per-user options) is accepted only in the form that asks for nothing.
 */
import Type, { type TSchema } from 'typebox';

const closed = { additionalProperties: false } as const;

const id = Type.String({ minLength: 1, maxLength: 64 });
const optional = Type.Optional;
const nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

/** Something readable: not only blanks, no control characters. */
const name = (maxLength: number) =>
  Type.String({
    minLength: 1,
    maxLength,
    pattern: '^[^\\u0000-\\u001f\\u007f]*[^\\s\\u0000-\\u001f\\u007f][^\\u0000-\\u001f\\u007f]*$',
  });
const description = nullable(Type.String({ maxLength: 4096 }));
const password = Type.String({ minLength: 1, maxLength: 4096 });
const tags = Type.Array(Type.String({ minLength: 1, maxLength: 255, pattern: '^[^,/]*$' }), {
  maxItems: 80,
  uniqueItems: true,
});
/** Keystone's per-object options, of which there are none here. */
const noOptions = optional(Type.Object({}, closed));

const wrap = <K extends string, S extends TSchema>(key: K, schema: S) =>
  Type.Object({ [key]: schema } as Record<K, S>, closed);

const domainFields = {
  description: optional(description),
  enabled: optional(Type.Boolean()),
  tags: optional(Type.Array(Type.String(), { maxItems: 0 })),
  options: noOptions,
};
export const CreateDomain = wrap('domain', Type.Object({ name: name(64), ...domainFields }, closed));
export const UpdateDomain = wrap(
  'domain',
  Type.Object({ name: optional(name(64)), ...domainFields }, closed),
);

const projectFields = {
  description: optional(description),
  enabled: optional(Type.Boolean()),
  domain_id: optional(nullable(id)),
  parent_id: optional(nullable(id)),
  is_domain: optional(Type.Literal(false)),
  tags: optional(tags),
  options: noOptions,
};
export const CreateProject = wrap('project', Type.Object({ name: name(64), ...projectFields }, closed));
export const UpdateProject = wrap(
  'project',
  Type.Object({ name: optional(name(64)), ...projectFields }, closed),
);

const userFields = {
  password: optional(nullable(password)),
  description: optional(description),
  email: optional(nullable(Type.String({ maxLength: 255 }))),
  enabled: optional(Type.Boolean()),
  domain_id: optional(nullable(id)),
  default_project_id: optional(nullable(id)),
  options: noOptions,
};
export const CreateUser = wrap('user', Type.Object({ name: name(255), ...userFields }, closed));
export const UpdateUser = wrap('user', Type.Object({ name: optional(name(255)), ...userFields }, closed));
export const ChangePassword = wrap(
  'user',
  Type.Object({ original_password: Type.String({ maxLength: 4096 }), password }, closed),
);

const roleFields = {
  description: optional(description),
  domain_id: optional(Type.Null()),
  options: optional(Type.Object({ immutable: optional(nullable(Type.Boolean())) }, closed)),
};
export const CreateRole = wrap('role', Type.Object({ name: name(255), ...roleFields }, closed));
export const UpdateRole = wrap('role', Type.Object({ name: optional(name(255)), ...roleFields }, closed));

const accessRule = Type.Object(
  {
    service: Type.String({ minLength: 1, maxLength: 64 }),
    method: Type.Enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']),
    path: Type.String({ minLength: 1, maxLength: 128, pattern: '^/' }),
  },
  closed,
);
export const CreateApplicationCredential = wrap(
  'application_credential',
  Type.Object(
    {
      name: name(255),
      description: optional(description),
      secret: optional(nullable(Type.String({ minLength: 1, maxLength: 255 }))),
      expires_at: optional(nullable(Type.String({ maxLength: 64 }))),
      roles: optional(
        Type.Array(
          Type.Object({ id: optional(id), name: optional(name(255)) }, { ...closed, minProperties: 1 }),
          {
            minItems: 1,
            maxItems: 64,
          },
        ),
      ),
      unrestricted: optional(nullable(Type.Boolean())),
      access_rules: optional(Type.Array(accessRule, { maxItems: 256 })),
    },
    closed,
  ),
);

const ref = Type.Object({ id: optional(id), name: optional(Type.String({ maxLength: 255 })) }, closed);
const inDomain = {
  id: optional(id),
  name: optional(Type.String({ maxLength: 255 })),
  domain: optional(ref),
};
export const Authenticate = wrap(
  'auth',
  Type.Object(
    {
      identity: Type.Object(
        {
          methods: Type.Array(Type.String({ maxLength: 64 }), { minItems: 1, maxItems: 8 }),
          password: optional(
            wrap('user', Type.Object({ ...inDomain, password: Type.String({ maxLength: 4096 }) }, closed)),
          ),
          token: optional(wrap('id', Type.String({ maxLength: 4096 }))),
          application_credential: optional(
            Type.Object(
              {
                id: optional(id),
                name: optional(Type.String({ maxLength: 255 })),
                user: optional(Type.Object(inDomain, closed)),
                secret: Type.String({ maxLength: 4096 }),
              },
              closed,
            ),
          ),
        },
        closed,
      ),
      /** Checked by AuthenticateScope unless it is text. */
      scope: optional(Type.Unknown()),
    },
    closed,
  ),
);

/** Exactly one of the keys; the parser says so. */
export const AuthenticateScope = Type.Object(
  {
    project: optional(Type.Object(inDomain, closed)),
    domain: optional(ref),
    system: optional(wrap('all', Type.Literal(true))),
    unscoped: optional(Type.Object({}, closed)),
  },
  closed,
);
