/** How the values of a field compare. */
export type FieldKind = 'message' | 'keyword' | 'level' | 'integer' | 'date' | 'ip' | 'id';

/** A field with a mapping of its own. */
export interface KnownField {
  name: string;
  kind: FieldKind;
  /** Largest integer that the mapping takes. */
  max?: number;
  /** Integers of exactly this many digits, so that `5*` and `5xx` can be read as a range. */
  digits?: number;
  /** Keyword field with the same value as text, for wildcards and regexes on an IP field. */
  textField?: string;
  /** The name may as well be one of the user's own fields, as ECS-shaped JSON logs have it. */
  shared: boolean;
}

/** Where the values of a name that somebody typed may be. */
export type Target = { in: 'known'; field: KnownField } | { in: 'containers'; name: string };

const own = (name: string, kind: FieldKind): KnownField => ({ name, kind, shared: false });
const ecs = (name: string, kind: FieldKind = 'keyword', more: Partial<KnownField> = {}): KnownField => ({
  name,
  kind,
  ...more,
  shared: true,
});

const known = new Map<string, KnownField>(
  [
    own('@timestamp', 'date'),
    own('message', 'message'),
    own('tag', 'keyword'),
    own('stream', 'keyword'),
    own('host.name', 'keyword'),
    own('log.file.path', 'keyword'),
    own('log.offset', 'integer'),
    own('log.level', 'level'),
    own('event.generation', 'keyword'),
    own('event.ingested', 'date'),
    own('event.id', 'id'),
    ecs('error.type'),
    ecs('error.message'),
    ecs('source.ip', 'ip', { textField: 'source.address' }),
    ecs('source.address'),
    ecs('user.name'),
    ecs('http.request.method'),
    ecs('http.request.referrer'),
    ecs('http.response.status_code', 'integer', { max: 32_767, digits: 3 }),
    ecs('http.response.body.bytes', 'integer'),
    ecs('url.original'),
    ecs('user_agent.original'),
    ecs('service.name'),
    ecs('trace.id'),
  ].map((field) => [field.name, field]),
);

/** Short names and fluentd's names of access-log columns; each is also looked up as a user's field. */
const aliases: Record<string, string> = {
  level: 'log.level',
  host: 'host.name',
  file: 'log.file.path',
  generation: 'event.generation',
  offset: 'log.offset',
  remote: 'source.address',
  code: 'http.response.status_code',
  status: 'http.response.status_code',
  method: 'http.request.method',
  path: 'url.original',
  size: 'http.response.body.bytes',
  referer: 'http.request.referrer',
  agent: 'user_agent.original',
  user: 'user.name',
};

const ownPrefix = 'fields.';

/** Names of the fields that have a mapping of their own. */
export function knownFieldNames(): string[] {
  return [...known.keys()];
}

/** Every field with a mapping of its own. */
export const knownFields: readonly KnownField[] = [...known.values()];

/** Names that stand for a field with a mapping of its own: their own and the short ones. */
export const knownNames: readonly string[] = [...known.keys(), ...Object.keys(aliases)];

/**
 * All places that a name stands for; a query on it matches when one of them does. `fields.name` is the user's field
 * only, as results show it.
 */
export function resolveField(name: string): Target[] {
  if (name.startsWith(ownPrefix) && name.length > ownPrefix.length)
    return [{ in: 'containers', name: name.slice(ownPrefix.length) }];
  const field = known.get(name === '_id' ? 'event.id' : name);
  if (field !== undefined) {
    const target: Target = { in: 'known', field };
    return field.shared ? [target, { in: 'containers', name }] : [target];
  }
  const alias = Object.hasOwn(aliases, name) ? known.get(aliases[name] ?? '') : undefined;
  const containers: Target = { in: 'containers', name };
  return alias === undefined ? [containers] : [{ in: 'known', field: alias }, containers];
}
