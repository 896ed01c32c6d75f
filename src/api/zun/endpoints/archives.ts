/** /containers/:ident/get_archive and put_archive: files out of and into a container, streamed. */
import { Readable } from 'node:stream';
import type { ContainerControl } from '../../../control/container/control.ts';
import { archiveIn, archiveReply, type Encoding } from '../archive-json.ts';
import type { Call, Endpoint } from '../endpoint.ts';
import * as v from '../vocabulary.ts';
import { identOf } from './containers.ts';

const path = { path: { schema: v.path, required: true } } as const;

export function archiveEndpoints(control: ContainerControl): Endpoint[] {
  const limitBytes = control.config.containers.maxArchiveMiB * 2 ** 20;
  return [
    {
      method: 'GET',
      path: '/containers/:ident/get_archive',
      summary: 'A file or folder of the container as a tar archive',
      policy: 'container:get_archive',
      checksPolicyItself: true,
      query: path,
      status: 200,
      async handle(call) {
        const archive = await control.readArchive(call.caller, identOf(call), String(call.query.path));
        return { stream: archiveReply(archive, { encoding: encodingOf(call), limitBytes }) };
      },
    },
    {
      method: 'POST',
      path: '/containers/:ident/put_archive',
      summary: 'Unpack a tar archive, `data` in the body, in a folder of the container',
      policy: 'container:put_archive',
      checksPolicyItself: true,
      query: path,
      takesStream: true,
      status: 200,
      async handle(call) {
        const upload = call.upload ?? Readable.from([]);
        const tar = archiveIn(upload, encodingOf(call));
        try {
          await control.writeArchive(call.caller, identOf(call), String(call.query.path), tar);
        } finally {
          tar.destroy();
        }
        return { body: null };
      },
    },
  ];
}

function encodingOf({ version }: Call): Encoding {
  return version >= 25 ? 'base64' : 'text';
}
