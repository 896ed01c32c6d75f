/**
 * A small working model of a shell on a terminal: it repeats what is typed, and on Enter carries out the line. `size` tells the terminal's
 * size, `exit N` ends it, `lots N` writes N bytes, anything else is said to have been done.
 */
import { PassThrough, type Readable } from 'node:stream';

export class FakeTerminal {
  /** Rows and columns. */
  size = '0 0';
  /** Undefined while it runs. */
  exitCode: number | undefined;
  /** Those who talk with it now. */
  readonly talking = new Set<PassThrough>();
  /** What is typed is taken when this is resolved. */
  hears: Promise<void> = Promise.resolve();
  /** What becomes of it. */
  take = (typed: Buffer): void => this.#hear(typed.toString());
  #line = '';

  /** The output of one who talks with it; all see the same. */
  talk(typed: Readable): Readable {
    const output = new PassThrough();
    this.talking.add(output);
    const leave = () => {
      this.talking.delete(output);
      typed.destroy();
      output.destroy();
    };
    output.once('close', leave);
    typed.once('close', leave);
    typed.on('error', () => undefined);
    output.on('error', () => undefined);
    void this.hears.then(() => typed.on('data', (chunk: Buffer) => this.take(chunk)));
    output.write('$ ');
    return output;
  }

  say(text: string | Buffer): void {
    for (const output of this.talking) output.write(text);
  }

  end(exitCode: number): void {
    this.exitCode = exitCode;
    for (const output of this.talking) output.end();
  }

  #hear(text: string): void {
    for (const character of text) {
      if (character !== '\r' && character !== '\n') {
        this.#line += character;
        this.say(character);
        continue;
      }
      const line = this.#line;
      this.#line = '';
      this.say('\r\n');
      this.#run(line);
    }
  }

  #run(line: string): void {
    const [word, argument = '0'] = line.split(' ');
    if (word === 'exit') {
      this.end(Number(argument));
      return;
    }
    if (word === 'lots')
      for (let left = Number(argument); left > 0; left -= 65_536)
        this.say(Buffer.alloc(Math.min(left, 65_536), 'x'));
    else this.say(word === 'size' ? this.size : `did ${line}`);
    this.say('\r\n$ ');
  }
}
