/**
 * A call of the plugin as the runtime makes it: variables of the environment and the configuration on stdin, checked in
 * the order of the reference library, because runtimes and their tests know its errors. Contract: CNI 1.1.0, section 2.
 */
import { CniFailure, type CniJson, type CniVerb, cniCode } from '../../../wire/cni.ts';
import { newestVersion, supportedVersions, versionAtLeast } from './versions.ts';

export type Variables = Readonly<Record<string, string | undefined>>;

export interface Call {
  readonly verb: CniVerb;
  readonly containerId: string;
  readonly ifname: string;
  readonly netns: string;
  readonly args: Readonly<Record<string, string>>;
  /** Folders of plugins, for delegation. */
  readonly path: readonly string[];
}

interface Rule {
  readonly needs: readonly string[];
  readonly since?: string;
}

const rules: Readonly<Record<CniVerb, Rule>> = {
  ADD: { needs: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'] },
  CHECK: { needs: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'], since: '0.4.0' },
  DEL: { needs: ['CNI_CONTAINERID', 'CNI_IFNAME', 'CNI_PATH'] },
  GC: { needs: ['CNI_PATH'], since: '1.1.0' },
  STATUS: { needs: ['CNI_PATH'], since: '1.1.0' },
};

const idPattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

export function parseCall(variables: Variables): Call {
  const verb = variables.CNI_COMMAND ?? '';
  if (!Object.hasOwn(rules, verb)) throw invalid(`unknown CNI_COMMAND: ${verb}`);
  const { needs } = rules[verb as CniVerb];
  const missing = needs.filter((name) => !variables[name]);
  if (missing.length > 0) throw invalid(`required env variables [${missing.join(',')}] missing`);
  const of = (name: string) => (needs.includes(name) || name === 'CNI_NETNS' ? (variables[name] ?? '') : '');
  const [containerId, ifname] = [of('CNI_CONTAINERID'), of('CNI_IFNAME')];
  if (needs.includes('CNI_CONTAINERID')) checkNames(containerId, ifname);
  return {
    verb: verb as CniVerb,
    containerId,
    ifname,
    netns: of('CNI_NETNS'),
    args: parseArgs(variables.CNI_ARGS ?? ''),
    path: (variables.CNI_PATH ?? '').split(':').filter(Boolean),
  };
}

function checkNames(containerId: string, ifname: string): void {
  if (!idPattern.test(containerId)) throw invalid(`invalid characters in containerID: ${containerId}`);
  const isGood = ifname.length <= 15 && !['.', '..'].includes(ifname) && !/[/:\s]/.test(ifname);
  if (!isGood)
    throw invalid(`invalid interface name: ${ifname} (at most 15 characters, no "/", ":" or space)`);
}

/** `K=V;K2=V2`. Keys that mean nothing to us are let through: runtimes send theirs with `IgnoreUnknown`. */
function parseArgs(text: string): Record<string, string> {
  const pairs = text === '' ? [] : text.split(';');
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw invalid(`CNI_ARGS: invalid pair "${pair}" (expected KEY=VALUE)`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** The configuration, with a name and a version that we speak and that has the verb. */
export function parseConfig(text: string, verb: CniVerb): CniJson & { readonly cniVersion: string } {
  const config = parseObject(text);
  const { name } = config;
  if (typeof name !== 'string' || name === '') {
    throw new CniFailure(cniCode.invalidConfig, 'missing network name: give "name" in the configuration');
  }
  if (!idPattern.test(name)) {
    throw new CniFailure(cniCode.invalidConfig, `invalid characters found in network name: ${name}`);
  }
  const cniVersion = String(config.cniVersion || '0.1.0');
  const since = rules[verb].since ?? '';
  if (!supportedVersions.includes(cniVersion) || (since !== '' && !versionAtLeast(cniVersion, since))) {
    throw new CniFailure(
      cniCode.incompatibleVersion,
      supportedVersions.includes(cniVersion)
        ? `config version does not allow ${verb}`
        : 'incompatible CNI versions',
      `config is "${cniVersion}", plugin supports [${supportedVersions.map((one) => `"${one}"`).join(' ')}]`,
    );
  }
  return { ...config, cniVersion };
}

/** The version to answer in when the configuration cannot even be read. */
export function versionOf(text: string): string {
  try {
    const { cniVersion } = parseObject(text);
    return typeof cniVersion === 'string' && supportedVersions.includes(cniVersion)
      ? cniVersion
      : newestVersion;
  } catch {
    return newestVersion;
  }
}

function parseObject(text: string): CniJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CniFailure(
      cniCode.decodingFailure,
      `cannot read the configuration: ${(error as Error).message}`,
    );
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as CniJson;
  throw new CniFailure(cniCode.decodingFailure, 'the configuration is not a JSON object');
}

function invalid(text: string): CniFailure {
  return new CniFailure(cniCode.invalidEnvironment, text);
}
