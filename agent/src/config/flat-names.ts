import { childSection } from './read-section.ts';
import { type ConfigParam, type ConfigSection, configError } from './syntax/tree.ts';

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
};

const injectNames: Readonly<Record<string, string>> = {
  include_time_key: 'time_key',
  include_tag_key: 'tag_key',
  time_key: 'time_key',
  tag_key: 'tag_key',
  time_format: 'time_format',
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
  const plain = renamed(section);
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
  let output = renamed(section);
  const format = output.params.get('format');
  if (format && !childSection(output, 'format')) output = moved(output, 'format', { format: '@type' }).rest;
  if (!childSection(output, 'inject')) output = moved(output, 'inject', injectNames).rest;
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

function renamed(section: ConfigSection): ConfigSection {
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
