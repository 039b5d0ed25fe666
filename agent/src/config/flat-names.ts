import { childSection } from './read-section.ts';
import { type ConfigParam, type ConfigSection, configError } from './syntax/tree.ts';
import { bool, readValue } from './values.ts';

/** v0.12 wrote these into the output itself; fluentd's compat_parameters.rb. */
const bufferNames: Readonly<Record<string, string>> = {
  buffer_type: '@type',
  buffer_path: 'path',
  buffer_chunk_limit: 'chunk_limit_size',
  buffer_queue_limit: 'queue_limit_length',
  buffer_queue_full_action: 'overflow_action',
  num_threads: 'flush_thread_count',
  flush_interval: 'flush_interval',
  flush_at_shutdown: 'flush_at_shutdown',
  try_flush_interval: 'flush_thread_interval',
  queued_chunk_flush_interval: 'flush_thread_burst_interval',
  disable_retry_limit: 'retry_forever',
  retry_limit: 'retry_max_times',
  retry_wait: 'retry_wait',
  max_retry_wait: 'retry_max_interval',
  time_slice_wait: 'timekey_wait',
  time_slice_format: 'timekey',
};

const injectNames = same(['time_key', 'tag_key', 'time_format']);
/** Names that belong to the time of `<inject>` where one is asked for, else to the output itself. */
const injectZoneNames = same(['timezone', 'localtime', 'utc']);

const formatNames: Readonly<Record<string, string>> = {
  format: '@type',
  ...same([
    'delimiter',
    'force_quotes',
    'keys',
    'fields',
    'json_parser',
    'label_delimiter',
    'output_time',
    'output_tag',
    'message_key',
    'add_newline',
  ]),
};

const parseNames: Readonly<Record<string, string>> = {
  format: '@type',
  ...same([
    'types',
    'time_key',
    'time_format',
    'time_type',
    'timezone',
    'localtime',
    'utc',
    'keep_time_key',
    'null_value_pattern',
    'null_empty_string',
    'estimate_current_event',
    'message_key',
    'format_firstline',
    'keys',
    'delimiter',
    'delimiter_pattern',
    'label_delimiter',
    'json_parser',
    'with_priority',
    'message_format',
    'rfc5424_time_format',
    'expression',
  ]),
  ...same(Array.from({ length: 20 }, (_, i) => `format${i + 1}`)),
};

const plainNames: Readonly<Record<string, string>> = {
  type: '@type',
  id: '@id',
  log_level: '@log_level',
};

/** A `<source>` with v0.12's names moved to where v1 has them. Sections that have their v1 form stay as they are. */
export function modernSource(section: ConfigSection): ConfigSection {
  const plain = modernNames(section);
  if (childSection(plain, 'parse') || !plain.params.has('format')) return plain;
  const parse = moved(plain, 'parse', parseNames);
  const type = parse.section.params.get('@type');
  if (type?.value.startsWith('/')) {
    parse.section.params.set('@type', { ...type, value: 'regexp' });
    parse.section.params.set('expression', type);
  }
  return parse.rest;
}

/** A `<match>` with v0.12's names moved to where v1 has them. */
export function modernOutput(section: ConfigSection): ConfigSection {
  let output = modernNames(section);
  if (output.params.has('format') && !childSection(output, 'format'))
    output = moved(output, 'format', formatNames).rest;
  if (!childSection(output, 'inject')) output = withInject(output);
  const flat = [...output.params].find(([name]) => Object.hasOwn(bufferNames, name));
  const buffer = childSection(output, 'buffer');
  if (!flat) return output;
  if (buffer)
    throw configError(
      flat[1],
      `${flat[0]}: belongs into <buffer> (line ${buffer.line}) as ${bufferNames[flat[0]]}`,
    );
  return moved(output, 'buffer', bufferNames).rest;
}

/** `include_time_key` and `include_tag_key` ask for a field whose name time_key and tag_key give. */
function withInject(output: ConfigSection): ConfigSection {
  const params = new Map(output.params);
  for (const [asks, name, fallback] of [
    ['include_time_key', 'time_key', 'time'],
    ['include_tag_key', 'tag_key', 'tag'],
  ] as const) {
    const asked = params.get(asks);
    params.delete(asks);
    const wanted = asked && asked.nil === undefined && readValue(bool, asks, asked);
    if (asked && !wanted) params.delete(name);
    if (wanted && !params.has(name)) params.set(name, { ...asked, value: fallback });
  }
  const names = params.has('time_key') ? { ...injectNames, ...injectZoneNames } : injectNames;
  return moved({ ...output, params }, 'inject', names).rest;
}

/** A section with v0.12's `type`, `id` and `log_level` under the names that v1 has for them. */
export function modernNames(section: ConfigSection): ConfigSection {
  const params = new Map<string, ConfigParam>();
  for (const [name, param] of section.params) {
    const modern = Object.hasOwn(plainNames, name) ? (plainNames[name] ?? name) : name;
    if (modern === name || !section.params.has(modern)) params.set(modern, param);
  }
  return { ...section, params };
}

/** Moves parameters into a new section inside, if there are any. */
function moved(
  section: ConfigSection,
  name: string,
  names: Readonly<Record<string, string>>,
): { rest: ConfigSection; section: ConfigSection } {
  const inside = new Map<string, ConfigParam>();
  const rest = new Map<string, ConfigParam>();
  let line = section.line;
  for (const [key, param] of section.params) {
    const modern = Object.hasOwn(names, key) ? names[key] : undefined;
    if (modern === undefined) {
      rest.set(key, param);
    } else {
      if (inside.size === 0) line = param.line;
      inside.set(modern, param);
    }
  }
  const child: ConfigSection = { name, arg: '', params: inside, children: [], file: section.file, line };
  const children = inside.size === 0 ? section.children : [...section.children, child];
  return { rest: { ...section, params: rest, children }, section: child };
}

function same(names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, name]));
}
