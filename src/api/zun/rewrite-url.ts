/**
 * The spellings of a path that Zun's clients use, brought to the one that is routed: `/containers//web/start/`,
 * `/v1/containers/web.json` and `/v1/containers/web` are the same. Paths of the other services stay untouched.
 */

/** First segments that mean `/v1` in front. Exact words: `/network` and `/image` belong to other services. */
const resources = new Set([
  'containers',
  'capsules',
  'images',
  'services',
  'hosts',
  'networks',
  'quotas',
  'quota_classes',
  'availability_zones',
  'registries',
]);

export function rewriteZunUrl(url: string): string {
  const at = url.search(/[?#]/);
  const [path, rest] = at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at)];
  const segments = path.split('/').filter((segment) => segment !== '');
  const first = (segments[0] ?? '').replace(/\.json$/, '');
  if (first !== 'v1' && !resources.has(first)) return url;
  const last = segments.length - 1;
  segments[last] = (segments[last] ?? '').replace(/(?<=.)\.json$/, '');
  if (first !== 'v1') segments.unshift('v1');
  return `/${segments.join('/')}${rest}`;
}
