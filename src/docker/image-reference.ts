/**
 * Image references as users write them: `[registry[:port]/]path[:tag][@digest]`.
 *
 * Parsed before anything else sees them: the Engine takes references as part of a URL's path, so a hostile one
 * must not get that far. The grammar is that of OCI distribution references.
 */
import { Failure } from '../model/failure.ts';

export interface ImageReference {
  /** Host and port of the registry; undefined = the Engine's default one. */
  readonly registry: string | undefined;
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const domain =
  '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]{1,5})?';
const pattern = new RegExp(
  `^(?:(${domain})/)?(${component}(?:/${component})*)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(sha256:[a-f0-9]{64}))?$`,
);

/** Throws `image-not-found` naming the reference when it is not one. */
export function parseImageReference(text: string): ImageReference {
  const match = text.length <= 512 ? pattern.exec(text) : null;
  if (!match?.[2]) {
    throw new Failure(
      'image-not-found',
      `${JSON.stringify(text)} is not an image reference: expected [registry/]name[:tag], in lower case`,
    );
  }
  const [, host, path, tag, digest] = match;
  // A first part without dot or port is a folder of the default registry ("library/busybox"), not a host.
  const isHost = host !== undefined && (/[.:]/.test(host) || host === 'localhost');
  if (host !== undefined && !isHost && host !== host.toLowerCase()) {
    throw new Failure('image-not-found', `${JSON.stringify(text)}: the name of an image is in lower case`);
  }
  return {
    registry: isHost ? host : undefined,
    path: host === undefined || isHost ? path : `${host}/${path}`,
    tag: tag ?? (digest ? undefined : 'latest'),
    digest,
  };
}

/** The reference with its tag spelled out, as the Engine wants it. */
export function formatImageReference({ registry, path, tag, digest }: ImageReference): string {
  return `${registry ? `${registry}/` : ''}${path}${tag ? `:${tag}` : ''}${digest ? `@${digest}` : ''}`;
}
