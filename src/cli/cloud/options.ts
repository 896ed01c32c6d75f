/**
 * Options that every command takes, before or behind its name: which cloud, as whom, how to connect.
 * Their names are those of the OpenStack clients, so that scripts and habits carry over.
 */
import type { Command } from 'commander';
import { defaultStateDir } from '../../base/state-paths.ts';

export interface GlobalOptions {
  readonly osCloud?: string;
  readonly osAuthUrl?: string;
  readonly osAuthType?: string;
  readonly osUsername?: string;
  readonly osUserId?: string;
  readonly osPassword?: string;
  readonly osToken?: string;
  readonly osUserDomainName?: string;
  readonly osUserDomainId?: string;
  readonly osProjectName?: string;
  readonly osProjectId?: string;
  readonly osProjectDomainName?: string;
  readonly osProjectDomainId?: string;
  readonly osApplicationCredentialId?: string;
  readonly osApplicationCredentialName?: string;
  readonly osApplicationCredentialSecret?: string;
  readonly osRegionName?: string;
  readonly osInterface?: string;
  readonly osCacert?: string;
  readonly insecure?: boolean;
  readonly stateDir?: string;
  readonly requestTimeout?: string;
  readonly debug?: boolean;
}

/** The state folder that is meant: named, or the usual one. */
export function stateDirOf(
  options: GlobalOptions,
  { env }: { readonly env: Readonly<Record<string, string | undefined>> },
): string {
  return options.stateDir ?? env.BERTH_STATE_DIR ?? defaultStateDir;
}

const rows: readonly (readonly [flags: string, description: string])[] = [
  ['--os-cloud <name>', 'cloud of clouds.yaml [OS_CLOUD]'],
  ['--os-auth-url <url>', 'identity service [OS_AUTH_URL]'],
  ['--os-auth-type <type>', 'password, token or v3applicationcredential [OS_AUTH_TYPE]'],
  ['--os-username <name>', '[OS_USERNAME]'],
  ['--os-user-id <id>', '[OS_USER_ID]'],
  ['--os-password <password>', '[OS_PASSWORD]'],
  ['--os-token <token>', '[OS_TOKEN]'],
  ['--os-user-domain-name <name>', '[OS_USER_DOMAIN_NAME]'],
  ['--os-user-domain-id <id>', '[OS_USER_DOMAIN_ID]'],
  ['--os-project-name <name>', '[OS_PROJECT_NAME]'],
  ['--os-project-id <id>', '[OS_PROJECT_ID]'],
  ['--os-project-domain-name <name>', '[OS_PROJECT_DOMAIN_NAME]'],
  ['--os-project-domain-id <id>', '[OS_PROJECT_DOMAIN_ID]'],
  ['--os-application-credential-id <id>', '[OS_APPLICATION_CREDENTIAL_ID]'],
  ['--os-application-credential-name <name>', '[OS_APPLICATION_CREDENTIAL_NAME]'],
  ['--os-application-credential-secret <secret>', '[OS_APPLICATION_CREDENTIAL_SECRET]'],
  ['--os-region-name <name>', '[OS_REGION_NAME]'],
  ['--os-interface <interface>', 'public, internal or admin endpoints [OS_INTERFACE]'],
  ['--os-cacert <file>', 'certificate authorities to trust [OS_CACERT]'],
  ['--insecure', 'do not check certificates'],
  ['--state-dir <folder>', 'folder of the Berth on this machine [BERTH_STATE_DIR]'],
  ['--request-timeout <seconds>', 'how long a request may take (60)'],
  ['--debug', 'show every request, and where an error came from'],
];

/** Flags of global options that are followed by a value. */
export const globalFlagsWithValue: readonly string[] = rows
  .filter(([flags]) => flags.includes('<'))
  .map(([flags]) => flags.split(' ')[0] ?? '');

export function addGlobalOptions(command: Command, { hidden }: { readonly hidden: boolean }): void {
  for (const [flags, description] of rows) {
    const option = command.createOption(flags, description);
    if (hidden) option.hideHelp();
    command.addOption(option);
  }
}
