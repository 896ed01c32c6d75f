/** `berth network doctor`: does every host have what is wanted? */
import type { HostExaminationView } from '../../client/networks.ts';
import { define, type Setting } from '../define.ts';
import { exitCodes } from '../explain.ts';
import type { Column } from '../output/output.ts';

interface Options {
  readonly repair?: boolean;
  readonly host?: string;
}

const columns: readonly Column[] = [
  { key: 'host' },
  { key: 'where' },
  { key: 'text', title: 'DIFFERENCE' },
  { key: 'is_repaired', title: 'REPAIRED', text: (row) => (row.is_repaired ? 'yes' : 'no') },
];

export function defineDoctor(setting: Setting): void {
  define<Options>(setting, {
    usage: 'network doctor',
    summary: 'compare the wanted networks with the kernel of each host (administrators)',
    options: [
      ['--repair', 'mend what differs, and look again'],
      ['--host <name>', 'this host only'],
    ],
    prints: true,
    examples: [
      'berth --os-cloud berth-admin network doctor     # exit code 1 = something differs',
      'berth --os-cloud berth-admin network doctor --repair',
    ],
    run: async ({ cloud, options, out, progress }) => {
      const { repair = false, host } = options;
      const hosts = await (await cloud()).networks.doctor({
        repair,
        ...(host === undefined ? {} : { host }),
      });
      await out.list(columns, hosts.flatMap(rowsOf));
      for (const one of hosts) progress.note(summaryOf(one));
      return hosts.every(isWell) ? exitCodes.done : exitCodes.failed;
    },
  });
}

function rowsOf({ host, findings, error }: HostExaminationView) {
  if (error !== null) return [{ host, where: '', text: error, is_repaired: false }];
  return findings.map((finding) => ({ host, ...finding }));
}

function isWell({ findings, error }: HostExaminationView): boolean {
  return error === null && findings.every(({ is_repaired: repaired }) => repaired);
}

function summaryOf({ host, networks, findings, error }: HostExaminationView): string {
  if (error !== null) return `${host}: not examined: ${error}`;
  const left = findings.filter(({ is_repaired: repaired }) => !repaired).length;
  if (findings.length === 0) return `${host}: ${networks} networks, all as wanted`;
  const repaired = findings.length - left;
  return `${host}: ${networks} networks, ${findings.length} differences, ${repaired} repaired`;
}
