import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createFetch } from './http-fetch.ts';

test('an answer that goes on is heard piece by piece, characters whole; a refusal is text as ever', async () => {
  let answer: ServerResponse | undefined;
  const server = createServer((request, response) => {
    if (request.url === '/no') return response.writeHead(404).end('not here');
    answer = response;
    return response.write(Buffer.from('one ü', 'utf8').subarray(0, 5));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const heard: string[] = [];
  const init = {
    method: 'GET',
    headers: {},
    signal: AbortSignal.timeout(10_000),
    onText: (text: string) => {
      heard.push(text);
      // The rest is said only when the first piece has been heard.
      if (heard.length === 1) answer?.end(Buffer.from('one ü', 'utf8').subarray(5));
    },
  };
  try {
    const reply = await createFetch()(`${base}/yes`, init);
    assert.deepEqual([reply.status, await reply.text(), heard], [200, '', ['one ', 'ü']]);
    const refused = await createFetch()(`${base}/no`, init);
    assert.deepEqual([refused.status, await refused.text(), heard.length], [404, 'not here', 2]);
  } finally {
    server.close();
  }
});
