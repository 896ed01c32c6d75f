/** The webhooks of the cloud in memory: keeps what it is told; those whose URL says `broken` do not work. */
type Fields = Record<string, unknown>;

export class FakeWebhooks {
  readonly all: Fields[] = [];

  answer(method: string, [ident, verb]: readonly (string | undefined)[], body: Fields) {
    if (!ident && method === 'GET') return { body: { webhooks: this.all.map(masked), next: null } };
    if (!ident) {
      const made = { uuid: `hook-${this.all.length}`, ...defaults, secret: 'made-by-the-cloud', ...body };
      this.all.push(made);
      return { status: 201, body: body.secret ? masked(made) : made };
    }
    const found = this.all.find(({ uuid, name }) => [uuid, name].includes(ident));
    if (!found) {
      const title = `Webhook ${ident} could not be found.`;
      return { status: 404, body: { errors: [{ code: 'container.webhook-not-found', title }] } };
    }
    if (verb === 'test') {
      const works = !String(found.url).includes('broken');
      const status = works ? 204 : 500;
      return { body: { works, status, reason: works ? null : 'answered 500' } };
    }
    if (method === 'DELETE') {
      this.all.splice(this.all.indexOf(found), 1);
      return { status: 204 };
    }
    if (method === 'PATCH') Object.assign(found, body, body.secret === null ? { secret: 'made-anew' } : {});
    return { body: body.secret === null ? found : masked(found) };
  }
}

const defaults = {
  name: null,
  events: ['container.created', 'container.changed', 'container.deleted'],
  enabled: true,
  disabled_reason: null,
  delivery: { after: 7, last_event_id: 7, last_status: 500, last_error: 'answered 500', failures: 1 },
};

function masked(webhook: Fields): Fields {
  return { ...webhook, secret: '***' };
}
