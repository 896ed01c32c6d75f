/**
 * A gate in front of dockerd's socket, run inside a simulated machine: passes everything on, but holds the one call that changes something
 * which its orders name, before dockerd sees it or when dockerd has done it. Arguments: own socket, dockerd's socket, file of orders.
 */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { GateOrders } from './docker-gate.ts';

const [path = '', socketPath = '', ordersFile = ''] = process.argv.slice(2);
let orders: GateOrders | undefined;
let seen = 0;

http
  .createServer((request, response) => {
    const held = isHeld(request);
    if (held?.when === 'before') return tell(held, request);
    const { method, url, headers } = request;
    const onward = http.request({ socketPath, method, path: url, headers }, (answer) => {
      if (held) return void answer.resume().once('end', () => tell(held, request));
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  })
  .listen(path);

function isHeld({ method = '' }: http.IncomingMessage): GateOrders | undefined {
  if (method === 'GET' || method === 'HEAD') return undefined;
  const now = JSON.parse(readFileSync(ordersFile, 'utf8')) as GateOrders;
  if (now.id !== orders?.id) seen = 0;
  orders = now;
  seen += 1;
  return seen === now.call ? now : undefined;
}

/** The caller waits until somebody ends it. */
function tell({ id }: GateOrders, { method, url }: http.IncomingMessage): void {
  process.stdout.write(`${id} ${method} ${url}\n`);
}
