/**
 * Microversions `1.1` to `1.41`, handled as their minor number, and the header that asks for one. Up to 1.40 they are
 * Zun's; from 1.41 the API has what Zun lacks, so that nobody who asks for less can tell the difference.
 *
 * Header: `OpenStack-API-Version: container 1.40` or `container latest`; absent = 1.1. What is wrong with it is 406.
 */
import { Failure } from '../../model/failure.ts';

export const minimumMinor = 1;
export const maximumMinor = 41;
/** The first that is not Zun's: what is offered from here on is additive. */
export const ownMinor = 41;

export function versionText(minor: number): string {
  return `1.${minor}`;
}

const range = `[container ${versionText(minimumMinor)}, container ${versionText(maximumMinor)}]`;

/** Throws `not-acceptable`. */
export function parseVersionHeader(header: string | undefined): number {
  if (header === undefined) return minimumMinor;
  const words = header.trim().split(/\s+/);
  const [service, version] = words;
  if (words.length !== 2 || version === undefined || service !== 'container') {
    throw new Failure('not-acceptable', 'Invalid service type for OpenStack-API-Version header');
  }
  if (version === 'latest') return maximumMinor;
  const match = /^(\d+)\.(\d+)$/.exec(version);
  if (!match) throw new Failure('not-acceptable', 'Invalid value for OpenStack-API-Version header');
  if (Number(match[1]) !== 1) {
    throw new Failure(
      'not-acceptable',
      `Mutually exclusive versions requested. Version ${version} requested but not supported by this service. The supported version range is: ${range}.`,
    );
  }
  const minor = Number(match[2]);
  if (minor < minimumMinor || minor > maximumMinor) {
    throw new Failure(
      'not-acceptable',
      `Version ${version} was requested but the minor version is not supported by this service. The supported version range is: ${range}.`,
    );
  }
  return minor;
}

export interface VersionRange {
  /** Minor numbers, both included. */
  readonly since?: number;
  readonly until?: number;
  /** Offered anew from here on, after `until`. */
  readonly again?: number;
}

export function isInRange(
  minor: number,
  { since = minimumMinor, until = maximumMinor, again = maximumMinor + 1 }: VersionRange,
): boolean {
  return (minor >= since && minor <= until) || minor >= again;
}

export function assertOffered(minor: number, offered: VersionRange): void {
  if (isInRange(minor, offered)) return;
  throw new Failure(
    'not-acceptable',
    `Version ${versionText(minor)} was requested but the requested API is not supported for this version.`,
  );
}

/** Response headers of everything below /v1. */
export function versionHeaders(minor: number): Record<string, string> {
  return {
    'openstack-api-minimum-version': `container ${versionText(minimumMinor)}`,
    'openstack-api-maximum-version': `container ${versionText(maximumMinor)}`,
    'openstack-api-version': `container ${versionText(minor)}`,
    vary: 'OpenStack-API-Version',
  };
}
