/** Who logs in where, and which of the catalog's endpoints to use: everything a session needs to know. */
export interface DomainRef {
  readonly id?: string;
  readonly name?: string;
}

/** An id, or a name within a domain. */
export interface NamedRef {
  readonly id?: string;
  readonly name?: string;
  readonly domain?: DomainRef;
}

export type LogIn =
  | { readonly kind: 'password'; readonly user: NamedRef; readonly password: string }
  | { readonly kind: 'token'; readonly token: string }
  | {
      readonly kind: 'application-credential';
      /** By id, or by name together with its user. */
      readonly credential: NamedRef;
      readonly user?: NamedRef;
      readonly secret: string;
    };

export interface Credentials {
  /** Of the identity service, with or without `/v3`. */
  readonly authUrl: string;
  readonly logIn: LogIn;
  /** Absent for application credentials, which carry their own. */
  readonly project?: NamedRef;
  /** Absent = whichever the catalog has first. */
  readonly region?: string;
  readonly interface: 'public' | 'internal' | 'admin';
  /** Service type → URL, instead of the catalog's. */
  readonly endpoints?: Readonly<Record<string, string>>;
}
