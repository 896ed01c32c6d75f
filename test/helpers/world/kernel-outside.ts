/** A machine outside, on a link to this one, which is its only way anywhere; and this machine's default route to it. */
import { tool } from '../wired-container.ts';
import { outside } from './world.ts';

export async function buildOutside(): Promise<void> {
  const inside = (...args: readonly string[]) => tool('ip', '-n', 'outside', ...args);
  await tool('ip', 'netns', 'add', 'outside');
  // Of these two machines nothing is to be learned: their entries do not age.
  const [here, there] = ['02:00:00:00:00:01', '02:00:00:00:00:02'];
  const far = ['peer', 'name', 'eth0', 'address', there, 'netns', 'outside'];
  await tool('ip', 'link', 'add', 'uplink', 'address', here, 'type', 'veth', ...far);
  await tool('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.uplink.disable_ipv6=1');
  await tool('ip', 'address', 'add', `${outside.uplink}/24`, 'dev', 'uplink');
  await tool('ip', 'link', 'set', 'uplink', 'up');
  await inside('address', 'add', `${outside.outside}/24`, 'dev', 'eth0');
  for (const link of ['lo', 'eth0']) await inside('link', 'set', link, 'up');
  await inside('neigh', 'add', outside.uplink, 'lladdr', here, 'dev', 'eth0');
  await inside('route', 'add', 'default', 'via', outside.uplink);
  await tool('ip', 'neigh', 'add', outside.outside, 'lladdr', there, 'dev', 'uplink');
  await tool('ip', 'route', 'add', 'default', 'via', outside.outside);
}
