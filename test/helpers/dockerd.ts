/** Calls of dockerd to a network plugin, as it sends them: without a content type, over the plugin's socket. */
import { request } from 'node:http';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, judged by the tests
  readonly body: any;
}

export class DockerdCalls {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** The answer whatever it is. */
  ask(call: string, body?: unknown): Promise<Answer> {
    const text = body === undefined ? '' : typeof body === 'string' ? body : `${JSON.stringify(body)}\n`;
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          socketPath: this.#socketPath,
          path: `/${call}`,
          method: 'POST',
          headers: { host: '', accept: 'application/vnd.docker.plugins.v1.2+json' },
        },
        async (response) => {
          let answer = '';
          for await (const chunk of response) answer += chunk;
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(answer) });
        },
      );
      sent.on('error', reject);
      sent.end(text);
    });
  }

  /** The body of an answer that must be a success. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, judged by the tests
  async call(name: string, body?: unknown): Promise<any> {
    const { status, body: answer } = await this.ask(name, body);
    if (status !== 200) throw new Error(`${name}: ${status} ${answer.Err}`);
    return answer;
  }
}
