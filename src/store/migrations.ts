/** All migrations in order. A released one is never edited: add another. Names sort by number. */
import type { Migration } from 'kysely/migration';
import { createConsoleTokens } from './container/console-tokens-migration.ts';
import { createCreateKeys } from './container/create-keys-migration.ts';
import { createDeletedContainers } from './container/deleted-migration.ts';
import { createContainerEvents } from './container/events-migration.ts';
import { addHardwareAndQuotaAssignments } from './container/hardware-migration.ts';
import { addContainerHealth } from './container/health-migration.ts';
import { createContainerTables } from './container/migration.ts';
import { createRegistriesAndImages } from './container/registries-migration.ts';
import { createContainerSums } from './container/sums-migration.ts';
import { createWebhooks } from './container/webhooks-migration.ts';
import { createIdentityTables } from './identity/migration.ts';
import { createAddressGroups } from './network/address-groups-migration.ts';
import { addNetworkAttributes } from './network/attributes-migration.ts';
import { createNetworkTables } from './network/migration.ts';
import { createQosPolicies } from './network/qos-migration.ts';
import { createRoutingTables } from './network/routing-migration.ts';
import { createSharingAndPools } from './network/sharing-migration.ts';
import { createSettingsTable } from './settings-table.ts';

export const migrations: Record<string, Migration> = {
  '0000-settings': createSettingsTable,
  '0001-identity': createIdentityTables,
  '0002-network': createNetworkTables,
  '0003-container': createContainerTables,
  '0004-network-attributes': addNetworkAttributes,
  '0005-network-sharing': createSharingAndPools,
  '0006-routing': createRoutingTables,
  '0007-address-groups': createAddressGroups,
  '0008-qos': createQosPolicies,
  '0009-registries-and-images': createRegistriesAndImages,
  '0010-container-health': addContainerHealth,
  '0011-hardware-and-quota-assignments': addHardwareAndQuotaAssignments,
  '0012-create-keys': createCreateKeys,
  '0013-container-events': createContainerEvents,
  '0014-container-sums': createContainerSums,
  '0015-webhooks': createWebhooks,
  '0016-deleted-containers': createDeletedContainers,
  '0017-console-tokens': createConsoleTokens,
};
