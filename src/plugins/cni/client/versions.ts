/** Results in the version that the configuration asks for. Contract: CNI 1.1.0, section 5, and its predecessors. */
import type { CniJson, CniResult } from '../../../wire/cni.ts';

/** Oldest first. */
export const supportedVersions: readonly string[] = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'];
export const newestVersion = '1.1.0';

export function versionAtLeast(version: string, least: string): boolean {
  return supportedVersions.indexOf(version) >= supportedVersions.indexOf(least);
}

export function toVersion(result: CniResult, cniVersion: string): CniJson {
  const { interfaces = [], ips = [], routes = [], dns = {} } = result;
  const isNewest = versionAtLeast(cniVersion, '1.1.0');
  const needsFamily = !versionAtLeast(cniVersion, '1.0.0');
  return {
    cniVersion,
    interfaces: interfaces.map(({ mtu, ...rest }) =>
      isNewest && mtu !== undefined ? { ...rest, mtu } : rest,
    ),
    ips: ips.map((ip) => (needsFamily ? { version: ip.address.includes(':') ? '6' : '4', ...ip } : ip)),
    routes,
    dns,
  };
}
