import type { PushSource } from '../../config/pipeline.ts';
import {
  type Context,
  optional,
  required,
  type SourcePlugin,
  type Table,
  withDefault,
} from '../../config/plugins/plugin.ts';
import { childSection, idOf, readSection } from '../../config/read-section.ts';
import { type ConfigSection, configError, placeText } from '../../config/syntax/tree.ts';
import {
  array,
  bool,
  integer,
  oneOf,
  size,
  sizeText,
  string,
  stringLike,
  time,
  timeText,
} from '../../config/values.ts';
import { compileTransport, type TlsSettings } from '../../input/transport.ts';
import type { Security, SecurityClient } from './handshake.ts';

const mib = 1024 * 1024;
const tagText = stringLike(/^[^\s\p{Cc}]{1,256}$/u, 'a tag (no spaces, 256 characters at most)');

const table = {
  title: '<source> @type forward',
  doc:
    'Takes events of fluentd, Fluent Bit and the fluent-logger libraries. A chunk that asks for it is acknowledged ' +
    'when its events are on disk; one that comes again is acknowledged, and not stored again.',
  params: {
    port: withDefault(
      integer(0, 65_535),
      24_224,
      'Port, of TCP for events and of UDP for heartbeats; 0: a free one.',
    ),
    bind: withDefault(string, '127.0.0.1', 'Address to listen on (fluentd: `0.0.0.0`, all of them).'),
    backlog: optional(integer(1, 65_535), "the system's", 'Connections that wait to be accepted.'),
    tag: optional(tagText, "the event's", 'Tag of all events, in place of their own.'),
    add_tag_prefix: optional(tagText, 'none', 'What stands before each tag, with a dot between them.'),
    ack: withDefault(
      oneOf('disk', 'stream'),
      'disk',
      'When a chunk is acknowledged: when it is on the disk of this host, or when the stream has it.',
    ),
    chunk_keep: withDefault(
      time(0, 86_400_000),
      600_000,
      'How long a chunk is remembered, so that it is not stored again when its sender repeats it.',
    ),
    chunk_size_limit: withDefault(
      size(1024, 1024 * mib),
      32 * mib,
      'Longest message; a longer one ends the connection.',
    ),
    chunk_size_warn_limit: optional(size(1, 1024 * mib), 'none', 'Messages longer than this are reported.'),
    decompressed_size_limit: withDefault(
      size(1024, 1024 * mib),
      64 * mib,
      'Most that a compressed message may hold; more ends the connection.',
    ),
    receive_memory_limit: withDefault(
      size(mib, 4096 * mib),
      128 * mib,
      'What all connections together may hold of messages that are not whole.',
    ),
    connections_max: withDefault(integer(1, 100_000), 1_024, 'Connections; more are closed at once.'),
    skip_invalid_event: withDefault(
      bool,
      true,
      'Drop and count what is no event; `false`: end the connection, and acknowledge nothing of the message.',
    ),
    resolve_hostname: optional(
      bool,
      '`true` with source_hostname_key',
      'Look up the name of a client in DNS.',
    ),
    source_address_key: optional(string, 'none', "Member of each record for the client's address."),
    source_hostname_key: optional(string, 'none', "Member of each record for the client's host name."),
    deny_keepalive: withDefault(bool, false, 'Close a connection after its first message.'),
    send_keepalive_packet: withDefault(
      bool,
      true,
      'TCP keepalive, which finds clients that are gone and makes their places free (fluentd: `false`).',
    ),
  },
  notApplicable: {
    linger_timeout: 'connections are closed in order: what was sent before is read',
    blocking_timeout: 'nothing waits in a loop',
    heartbeat_type: 'heartbeats by UDP and by TCP are answered',
  },
  sections: ['transport', 'security'],
} satisfies Table;

export const securityTable = {
  title: '<source> @type forward, <security>',
  doc: 'What clients prove before they may send. Holds `<user>` and `<client>` sections, any number of them.',
  params: {
    self_hostname: required(string, 'Name of this host, which clients verify.'),
    shared_key: required(string, 'Key of clients that have none of their own.'),
    user_auth: withDefault(bool, false, 'Ask for a user and a password too.'),
    allow_anonymous_source: withDefault(bool, true, '`false`: only hosts of a `<client>` may send.'),
  },
} satisfies Table;

export const userTable = {
  title: '<source> @type forward, <user>',
  doc: 'In `<security>`: a user.',
  params: { username: required(string, 'Name.'), password: required(string, 'Password.') },
} satisfies Table;

export const clientTable = {
  title: '<source> @type forward, <client>',
  doc: 'In `<security>`: hosts that may send. `host` or `network` is required.',
  params: {
    host: optional(string, 'none', 'Host name or address.'),
    network: optional(
      stringLike(/^[\da-fA-F.:]+\/\d{1,3}$/, 'a network, as in 10.0.0.0/8'),
      'none',
      'Network, as in `10.0.0.0/8`.',
    ),
    shared_key: optional(string, 'that of `<security>`', 'Their key.'),
    users: withDefault(array, [], 'Users that may send from there; none: all of them.'),
  },
} satisfies Table;

