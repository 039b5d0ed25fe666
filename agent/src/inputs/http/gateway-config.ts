import {
  type Context,
  optional,
  type SettingsOf,
  type Table,
  withDefault,
} from '../../config/plugins/plugin.ts';
import { idOf, readSection } from '../../config/read-section.ts';
import { compileTagPattern } from '../../config/route.ts';
import { type ConfigSection, configError } from '../../config/syntax/tree.ts';
import { array, bool, integer, oneOf, size, string, stringLike, time } from '../../config/values.ts';
import { compileTransport } from '../../input/transport.ts';
import { type ApiKey, sha256 } from './api-keys.ts';
import type { GatewaySettings } from './gateway.ts';

const mib = 1024 * 1024;

/** Of every source that takes requests; `port` and `bind` aside. */
export const gatewayParams = {
  backlog: optional(integer(1, 65_535), "the system's", 'Connections that wait to be accepted.'),
  keepalive_timeout: withDefault(
    time(1_000, 3_600_000),
    10_000,
    'A connection without a request is closed after this.',
  ),
  request_timeout: withDefault(
    time(1_000, 3_600_000),
    60_000,
    'A request that is not whole after this is refused.',
  ),
  connections_max: withDefault(integer(1, 100_000), 10_000, 'Connections; more are closed at once.'),
  body_size_limit: withDefault(
    size(1024, 1024 * mib),
    32 * mib,
    'Longest body, as it comes and decompressed; longer ones are refused with 413.',
  ),
  receive_memory_limit: withDefault(
    size(mib, 4096 * mib),
    128 * mib,
    'What all requests together may hold before they are stored; beyond it they are refused with 429.',
  ),
  event_size_limit: withDefault(size(1024, 64 * mib), mib, 'Longest event.'),
  ack: withDefault(
    oneOf('disk', 'stream'),
    'disk',
    'When a request is answered: when its events are on the disk of this host, or when the stream has them.',
  ),
  idempotency_keep: withDefault(
    time(1_000, 7 * 86_400_000),
    3_600_000,
    'How long an `Idempotency-Key` is remembered, so that a request that comes again is not stored again.',
  ),
  cors_allow_origins: optional(
    array,
    'none are asked',
    'Pages of browsers that may send: `["https://*.example.com"]`, `["*"]`; others are refused with 403.',
  ),
  cors_allow_credentials: withDefault(bool, false, 'Browsers may send cookies along.'),
};

export const apiKeyTable = {
  title: '<api_key>',
  doc:
    'In `<source> @type http` and `opentelemetry`: a key that clients send as `Authorization: Bearer KEY`, as ' +
    '`X-API-Key: KEY` or as `?api_key=KEY`. Where there is one, nobody sends without a key. `key` or `key_sha256` is required.',
  params: {
    name: optional(string, "the key's number", 'Names the key in messages.'),
    key: optional(
      stringLike(/^[\x21-\x7e]{16,256}$/, 'a key of 16 to 256 printable characters'),
      'none',
      'The key itself.',
    ),
    key_sha256: optional(
      stringLike(/^[\da-f]{64}$/, 'a SHA-256 of 64 hexadecimal digits'),
      'none',
      'SHA-256 of the key, so that the configuration does not hold it.',
    ),
    tags: optional(string, 'all', 'Tag patterns that it may send to, as in `<match>`.'),
    events_per_second: optional(
      integer(1, 10_000_000),
      'no limit',
      'Refuses more with 429; after a pause ten times as many may come at once.',
    ),
    bytes_per_second: optional(size(1024, 1024 ** 4), 'no limit', 'The same for the bytes of bodies.'),
    bytes_per_day: optional(size(1024, 1024 ** 5), 'no limit', 'The same for a day of UTC, across restarts.'),
  },
} satisfies Table;

interface Where {
  port: number;
  bind: string;
  logRefusals: boolean;
}

/** What all sources that take requests have in common. */
export function compileGateway(
  section: ConfigSection,
  settings: SettingsOf<typeof gatewayParams>,
  { port, bind, logRefusals }: Where,
  context: Context,
): GatewaySettings {
  const { tls } = compileTransport(section, ['tcp', 'tls'], 'tcp', context);
  const { cors_allow_origins: origins, cors_allow_credentials: credentials } = settings;
  if (credentials && origins?.includes('*'))
    throw configError(
      section.params.get('cors_allow_credentials') ?? section,
      'cors_allow_credentials: cannot be with "*" in cors_allow_origins',
      'browsers refuse it: name the origins',
    );
  return {
    id: idOf(section, 'source', context),
    port,
    bind,
    backlog: settings.backlog,
    tls,
    connectionsMax: settings.connections_max,
    keepaliveMs: settings.keepalive_timeout,
    requestMs: settings.request_timeout,
    bodyBytesMax: settings.body_size_limit,
    memoryBytesMax: settings.receive_memory_limit,
    eventBytesMax: settings.event_size_limit,
    ack: settings.ack,
    idempotencyKeepMs: settings.idempotency_keep,
    keys: compileKeys(section, context),
    cors: { origins, credentials },
    logRefusals,
  };
}

/** Lines of `agent check`. */
export function describeGateway(settings: GatewaySettings): [string, string][] {
  const { keys, cors, ack } = settings;
  const names = keys.map(({ name }) => name).join(', ');
  return [
    ['listens', `${settings.bind}:${settings.port}, ${settings.tls ? 'HTTPS' : 'HTTP'}`],
    ['clients', keys.length === 0 ? 'need no key' : `need a key: ${names}`],
    ['pages', cors.origins === undefined ? 'no origins are allowed' : cors.origins.join(', ')],
    ['answers', `when events are ${ack === 'disk' ? 'on disk' : 'in the stream'}`],
    ['limits', `${settings.bodyBytesMax} bytes a body, ${settings.connectionsMax} connections`],
  ];
}

function compileKeys(section: ConfigSection, context: Context): ApiKey[] {
  const sections = section.children.filter(({ name }) => name === 'api_key');
  const keys = sections.map((each, i) => compileKey(each, i + 1, context));
  for (const [i, { sha256: hash, name }] of keys.entries())
    if (keys.some((other, j) => j < i && (other.sha256 === hash || other.name === name)))
      throw configError(
        sections[i] ?? section,
        `<api_key>: "${name}" is given twice, or another has its key`,
      );
  return keys;
}

function compileKey(section: ConfigSection, number: number, context: Context): ApiKey {
  const { settings } = readSection(section, apiKeyTable, context);
  const { key, key_sha256: hash, name = `key-${number}`, tags } = settings;
  if ((key === undefined) === (hash === undefined))
    throw configError(section, '<api_key>: either key or key_sha256 is required');
  return {
    name,
    sha256: hash ?? sha256(key ?? ''),
    tags: tags === undefined ? [] : compileTagPattern(tags, section.params.get('tags') ?? section, 'api_key'),
    eventsPerSecond: settings.events_per_second,
    bytesPerSecond: settings.bytes_per_second,
    bytesPerDay: settings.bytes_per_day,
  };
}
