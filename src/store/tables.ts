/** Every table of the database, for the query builder. One file of row types per room of the store. */
import type { ContainerTables } from './container/tables.ts';
import type { IdentityTables } from './identity/tables.ts';
import type { NetworkTables } from './network/tables.ts';
import type { SettingsTables } from './settings-table.ts';

export interface Tables extends SettingsTables, IdentityTables, NetworkTables, ContainerTables {}
