/** The thread behind ./linux: takes one request at a time and answers it. Started only by ./linux. */
import { parentPort } from 'node:worker_threads';
import { isFailure } from '../model/failure.ts';
import type { Kernel } from './kernel.ts';
import { LinuxSteps } from './linux-steps.ts';

export type KernelCall = {
  [M in keyof Kernel]: { readonly method: M; readonly args: Parameters<Kernel[M]> };
}[keyof Kernel];

export type WorkerRequest = KernelCall & { readonly id: number };

export type WorkerReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly message: string; readonly detail?: string } };

if (!parentPort) throw new Error('this module runs on a worker thread');
const port = parentPort;
const steps = new LinuxSteps();

port.on('message', (request: WorkerRequest) => port.postMessage(answer(request)));

function answer(request: WorkerRequest): WorkerReply {
  try {
    return { id: request.id, value: call(request) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const detail = isFailure(error) ? error.detail : error instanceof Error ? error.stack : undefined;
    return { id: request.id, error: { message, ...(detail === undefined ? {} : { detail }) } };
  }
}

function call({ method, args }: WorkerRequest): unknown {
  switch (method) {
    case 'apply':
      return steps.apply(...args);
    case 'namespaces':
      return steps.namespaces();
    case 'links':
      return steps.links(...args);
    case 'addresses':
      return steps.addresses(...args);
    case 'routes':
      return steps.routes(...args);
    case 'limits':
      return steps.limits(...args);
    case 'peers':
      return steps.peers(...args);
    case 'nftables':
      return steps.nftables(...args);
    case 'rules':
      return steps.rules(...args);
    case 'readSysctl':
      return steps.readSysctl(...args);
    case 'openSocket':
      return steps.openSocket(...args);
    case 'close':
      return steps.close();
  }
}