/** A source of `@type forward`. */
export interface ForwardConfig {
  id: string;
  port: number;
  bind: string;
  backlog: number | undefined;
  tls: TlsSettings | undefined;
  security: Security | undefined;
  tag: string | undefined;
  /** With its dot. */
  addTagPrefix: string;
  ack: 'disk' | 'stream';
  chunkKeepMs: number;
  chunkBytesMax: number;
  chunkBytesWarn: number;
  decompressedBytesMax: number;
  memoryBytesMax: number;
  connectionsMax: number;
  skipInvalid: boolean;
  resolveHostname: boolean;
  addressKey: string | undefined;
  hostnameKey: string | undefined;
  denyKeepalive: boolean;
  keepAlivePackets: boolean;
}

export const forward: SourcePlugin = {
  table,
  compile(section, context): Omit<PushSource, 'label'> {
    const { settings } = readSection(section, table, context);
    const { tls } = compileTransport(section, ['tcp', 'tls'], 'tcp', context);
    const prefix = settings.add_tag_prefix;
    const config: ForwardConfig = {
      id: idOf(section, 'source', context),
      port: settings.port,
      bind: settings.bind,
      backlog: settings.backlog,
      tls,
      security: compileSecurity(childSection(section, 'security'), context),
      tag: settings.tag,
      addTagPrefix: prefix === undefined ? '' : `${prefix}.`,
      ack: settings.ack,
      chunkKeepMs: settings.chunk_keep,
      chunkBytesMax: settings.chunk_size_limit,
      chunkBytesWarn: settings.chunk_size_warn_limit ?? Number.POSITIVE_INFINITY,
      decompressedBytesMax: settings.decompressed_size_limit,
      memoryBytesMax: settings.receive_memory_limit,
      connectionsMax: settings.connections_max,
      skipInvalid: settings.skip_invalid_event,
      resolveHostname: settings.resolve_hostname ?? settings.source_hostname_key !== undefined,
      addressKey: settings.source_address_key,
      hostnameKey: settings.source_hostname_key,
      denyKeepalive: settings.deny_keepalive,
      keepAlivePackets: settings.send_keepalive_packet,
    };
    return {
      id: config.id,
      where: placeText(section),
      tag: config.tag === undefined ? undefined : config.addTagPrefix + config.tag,
      describe: () => describe(config),
      async create(inputContext) {
        const { ForwardInput } = await import('./input.ts');
        return new ForwardInput(config, inputContext);
      },
    };
  },
};

function describe(config: ForwardConfig): [string, string][] {
  const { security } = config;
  return [
    ['listens', `${config.bind}:${config.port}, ${config.tls ? 'TLS' : 'TCP'}; UDP for heartbeats`],
    [
      'clients',
      security ? `prove a shared key${security.userAuth ? ', a user and a password' : ''}` : 'are not asked',
    ],
    [
      'answers',
      `a chunk when it is ${config.ack === 'disk' ? 'on disk' : 'in the stream'}; remembers it for ${timeText(config.chunkKeepMs)}`,
    ],
    ['limits', `${sizeText(config.chunkBytesMax)} a message, ${config.connectionsMax} connections`],
  ];
}

function compileSecurity(section: ConfigSection | undefined, context: Context): Security | undefined {
  if (section === undefined) return undefined;
  const own = {
    ...section,
    children: section.children.filter(({ name }) => name !== 'user' && name !== 'client'),
  };
  const { settings } = readSection(own, securityTable, context);
  const { self_hostname: selfHostname = '', shared_key: sharedKey = '' } = settings;
  const users = new Map<string, string>();
  for (const user of section.children.filter(({ name }) => name === 'user')) {
    const { username = '', password = '' } = readSection(user, userTable, context).settings;
    users.set(username, password);
  }
  const clients = section.children
    .filter(({ name }) => name === 'client')
    .map((client) => compileClient(client, sharedKey, users, context));
  if (settings.user_auth && users.size === 0)
    throw configError(section, 'user_auth: there is no <user>', 'write one for each user in <security>');
  if (!settings.allow_anonymous_source && clients.length === 0)
    throw configError(section, 'allow_anonymous_source false: there is no <client>');
  return {
    selfHostname,
    sharedKey,
    userAuth: settings.user_auth,
    allowAnonymous: settings.allow_anonymous_source,
    users,
    clients,
  };
}

function compileClient(
  section: ConfigSection,
  sharedKey: string,
  known: ReadonlyMap<string, string>,
  context: Context,
): SecurityClient {
  const { settings } = readSection(section, clientTable, context);
  const { host, network, users } = settings;
  if ((host === undefined) === (network === undefined))
    throw configError(section, '<client>: either host or network is required');
  for (const user of users)
    if (!known.has(user)) throw configError(section, `users: there is no <user> "${user}"`);
  return {
    where: placeText(section),
    host,
    network,
    sharedKey: settings.shared_key ?? sharedKey,
    users: users.length > 0 ? users : undefined,
  };
}
