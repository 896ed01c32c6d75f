/** A MariaDB without any port, with an empty database. */
import type { ServicePlace } from './place.ts';

/** Returns its socket. */
export async function startDatabase(place: ServicePlace, name: string): Promise<string> {
  const socket = place.path('mariadb.sock');
  const data = place.path('mariadb');
  const where = ['--no-defaults', '--user=root', `--datadir=${data}`];
  const fresh = ['--auth-root-authentication-method=normal', '--skip-test-db'];
  await place.machine.must('mariadb-install-db', [...where, ...fresh]);
  const first = place.write('first.sql', `create database ${name} character set utf8;\n`);
  place.spawn('mariadbd', [
    ...where,
    ...[`--socket=${socket}`, `--pid-file=${place.path('mariadb.pid')}`, `--init-file=${first}`],
    ...['--skip-networking', '--skip-log-bin', '--skip-name-resolve', '--performance-schema=OFF'],
    // Nothing of it is to outlast the machine.
    ...['--innodb-flush-log-at-trx-commit=0', '--innodb-doublewrite=0', '--innodb-flush-method=nosync'],
  ]);
  // Whoever connects waits until the first commands are done.
  await place.until(
    'MariaDB listens',
    async () => (await place.machine.exec('test', ['-S', socket])).code === 0,
  );
  return socket;
}
