import { bufferTable } from '../config/plugins/buffer.ts';
import { type Context, type SettingsOf, withDefault } from '../config/plugins/plugin.ts';
import { childSection, readSection } from '../config/read-section.ts';
import { type ConfigSection, configError } from '../config/syntax/tree.ts';
import { size, stringLike, time } from '../config/values.ts';

const mebibyte = 1024 * 1024;
const lingerMsMax = 1_000;
const retryMsMax = 30_000;

/** Parameters of every output about how long and how much waits before it. */
export const waitingParams = {
  stream: withDefault(
    stringLike(/^[a-z0-9_]{1,64}$/, 'a name of a-z, 0-9 and _'),
    'logs',
    'Millrace stream: names the indices and the folder in the archive.',
  ),
  linger: withDefault(
    time(0, lingerMsMax),
    500,
    'How long records wait for others. A record that finds the output idle is sent at once.',
  ),
  outbox_size: withDefault(
    size(2 * mebibyte, 1024 ** 4),
    32 * mebibyte,
    'Room for blocks that are not acknowledged. When it is full, reading stops.',
  ),
  drain_timeout: withDefault(
    time(0, 3_600_000),
    30_000,
    'How long a stopping agent goes on shipping what it has read.',
  ),
};

export interface Waiting {
  stream: string;
  lingerMs: number;
  outboxBytes: number;
  drainTimeoutMs: number;
  requestsInFlightMax: number;
  retryBaseMs: number;
  retryMaxMs: number;
}

/** Reads those parameters and `<buffer>`. @throws MillraceError CONFIG_INVALID */
export function waitingOf(
  section: ConfigSection,
  settings: SettingsOf<typeof waitingParams>,
  given: ReadonlySet<string>,
  context: Context,
): Waiting {
  const { file, line } = section;
  const none = { name: 'buffer', arg: '', params: new Map(), children: [], file, line };
  const buffer = childSection(section, 'buffer') ?? none;
  const { settings: waiting } = readSection(buffer, bufferTable, context);
  if (buffer.arg !== '')
    context.problems.notice(
      buffer,
      `<buffer ${buffer.arg}>: its keys have no effect: a block holds all tags`,
    );
  const retryMaxMs = waiting.retry_max_interval ?? Math.max(retryMsMax, waiting.retry_wait);
  if (retryMaxMs < waiting.retry_wait)
    throw configError(
      buffer.params.get('retry_max_interval') ?? buffer,
      'retry_max_interval: is shorter than retry_wait',
    );
  return {
    stream: settings.stream,
    lingerMs: given.has('linger')
      ? settings.linger
      : lingerOf(buffer, waiting.flush_interval ?? settings.linger, context),
    outboxBytes: settings.outbox_size,
    drainTimeoutMs: settings.drain_timeout,
    requestsInFlightMax: waiting.flush_thread_count,
    retryBaseMs: waiting.retry_wait,
    retryMaxMs,
  };
}

/** fluentd waits a minute by default; blocks gain nothing after a second. */
function lingerOf(buffer: ConfigSection, flushMs: number, context: Context): number {
  const place = buffer.params.get('flush_interval');
  if (flushMs > lingerMsMax && place)
    context.problems.notice(
      place,
      'flush_interval: is read as 1s, the longest time that records are gathered',
    );
  return Math.min(flushMs, lingerMsMax);
}
