/** `berth cnm …`: libnetwork's Container Network Model on this machine, without any container engine. */
import { defineEndpoints } from '../cnm/endpoint.ts';
import { defineNetworks } from '../cnm/network.ts';
import { defineRun } from '../cnm/run.ts';
import { defineSandboxes } from '../cnm/sandbox.ts';
import { defineServe } from '../cnm/serve.ts';
import type { Setting } from '../define.ts';

export function commands(setting: Setting): void {
  defineServe(setting);
  defineNetworks(setting);
  defineEndpoints(setting);
  defineSandboxes(setting);
  defineRun(setting);
}
