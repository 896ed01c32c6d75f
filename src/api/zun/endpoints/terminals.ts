/** /containers/:ident/resize, execute_resize and attach: terminals. */
import type { ContainerControl } from '../../../control/container/control.ts';
import { consoleUrl } from '../console.ts';
import type { Endpoint, Input } from '../endpoint.ts';
import * as v from '../vocabulary.ts';
import { identOf } from './containers.ts';

const size = {
  h: { schema: v.terminalSize, required: true },
  w: { schema: v.terminalSize, required: true },
} as const;

export function terminalEndpoints(control: ContainerControl): Endpoint[] {
  return [
    {
      method: 'POST',
      path: '/containers/:ident/resize',
      summary: 'Set the size of the container’s terminal',
      policy: 'container:resize',
      checksPolicyItself: true,
      query: size,
      status: 200,
      async handle(call) {
        await control.resizeTerminal(call.caller, identOf(call), sizeOf(call.query));
        return { body: null };
      },
    },
    {
      method: 'POST',
      path: '/containers/:ident/execute_resize',
      summary: 'Set the size of the terminal of a command that runs in the container',
      policy: 'container:execute_resize',
      checksPolicyItself: true,
      query: { exec_id: { schema: v.execId, required: true }, ...size },
      status: 200,
      async handle(call) {
        const { exec_id: execId } = call.query;
        await control.resizeExec(call.caller, identOf(call), String(execId), sizeOf(call.query));
        return { body: null };
      },
    },
    {
      method: 'GET',
      path: '/containers/:ident/attach',
      summary: 'The address of a console of the container: a WebSocket, for one use, within a short time',
      policy: 'container:attach',
      checksPolicyItself: true,
      status: 200,
      async handle(call) {
        const key = await control.consoles.attach(call.caller, identOf(call));
        return { body: consoleUrl(call.baseUrl, key) };
      },
    },
  ];
}

function sizeOf({ h, w }: Input) {
  return { height: Number(h), width: Number(w) };
}
