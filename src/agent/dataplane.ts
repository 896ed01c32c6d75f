/** What the agent uses of the dataplane; tests give a small one of this shape. */
import type { Dataplane } from '../network/dataplane.ts';

export type HostDataplane = Pick<
  Dataplane,
  | 'converge'
  | 'repair'
  | 'plug'
  | 'unplug'
  | 'activePorts'
  | 'setDefaultRoutes'
  | 'setResolverWays'
  | 'sweep'
  | 'examine'
  | 'extrasOf'
>;
