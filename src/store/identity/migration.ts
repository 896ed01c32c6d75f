import type { Migration } from 'kysely/migration';

type Schema = Parameters<Migration['up']>[0]['schema'];

export const createIdentityTables: Migration = {
  up: async ({ schema }) => {
    await createDomains(schema);
    await createProjects(schema);
    await createUsers(schema);
    await createRoles(schema);
    await createAssignments(schema);
    await createApplicationCredentials(schema);
    await createRevokedTokens(schema);
  },
};

async function createDomains(schema: Schema): Promise<void> {
  await schema
    .createTable('domains')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('description', 'text', (column) => column.notNull())
    .addColumn('enabled', 'integer', (column) => column.notNull())
    .execute();
}

async function createProjects(schema: Schema): Promise<void> {
  await schema
    .createTable('projects')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('domain_id', 'text', (column) => column.notNull().references('domains.id').onDelete('cascade'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('description', 'text', (column) => column.notNull())
    .addColumn('enabled', 'integer', (column) => column.notNull())
    .addColumn('tags', 'text', (column) => column.notNull())
    .addUniqueConstraint('projects_name', ['domain_id', 'name'])
    .execute();
}

async function createUsers(schema: Schema): Promise<void> {
  await schema
    .createTable('users')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('domain_id', 'text', (column) => column.notNull().references('domains.id').onDelete('cascade'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('description', 'text')
    .addColumn('email', 'text')
    .addColumn('enabled', 'integer', (column) => column.notNull())
    .addColumn('default_project_id', 'text', (column) =>
      column.references('projects.id').onDelete('set null'),
    )
    .addColumn('password_hash', 'text')
    .addColumn('generation', 'integer', (column) => column.notNull())
    .addUniqueConstraint('users_name', ['domain_id', 'name'])
    .execute();
}

async function createRoles(schema: Schema): Promise<void> {
  await schema
    .createTable('roles')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('description', 'text')
    .addColumn('immutable', 'integer', (column) => column.notNull())
    .execute();
  await schema
    .createTable('implied_roles')
    .addColumn('prior_id', 'text', (column) => column.notNull().references('roles.id').onDelete('cascade'))
    .addColumn('implied_id', 'text', (column) => column.notNull().references('roles.id').onDelete('cascade'))
    .addPrimaryKeyConstraint('implied_roles_key', ['prior_id', 'implied_id'])
    .execute();
}

async function createAssignments(schema: Schema): Promise<void> {
  await schema
    .createTable('role_assignments')
    .addColumn('user_id', 'text', (column) => column.notNull().references('users.id').onDelete('cascade'))
    .addColumn('target_kind', 'text', (column) => column.notNull())
    .addColumn('target_id', 'text', (column) => column.notNull())
    .addColumn('role_id', 'text', (column) => column.notNull().references('roles.id').onDelete('cascade'))
    .addPrimaryKeyConstraint('role_assignments_key', ['user_id', 'target_kind', 'target_id', 'role_id'])
    .execute();
  await schema
    .createIndex('role_assignments_target')
    .on('role_assignments')
    .columns(['target_kind', 'target_id'])
    .execute();
}

async function createApplicationCredentials(schema: Schema): Promise<void> {
  await schema
    .createTable('application_credentials')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('user_id', 'text', (column) => column.notNull().references('users.id').onDelete('cascade'))
    .addColumn('project_id', 'text', (column) =>
      column.notNull().references('projects.id').onDelete('cascade'),
    )
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('description', 'text')
    .addColumn('role_ids', 'text', (column) => column.notNull())
    .addColumn('access_rules', 'text')
    .addColumn('unrestricted', 'integer', (column) => column.notNull())
    .addColumn('expires_at', 'text')
    .addColumn('secret_hash', 'text', (column) => column.notNull())
    .addUniqueConstraint('application_credentials_name', ['user_id', 'name'])
    .execute();
}

async function createRevokedTokens(schema: Schema): Promise<void> {
  await schema
    .createTable('revoked_tokens')
    .addColumn('audit_id', 'text', (column) => column.primaryKey())
    .addColumn('expires_at', 'text', (column) => column.notNull())
    .execute();
}
