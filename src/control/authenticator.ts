/** Who holds this token? Embedded identity and a real Keystone both answer this; the APIs know nothing else. */
import type { Caller } from '../model/caller.ts';

export interface Authenticator {
  /** Throws `unauthorized` for a token that is unknown, expired, revoked or not scoped to a project. */
  authenticate(token: string, requestId: string): Promise<Caller>;
}
