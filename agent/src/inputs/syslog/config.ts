import type { Rule } from '@millrace/core/rule/rule.ts';
import type { PushSource } from '../../config/pipeline.ts';
import { parsers } from '../../config/plugins/parsers.ts';
import {
  type Context,
  optional,
  required,
  type SourcePlugin,
  type Table,
  withDefault,
} from '../../config/plugins/plugin.ts';
import { pluginOf } from '../../config/plugins/registry.ts';
import { childSection, idOf, readSection } from '../../config/read-section.ts';
import { type ConfigSection, configError, placeText } from '../../config/syntax/tree.ts';
import { bool, integer, oneOf, size, sizeText, string, stringLike } from '../../config/values.ts';
import { compileTransport, type Transport } from '../../input/transport.ts';
import type { FrameType } from './frames.ts';

const mib = 1024 * 1024;

const table = {
  title: '<source> @type syslog',
  doc:
    'Takes syslog messages, RFC 3164 and RFC 5424, by UDP, TCP or TLS. Each is kept as it came; its tag is ' +
    '`TAG.FACILITY.SEVERITY`, as in `system.authpriv.info`. A message without a priority counts as `user.notice`.',
  params: {
    port: withDefault(integer(0, 65_535), 5_140, 'Port; 0: a free one.'),
    bind: withDefault(string, '127.0.0.1', 'Address to listen on (fluentd: `0.0.0.0`, all of them).'),
    backlog: optional(integer(1, 65_535), "the system's", 'Connections that wait to be accepted.'),
    tag: required(
      stringLike(/^[^\s\p{Cc}]{1,200}$/u, 'a tag (no spaces, 200 characters at most)'),
      'What tags begin with.',
    ),
    protocol_type: optional(
      oneOf('udp', 'tcp'),
      'by `<transport>`, `udp` without it',
      'The older form of `<transport>`.',
    ),
    frame_type: withDefault(
      oneOf('auto', 'traditional', 'octet_count'),
      'auto',
      'How messages are told apart in TCP: by a delimiter (`traditional`), by a count before each, or by what each begins with.',
    ),
    delimiter: withDefault(
      stringLike(/^.{1,16}$/s, 'a delimiter of 1 to 16 characters'),
      '\n',
      'What separates messages without a count.',
    ),
    message_length_limit: withDefault(
      size(256, mib),
      64 * 1024,
      'Longest message by TCP; a longer one is cut into several (fluentd: 2048). Datagrams are taken whole.',
    ),
    connections_max: withDefault(integer(1, 100_000), 1_024, 'Connections; more are closed at once.'),
    queue_limit: withDefault(
      size(64 * 1024, 256 * mib),
      16 * mib,
      'Datagrams that wait to be stored; more are dropped and counted.',
    ),
    facility_key: optional(string, 'none', 'Field for the facility.'),
    severity_key: optional(string, 'none', 'Field for the severity.'),
    priority_key: optional(string, 'none', 'The older name of severity_key.'),
    source_address_key: optional(string, 'none', "Field for the sender's address."),
    source_hostname_key: optional(string, 'none', "Field for the sender's host name."),
    include_source_host: withDefault(bool, false, 'The older form of source_hostname_key.'),
    source_host_key: withDefault(string, 'source_host', 'The field of include_source_host.'),
    resolve_hostname: optional(
      bool,
      '`true` with source_hostname_key',
      'Look up the name of a sender in DNS.',
    ),
    send_keepalive_packet: withDefault(
      bool,
      true,
      'TCP keepalive, which finds senders that are gone and makes their places free (fluentd: `false`).',
    ),
  },
  notApplicable: {
    blocking_timeout: 'nothing waits in a loop',
    emit_unmatched_lines:
      'a message that its parser rejects is indexed as its raw text with the reason, always',
  },
  sections: ['transport', 'parse'],
} satisfies Table;

/** A source of `@type syslog`. */
export interface SyslogConfig extends Transport {
  id: string;
  port: number;
  bind: string;
  backlog: number | undefined;
  tag: string;
  frameType: FrameType;
  delimiter: string;
  messageBytesMax: number;
  connectionsMax: number;
  queueBytesMax: number;
  facilityKey: string | undefined;
  severityKey: string | undefined;
  addressKey: string | undefined;
  hostnameKey: string | undefined;
  resolveHostname: boolean;
  keepAlivePackets: boolean;
  rule: Rule;
  /** False: a parser that knows no priority gets the text behind it, as in fluentd. */
  keepsPriority: boolean;
}

export const syslog: SourcePlugin = {
  table,
  compile(section, context): Omit<PushSource, 'label'> {
    const { settings } = readSection(section, table, context);
    const rule = compileParse(section, context);
    const hostnameKey =
      settings.source_hostname_key ?? (settings.include_source_host ? settings.source_host_key : undefined);
    const config: SyslogConfig = {
      ...compileTransport(section, ['udp', 'tcp', 'tls'], settings.protocol_type ?? 'udp', context),
      id: idOf(section, 'source', context),
      port: settings.port,
      bind: settings.bind,
      backlog: settings.backlog,
      tag: settings.tag ?? '',
      frameType: settings.frame_type,
      delimiter: unescaped(settings.delimiter),
      messageBytesMax: settings.message_length_limit,
      connectionsMax: settings.connections_max,
      queueBytesMax: settings.queue_limit,
      facilityKey: settings.facility_key,
      severityKey: settings.severity_key ?? settings.priority_key,
      addressKey: settings.source_address_key,
      hostnameKey,
      resolveHostname: settings.resolve_hostname ?? hostnameKey !== undefined,
      keepAlivePackets: settings.send_keepalive_packet,
      rule,
      keepsPriority: rule.parse.type === 'syslog',
    };
    return {
      id: config.id,
      where: placeText(section),
      tag: undefined,
      describe: () => describe(config),
      async create(inputContext) {
        const { SyslogInput } = await import('./input.ts');
        return new SyslogInput(config, inputContext);
      },
    };
  },
};

function describe(config: SyslogConfig): [string, string][] {
  const { protocol, bind, port, frameType, messageBytesMax, queueBytesMax } = config;
  const stream = `${frameType === 'auto' ? 'octet counts or delimiters' : frameType}, ${sizeText(messageBytesMax)} a message`;
  return [
    ['listens', `${bind}:${port}, ${protocol.toUpperCase()}`],
    ['tags', `${config.tag}.FACILITY.SEVERITY`],
    ['messages', protocol === 'udp' ? `a datagram each, ${sizeText(queueBytesMax)} wait at most` : stream],
  ];
}

/** The rule of `<parse>`; without one messages are read by what they begin with. */
function compileParse(section: ConfigSection, context: Context): Rule {
  const { file, line } = section;
  const param = (value: string) => ({ value, quoted: false, file, line });
  const absent: ConfigSection = {
    name: 'parse',
    arg: '',
    params: new Map([
      ['@type', param('syslog')],
      ['message_format', param('auto')],
    ]),
    children: [],
    file,
    line,
  };
  const parse = childSection(section, 'parse') ?? absent;
  const { framing, rule } = pluginOf(parsers, parse).compile(parse, context);
  if (framing.type !== 'newline')
    throw configError(
      parse,
      '<parse>: messages are records as they come: a multiline parser has no use here',
    );
  return rule;
}

/** A delimiter may be written as in Ruby's double quotes where it stands bare. */
function unescaped(text: string): string {
  return text.replaceAll('\\n', '\n').replaceAll('\\r', '\r').replaceAll('\\t', '\t').replaceAll('\\0', '\0');
}
