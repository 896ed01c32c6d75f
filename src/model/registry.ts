/** Registries that a project pulls images from, and the images that administrators keep on hosts. */
import type { Uuid } from './ids.ts';

export interface Registry {
  /** Order of creation. */
  readonly id: number;
  readonly uuid: Uuid;
  readonly name: string | null;
  /** Host, and port if it has one: `registry.example:5000`. */
  readonly domain: string;
  readonly username: string | null;
  /** Sealed: only a pull opens it. */
  readonly sealedPassword: string | null;
  readonly projectId: string;
  readonly userId: string;
  readonly createdAt: string;
  readonly updatedAt: string | null;
}

/** `pulling` and `deleting` end by themselves, at the latest when their deadline has passed. */
export type ImagePhase = 'pulling' | 'ready' | 'error' | 'deleting';

export interface ImageRecord {
  readonly id: number;
  readonly uuid: Uuid;
  /** Docker's; null until it is there. */
  readonly imageId: string | null;
  readonly repo: string;
  readonly tag: string;
  /** Bytes, as text. */
  readonly size: string | null;
  readonly projectId: string;
  readonly host: string;
  readonly phase: ImagePhase;
  /** For people, with `error`, or when it could not be deleted. */
  readonly reason: string | null;
  readonly createdAt: string;
}

/** Whether an image's name says where it is from: its first part has a dot or a port, or is `localhost`. */
export function namesRegistry(image: string): boolean {
  const at = image.indexOf('/');
  const first = at < 0 ? '' : image.slice(0, at);
  return /[.:]/.test(first) || first === 'localhost';
}

/** The image as it is pulled when a registry goes with it. */
export function imageOf(image: string, domain: string): string {
  return namesRegistry(image) ? image : `${domain}/${image}`;
}
