/** A machine outside, on a link to this one, which is its only way anywhere; and this machine's default route to it. */
import { tool } from '../wired-container.ts';
import { outside, versions } from './world.ts';

const settings = ['net.ipv6.conf.default.accept_dad=0', 'net.ipv6.conf.default.router_solicitations=0'];

export async function buildOutside(): Promise<void> {
  const inside = (...args: readonly string[]) => tool('ip', '-n', 'outside', ...args);
  await tool('ip', 'netns', 'add', 'outside');
  await tool('ip', 'netns', 'exec', 'outside', 'sysctl', '-qw', ...settings);
  await tool('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', ...settings);
  // Of these two machines nothing is to be learned: their entries do not age.
  const [here, there] = ['02:00:00:00:00:01', '02:00:00:00:00:02'];
  const far = ['peer', 'name', 'eth0', 'address', there, 'netns', 'outside'];
  await tool('ip', 'link', 'add', 'uplink', 'address', here, 'type', 'veth', ...far);
  await tool('ip', 'link', 'set', 'uplink', 'up');
  for (const link of ['lo', 'eth0']) await inside('link', 'set', link, 'up');
  for (const version of versions) {
    const [near, beyond] = [outside.uplink(version), outside.outside(version)];
    const length = version === 4 ? 24 : 64;
    await tool('ip', 'address', 'add', `${near}/${length}`, 'dev', 'uplink');
    await inside('address', 'add', `${beyond}/${length}`, 'dev', 'eth0');
    await tool('ip', 'neigh', 'add', beyond, 'lladdr', there, 'dev', 'uplink');
    await inside('neigh', 'add', near, 'lladdr', here, 'dev', 'eth0');
    await tool('ip', 'route', 'add', 'default', 'via', beyond);
    await inside('route', 'add', 'default', 'via', near);
  }
}
