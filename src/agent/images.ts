/** Images by pull policy. Containers that need the same image at the same time share one pull. */
import type { Engine, PullOptions } from '../docker/engine.ts';
import { Failure } from '../model/failure.ts';
import type { WantedContainer } from '../wire/agent.ts';

export class Images {
  readonly #engine: Engine;
  readonly #pulls = new Map<string, Promise<void>>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Resolves when a container can be made of the image. `onPull` is called when that means waiting for a registry. */
  async ensure(
    { spec: { image, imageDriver, pullPolicy }, logIn }: Pick<WantedContainer, 'spec' | 'logIn'>,
    onPull: () => void,
  ): Promise<void> {
    if (imageDriver !== 'docker') {
      throw new Failure(
        'not-implemented',
        `image driver ${imageDriver}: this host has images of Docker only`,
      );
    }
    if (pullPolicy !== 'always' && (await this.#engine.hasImage(image))) return;
    if (pullPolicy === 'never') {
      throw new Failure('image-not-found', `Image ${image} not present with pull policy of Never`);
    }
    onPull();
    await this.pull(image, { ...(logIn ? { logIn } : {}) });
  }

  /** With a log-in of its own every pull asks the registry again: what one may have says nothing about another. */
  pull(image: string, options: PullOptions = {}): Promise<void> {
    const key = JSON.stringify([image, options.logIn]);
    const running = options.onProgress ? undefined : this.#pulls.get(key);
    if (running) return running;
    const pull = this.#engine.pullImage(image, options).finally(() => this.#pulls.delete(key));
    this.#pulls.set(key, pull);
    return pull;
  }
}
