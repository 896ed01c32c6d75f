/** Tells the agent of a host that something it should look at has changed. A hint: losing it only costs time. */
export interface Waker {
  wake(
    host: string,
    what: { readonly containers?: readonly string[]; readonly networks?: readonly string[] },
  ): void;
}
