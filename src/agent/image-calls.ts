/** Images of this host, as administrators ask for them: pulled with progress, removed, searched for. */
import type { Bus } from '../bus/bus.ts';
import type { Engine, PullProgress } from '../docker/engine.ts';
import { Failure } from '../model/failure.ts';
import { imageProgress, imagePull, imageRemove, imageSearch, registryTest } from '../wire/agent-questions.ts';
import type { Images } from './images.ts';

const tellEveryMs = 500;

export interface ImageCallsOptions {
  readonly bus: Bus;
  readonly engine: Engine;
  readonly images: Images;
}

export function serveImages({ bus, engine, images }: ImageCallsOptions): void {
  bus.serve(imagePull, async ({ uuid, reference }) => {
    let toldAt = 0;
    await images.pull(reference, {
      onProgress: (progress) => {
        if (performance.now() - toldAt < tellEveryMs) return;
        toldAt = performance.now();
        bus.notify({ kind: 'server' }, imageProgress, { uuid, text: textOf(progress) });
      },
    });
    const image = await engine.findImage(reference);
    if (!image) throw new Failure('image-not-found', `Image ${reference} was pulled and is not there.`);
    return { imageId: image.id, sizeBytes: image.sizeBytes };
  });
  bus.serve(imageRemove, async ({ reference }) => {
    await engine.removeImage(reference);
    return {};
  });
  bus.serve(registryTest, async ({ domain, logIn }) => ({
    reason: await engine.testRegistry(domain, logIn),
  }));
  bus.serve(imageSearch, async ({ term }) => ({
    images: (await engine.searchImages(term)).map((image) => ({ ...image })),
  }));
}

function textOf({ layers, layersDone, bytes, bytesDone }: PullProgress): string {
  const size = (value: number) => (value / 2 ** 20).toFixed(1);
  return `${layersDone} of ${layers} layers, ${size(bytesDone)} of ${size(bytes)} MiB`;
}
