/** A RabbitMQ on loopback, with its usual user `guest`. */
import { join } from 'node:path';
import type { ServicePlace } from './place.ts';
import { ports } from './settings.ts';

export async function startBroker(place: ServicePlace): Promise<void> {
  const folder = place.makeFolder('rabbitmq');
  place.spawn('/usr/lib/rabbitmq/bin/rabbitmq-server', [], {
    HOME: folder,
    RABBITMQ_NODENAME: 'neutron@localhost',
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(ports.broker),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_ENABLED_PLUGINS_FILE: place.write('rabbitmq/enabled_plugins', '[].\n'),
    // Not the machine's own.
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    // One scheduler, which does not spin while it waits: processors are few.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +sbwt none',
  });
  const connect = `exec 3<>/dev/tcp/127.0.0.1/${ports.broker}`;
  await place.until(
    'RabbitMQ listens',
    async () => (await place.machine.exec('bash', ['-c', connect])).code === 0,
  );
}
