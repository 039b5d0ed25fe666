import type { PushSource } from '../../config/pipeline.ts';
import { required, type SourcePlugin, type Table, withDefault } from '../../config/plugins/plugin.ts';
import { childSection, readSection } from '../../config/read-section.ts';
import { configError, placeText } from '../../config/syntax/tree.ts';
import { bool, integer, string, stringLike } from '../../config/values.ts';
import type { GatewaySettings } from '../http/gateway.ts';
import { compileGateway, describeGateway, gatewayParams } from '../http/gateway-config.ts';

const table = {
  title: '<source> @type opentelemetry',
  doc:
    'Takes logs of OpenTelemetry: OTLP/HTTP at `POST /v1/logs`, Protocol Buffers or JSON. A log record is an event; ' +
    'those that are too deep or too long are rejected alone, and their sender is told (partial success).',
  params: {
    tag: required(
      stringLike(/^[^\s\p{Cc}]{1,256}$/u, 'a tag (no spaces, 256 characters at most)'),
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the placeholder of tags
      'Tag of events; `${service.name}` and the like stand for attributes of their resource.',
    ),
    ...gatewayParams,
    log_refusals: withDefault(bool, true, 'Name refused requests in the log, one a second at most.'),
  },
  sections: ['http', 'transport', 'api_key'],
  repeatable: ['api_key'],
} satisfies Table;

export const otlpHttpTable = {
  title: '<source> @type opentelemetry, <http>',
  doc: 'Where it listens.',
  params: {
    port: withDefault(integer(0, 65_535), 4_318, 'Port; 0: a free one.'),
    bind: withDefault(string, '127.0.0.1', 'Address to listen on (fluentd: `0.0.0.0`, all of them).'),
  },
} satisfies Table;

/** A source of `@type opentelemetry`. */
export interface OtlpConfig {
  gateway: GatewaySettings;
  /** May hold `${name}`. */
  tag: string;
}

export const opentelemetry: SourcePlugin = {
  table,
  compile(section, context): Omit<PushSource, 'label'> {
    const grpc = childSection(section, 'grpc');
    if (grpc)
      throw configError(
        grpc,
        '<grpc>: the agent speaks OTLP/HTTP',
        'every SDK and the collector can send it',
      );
    const { settings } = readSection(section, table, context);
    const { tag = '' } = settings;
    const where = childSection(section, 'http') ?? { ...section, params: new Map(), children: [] };
    const { port, bind } = readSection(where, otlpHttpTable, context).settings;
    const gateway = compileGateway(
      section,
      settings,
      { port, bind, logRefusals: settings.log_refusals },
      context,
    );
    if (/\$(?!\{[^{}]+\})/.test(tag))
      throw configError(
        section.params.get('tag') ?? section,
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the placeholder of tags
        'tag: "$" begins a placeholder, as in ${service.name}',
      );
    const config: OtlpConfig = { gateway, tag };
    return {
      id: gateway.id,
      where: placeText(section),
      tag: tag.includes('$') ? undefined : tag,
      describe: () => [['tag', tag], ...describeGateway(gateway)],
      async create(inputContext) {
        const { OtlpInput } = await import('./input.ts');
        return new OtlpInput(config, inputContext);
      },
    };
  },
};
