/** Version documents and health: the only answers that need no token. */
import { linksOf } from './container-view.ts';
import { maximumMinor, minimumMinor, versionText } from './microversion.ts';

const resources = [
  'services',
  'containers',
  'images',
  'networks',
  'hosts',
  'capsules',
  'availability_zones',
  'quotas',
  'quota_classes',
  'registries',
] as const;

export function rootDocument(baseUrl: string) {
  const version = {
    id: 'v1',
    status: 'CURRENT',
    max_version: versionText(maximumMinor),
    min_version: versionText(minimumMinor),
    links: [{ href: `${baseUrl}/v1/`, rel: 'self' }],
  };
  return {
    name: 'OpenStack Zun API',
    description: 'Zun is an OpenStack project which aims to provide containers service.',
    versions: [version],
    default_version: version,
  };
}

export function versionDocument(baseUrl: string) {
  return {
    id: 'v1',
    media_types: [{ base: 'application/json', type: 'application/vnd.openstack.zun.v1+json' }],
    links: [
      { href: `${baseUrl}/v1/`, rel: 'self' },
      {
        href: 'https://docs.openstack.org/developer/zun/dev/api-spec-v1.html',
        rel: 'describedby',
        type: 'text/html',
      },
    ],
    ...Object.fromEntries(resources.map((name) => [name, linksOf(baseUrl, name, '')])),
  };
}
