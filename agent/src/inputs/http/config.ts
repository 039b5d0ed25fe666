import type { Rule } from '@millrace/core/rule/rule.ts';
import type { PushSource } from '../../config/pipeline.ts';
import { parsers } from '../../config/plugins/parsers.ts';
import {
  type Context,
  optional,
  type SourcePlugin,
  type Table,
  withDefault,
} from '../../config/plugins/plugin.ts';
import { pluginOf } from '../../config/plugins/registry.ts';
import { childSection, readSection } from '../../config/read-section.ts';
import { type ConfigSection, configError, placeText } from '../../config/syntax/tree.ts';
import { bool, integer, string, stringLike } from '../../config/values.ts';
import type { GatewaySettings } from './gateway.ts';
import { compileGateway, describeGateway, gatewayParams } from './gateway-config.ts';

const tagText = stringLike(/^[^\s\p{Cc}]{1,256}$/u, 'a tag (no spaces, 256 characters at most)');

const table = {
  title: '<source> @type http',
  doc:
    'Takes events by `POST /TAG`: JSON (an object, an array of them, or several values one after another), NDJSON, ' +
    'MessagePack, forms with `json=`, `ndjson=` or `msgpack=`; compressed with gzip, deflate or zstd. `?time=` is their time in ' +
    'seconds. All events of a request are taken, or none. `GET /healthz` answers load balancers.',
  params: {
    port: withDefault(integer(0, 65_535), 9_880, 'Port; 0: a free one.'),
    bind: withDefault(string, '127.0.0.1', 'Address to listen on (fluentd: `0.0.0.0`, all of them).'),
    ...gatewayParams,
    add_tag_prefix: optional(tagText, 'none', 'What stands before each tag, with a dot between them.'),
    add_http_headers: withDefault(bool, false, 'Add each header of the request as `HTTP_NAME`.'),
    add_query_params: withDefault(bool, false, 'Add each parameter of the query as `QUERY_NAME`.'),
    add_remote_addr: withDefault(
      bool,
      false,
      'Add the address of the client as `REMOTE_ADDR`: the first of `X-Forwarded-For`, where a proxy sets it.',
    ),
    respond_with_empty_img: withDefault(bool, false, 'Answer with a GIF of one pixel.'),
    use_204_response: withDefault(bool, false, 'Answer 204 in place of 200.'),
    dump_error_log: withDefault(bool, true, 'Name refused requests in the log, one a second at most.'),
  },
  notApplicable: { blocking_timeout: 'nothing waits in a loop' },
  sections: ['parse', 'transport', 'api_key'],
  repeatable: ['api_key'],
} satisfies Table;

/** A source of `@type http`. */
export interface HttpConfig {
  gateway: GatewaySettings;
  /** With its dot. */
  addTagPrefix: string;
  addHeaders: boolean;
  addQuery: boolean;
  addAddress: boolean;
  /** What bodies hold: values, or lines for another parser. */
  format: 'json' | 'lines';
  rule: Rule;
  success: 'empty' | 'gif' | 'none';
}

/** `time` may be a number of seconds or ISO 8601. */
const jsonRule: Rule = {
  v: 1,
  parse: { type: 'json' },
  time: { key: 'time', type: 'string', formats: ['float', '%iso8601'] },
  detect: { level: true },
};

export const http: SourcePlugin = {
  table,
  compile(section, context): Omit<PushSource, 'label'> {
    const { settings } = readSection(section, table, context);
    const { port, bind, add_tag_prefix: prefix } = settings;
    const gateway = compileGateway(
      section,
      settings,
      { port, bind, logRefusals: settings.dump_error_log },
      context,
    );
    const { rule, format } = compileFormat(section, context);
    const config: HttpConfig = {
      gateway,
      addTagPrefix: prefix === undefined ? '' : `${prefix}.`,
      addHeaders: settings.add_http_headers,
      addQuery: settings.add_query_params,
      addAddress: settings.add_remote_addr,
      format,
      rule,
      success: settings.use_204_response ? 'none' : settings.respond_with_empty_img ? 'gif' : 'empty',
    };
    if (format === 'lines')
      for (const name of ['add_http_headers', 'add_query_params', 'add_remote_addr'] as const)
        if (settings[name])
          throw configError(
            section.params.get(name) ?? section,
            `${name}: needs events of JSON, which <parse> says these are not`,
          );
    return {
      id: gateway.id,
      where: placeText(section),
      tag: undefined,
      describe: () => [
        ...describeGateway(gateway),
        ['bodies', format === 'json' ? 'JSON, MessagePack' : 'lines'],
      ],
      async create(inputContext) {
        const { HttpInput } = await import('./input.ts');
        return new HttpInput(config, inputContext);
      },
    };
  },
};

function compileFormat(section: ConfigSection, context: Context): Pick<HttpConfig, 'rule' | 'format'> {
  const parse = childSection(section, 'parse');
  const type = parse?.params.get('@type')?.value;
  if (!parse || type === 'in_http' || type === 'msgpack') return { rule: jsonRule, format: 'json' };
  const { framing, rule } = pluginOf(parsers, parse).compile(parse, context);
  if (framing.type !== 'newline')
    throw configError(
      parse,
      `<parse>: @type ${type} reads records of several lines, which requests cannot hold`,
    );
  return { rule, format: rule.parse.type === 'json' ? 'json' : 'lines' };
}
