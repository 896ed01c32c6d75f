/** Images of the Engine: pulled with progress and a log-in, found, removed, searched for. */
import { Failure, isFailure } from '../model/failure.ts';
import type { EngineImage, FoundImage, PullOptions, PullProgress, RegistryLogIn } from './engine.ts';
import { engineMessage, pullFailure, registryReason, statusOf } from './failures.ts';
import { formatImageReference, parseImageReference } from './image-reference.ts';
import { jsonLines } from './json-lines.ts';
import type { EngineSocket } from './socket.ts';

/** A pull that says nothing for so long is dead. */
const pullSilenceMs = 300_000;

export async function findImage(socket: EngineSocket, reference: string): Promise<EngineImage | undefined> {
  const image = formatImageReference(parseImageReference(reference));
  try {
    const { Id, Size } = await socket.request<{ Id: string; Size: number }>('inspect image', {
      method: 'GET',
      path: ['images', image, 'json'],
    });
    return { id: Id, sizeBytes: Size };
  } catch (error) {
    if (isFailure(error) && statusOf(error.cause) === 404) return undefined;
    throw error;
  }
}

export async function pullImage(
  socket: EngineSocket,
  reference: string,
  { logIn, onProgress = () => undefined }: PullOptions,
): Promise<void> {
  const parsed = parseImageReference(reference);
  const fromImage = formatImageReference({ ...parsed, tag: undefined, digest: undefined });
  const what = `pull ${fromImage}`;
  try {
    const stream = await socket.stream(what, {
      method: 'POST',
      path: ['images', 'create'],
      query: { fromImage, tag: parsed.digest ?? parsed.tag },
      deadlineMs: pullSilenceMs,
      ...(logIn ? { headers: { 'x-registry-auth': authOf(logIn, parsed.registry) } } : {}),
    });
    const silence = setTimeout(() => stream.destroy(new Error('i/o timeout')), pullSilenceMs);
    const layers = new Layers();
    try {
      for await (const line of jsonLines(stream)) {
        silence.refresh();
        if (typeof line.error === 'string') throw pullFailure(reference, line.error);
        if (layers.note(line)) onProgress(layers.progress());
      }
    } finally {
      clearTimeout(silence);
    }
  } catch (error) {
    if (isFailure(error) && error.code !== 'docker-error') throw error;
    throw pullFailure(reference, engineMessage(error), error);
  }
}

function authOf(
  { username, password }: NonNullable<PullOptions['logIn']>,
  serveraddress: string | undefined,
): string {
  return Buffer.from(JSON.stringify({ username, password, serveraddress })).toString('base64url');
}

const doneStatuses = ['Pull complete', 'Already exists'];

interface Layer {
  readonly bytes: number;
  readonly bytesDone: number;
  readonly isDone: boolean;
}

/** What the Engine's lines say of each layer, summed. */
class Layers {
  readonly #layers = new Map<string, Layer>();

  /** False for lines that are not about a layer. */
  note({ id, status, progressDetail }: Readonly<Record<string, unknown>>): boolean {
    if (typeof id !== 'string' || typeof status !== 'string' || !/^[0-9a-f]{12}$/.test(id)) return false;
    const { current, total } = (progressDetail ?? {}) as { current?: number; total?: number };
    const before = this.#layers.get(id) ?? { bytes: 0, bytesDone: 0, isDone: false };
    const isDone = doneStatuses.includes(status);
    const isLoading = status === 'Downloading' && current !== undefined && total !== undefined;
    const loaded = isLoading ? { bytes: total, bytesDone: current } : {};
    const whole = isDone || status === 'Download complete' ? { bytesDone: before.bytes } : {};
    this.#layers.set(id, { ...before, ...loaded, ...whole, isDone });
    return true;
  }

  progress(): PullProgress {
    const layers = [...this.#layers.values()];
    return {
      layers: layers.length,
      layersDone: layers.filter(({ isDone }) => isDone).length,
      bytes: layers.reduce((sum, { bytes }) => sum + bytes, 0),
      bytesDone: layers.reduce((sum, { bytesDone }) => sum + bytesDone, 0),
    };
  }
}

export async function removeImage(socket: EngineSocket, reference: string): Promise<void> {
  const image = formatImageReference(parseImageReference(reference));
  const request = { method: 'DELETE', path: ['images', image], alsoOk: [404] } as const;
  await socket.request(`remove image ${image}`, request);
}

interface SearchAnswer {
  readonly name: string;
  readonly description: string;
  readonly is_official: boolean;
  readonly is_automated: boolean;
  readonly star_count: number;
}

export async function searchImages(socket: EngineSocket, term: string): Promise<FoundImage[]> {
  const request = { method: 'GET', path: ['images', 'search'], query: { term, limit: 100 } } as const;
  try {
    const found = await socket.request<SearchAnswer[] | null>(`search for ${term}`, request);
    return (found ?? []).map((each) => ({
      name: each.name,
      description: each.description,
      isOfficial: each.is_official,
      isAutomated: each.is_automated,
      stars: each.star_count,
    }));
  } catch (error) {
    if (!isFailure(error, 'docker-error')) throw error;
    const why = 'the registry that is searched does not answer';
    throw new Failure('unavailable', `Images cannot be searched for: ${why}.`, { cause: error });
  }
}

const registryDeadlineMs = 25_000;

export async function testRegistry(
  socket: EngineSocket,
  domain: string,
  { username = '', password = '' }: Partial<RegistryLogIn> = {},
): Promise<string | null> {
  const body = { username, password, serveraddress: domain };
  const request = { method: 'POST', path: ['auth'], body, deadlineMs: registryDeadlineMs } as const;
  try {
    await socket.request(`log in to ${domain}`, request);
    return null;
  } catch (error) {
    if (!isFailure(error) || error.code === 'docker-unavailable') throw error;
    return registryReason(domain, engineMessage(error));
  }
}
