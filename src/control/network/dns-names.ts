/**
 * Names and domains (RFC 1123) as Neutron takes them, and the names that ports have in their network. Pure.
 *
 * A port without a name of its own is called after its addresses: `host-10-0-0-7`.
 */
import { Failure } from '../../model/failure.ts';
import type { Port } from '../../model/network.ts';

const longestName = 255;
const label = /^[a-z0-9-]{1,63}$/i;

function refuse(attribute: string, reason: string): never {
  throw new Failure('invalid-value', `Invalid input for ${attribute}. Reason: ${reason}`);
}

/** Why the text is no name, complete or not; undefined when it is one. */
function faultOf(text: string): string | undefined {
  const trimmed = text.endsWith('.') ? text.slice(0, -1) : text;
  if (trimmed.length > longestName) return `'${trimmed}' exceeds the ${longestName} character FQDN limit`;
  const labels = trimmed.split('.');
  for (const part of labels) {
    if (part === '') return 'Encountered an empty component';
    if (part.startsWith('-') || part.endsWith('-')) {
      return `Name '${part}' must not start or end with a hyphen`;
    }
    if (!label.test(part)) {
      return `Name '${part}' must be 1-63 characters long, each of which can only be alphanumeric or a hyphen`;
    }
  }
  const last = labels.at(-1) ?? '';
  return labels.length > 1 && /^\d+$/.test(last) ? `TLD '${last}' must not be all numeric` : undefined;
}

/** A name relative to the network's domain; empty = none. */
export function checkDnsName(text: string, attribute = 'dns_name'): string {
  if (text === '') return text;
  const fault = faultOf(text);
  if (fault) refuse(attribute, `'${text}' not a valid PQDN or FQDN. Reason: ${fault}`);
  if (text.endsWith('.')) refuse(attribute, `'${text}' is a FQDN. It should be a relative domain name`);
  return text.toLowerCase();
}

/** A domain with its trailing dot; empty = none. */
export function checkDnsDomain(text: string): string {
  if (text === '') return text;
  if (!text.endsWith('.')) refuse('dns_domain', `'${text}' is not a FQDN`);
  const fault = faultOf(text);
  if (fault) refuse('dns_domain', `'${text}' not a valid PQDN or FQDN. Reason: ${fault}`);
  return text.toLowerCase();
}

export interface DnsAssignment {
  readonly ipAddress: string;
  readonly hostname: string;
  readonly fqdn: string;
}

type Named = Pick<Port, 'dnsName' | 'networkDnsDomain' | 'fixedIps'>;

/** What the network's resolver answers for each address of the port. */
export function dnsAssignments(port: Named, defaultDomain: string): DnsAssignment[] {
  return port.fixedIps.map(({ ipAddress }) => {
    const hostname = port.dnsName || `host-${ipAddress.replaceAll(/[.:]/g, '-')}`;
    return { ipAddress, hostname, fqdn: `${hostname}.${domainOf(port.networkDnsDomain, defaultDomain)}.` };
  });
}

/** The domain of a network's names, without dots around it. */
export function domainOf(networkDomain: string, defaultDomain: string): string {
  return networkDomain === '' ? defaultDomain : networkDomain.replace(/\.$/, '');
}
