import { ruleText } from '@millrace/core/rule/rule.ts';
import { type LoadEnvironment, loadPipeline } from './config/load.ts';
import type { KinesisOutput, Pipeline, Route, TailSource } from './config/pipeline.ts';
import { routeTag, tagOfPath } from './config/route.ts';
import { sizeText, timeText } from './config/values.ts';

/**
 * `agent check`: the compiled pipeline in words. No secret is in the text.
 * @throws MillraceError CONFIG_INVALID naming everything that is wrong
 */
export function checkConfig(path: string, environment: LoadEnvironment): string {
  const pipeline = loadPipeline(path, environment);
  const parts = [
    `${path}: ok`,
    systemText(pipeline),
    ...pipeline.sources.map((source) => sourceText(source, pipeline)),
    ...pipeline.routes.map(routeText),
  ];
  if (pipeline.notices.length > 0)
    parts.push(
      ['notices', ...pipeline.notices.map(({ file, line, message }) => `  ${file}:${line}: ${message}`)].join(
        '\n',
      ),
    );
  return `${parts.join('\n\n')}\n`;
}

function systemText({ system }: Pipeline): string {
  return section('system', [
    ['host', system.host],
    ['state', system.stateDir],
    ['log level', system.logLevel],
    [
      'health and metrics',
      system.http ? `http://${system.http.host}:${system.http.port}` : 'not served (http_port)',
    ],
  ]);
}

function sourceText(source: TailSource, pipeline: Pipeline): string {
  const { framing } = source;
  return section(`source ${source.id} (${source.where})`, [
    ['reads', source.paths.join('\n')],
    ['leaves out', source.excludePaths.join('\n')],
    ['tag', `${source.tag} → ${destination(source, pipeline)}`],
    [
      'begins',
      source.readFromHead
        ? 'at the head of every file'
        : 'at the end of files present at the very first start, at the head of all others',
    ],
    ['new files', `looked for every ${timeText(source.refreshIntervalMs)}`],
    ['rotated files', `stay open ${timeText(source.rotateWaitMs)} after their last new byte`],
    [
      'at the edge',
      framing.type === 'newline'
        ? 'one record a line'
        : `a record begins with each line that matches ${framing.firstlineSource}, and is shipped ${after(source.multilineFlushMs, 'when the next one begins')}`,
    ],
    ['', `an unterminated last line is shipped ${after(source.partialFlushMs, 'when it is complete')}`],
    ['travels', ruleText(source.rule)],
  ]);
}

function after(ms: number, never: string): string {
  return ms === 0 ? never : `after ${timeText(ms)}`;
}

function destination(source: TailSource, pipeline: Pipeline): string {
  if (source.tag.includes('*') && source.paths.some((path) => /[*?[{%]/.test(path)))
    return 'by file, * is its path with . for /';
  const found = new Set(
    source.paths.map((path) => routeTag(pipeline, tagOfPath(source.tag, path))?.id ?? 'nowhere'),
  );
  return [...found].join(', ');
}

function routeText({ pattern, output, where }: Route): string {
  return section(`match ${pattern} (${where})`, [
    ['output', output.id],
    ['sends to', `Kinesis stream ${output.streamName} in ${output.region}${endpointText(output)}`],
    ['signed with', output.credentials ? 'a static key' : "the SDK's credential chain"],
    ['Millrace stream', output.stream],
    ['at the edge', `records are gathered ${timeText(output.lingerMs)} at most`],
    ['outbox', `${sizeText(output.outboxBytes)}; when it is full, reading stops`],
    [
      'requests',
      `up to ${output.requestsInFlightMax} at a time, of ${output.requestRecordsMax} records and ${sizeText(output.requestBytesMax)}`,
    ],
    [
      'failures',
      `sent again after ${timeText(output.retryBaseMs)} to ${timeText(output.retryMaxMs)} until acknowledged`,
    ],
    ['at stop', `ships what is read, for ${timeText(output.drainTimeoutMs)} at most`],
  ]);
}

function endpointText({ endpoint }: KinesisOutput): string {
  return endpoint === undefined ? '' : ` at ${endpoint}`;
}

/** Rows without a text are left out; further lines of a text are indented under its first. */
function section(title: string, rows: [string, string][]): string {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  const lines = rows
    .filter(([, text]) => text !== '')
    .map(([name, text]) => `  ${name.padEnd(width)}${text.replace(/\n/g, `\n  ${' '.repeat(width)}`)}`);
  return [title, ...lines].join('\n');
}
