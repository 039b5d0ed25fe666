import { ruleText } from '@millrace/core/rule/text.ts';
import { type LoadEnvironment, loadPipeline } from './config/load.ts';
import type { Framing, Output, Pipeline, PushSource, Stage, TailSource, Target } from './config/pipeline.ts';
import { type Branch, branchesOf, tagOfPath } from './config/route.ts';
import { sizeText, timeText } from './config/values.ts';
import type { Filter } from './filter/filter.ts';
import { createProgram } from './filter/program.ts';

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
    ...pipeline.inputs.map((source) => inputText(source, pipeline)),
    ...[...pipeline.stages].flatMap(([label, stages]) => stages.map((stage) => stageText(label, stage))),
    ...pipeline.outputs.map(outputText),
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
    ['label', source.label],
    ['tag', `${source.tag} → ${destination(source, pipeline)}`],
    [
      'begins',
      source.readFromHead
        ? 'at the head of every file'
        : 'at the end of files present at the very first start, at the head of all others',
    ],
    ['new files', `looked for every ${timeText(source.refreshIntervalMs)}`],
    ['rotated files', `stay open ${timeText(source.rotateWaitMs)} after their last new byte`],
    ['at the edge', framingText(framing, after(source.multilineFlushMs, 'when the next one begins'))],
    [
      '',
      source.maxLineBytes === undefined
        ? ''
        : `a record longer than ${sizeText(source.maxLineBytes)} is dropped and counted`,
    ],
    ['', `an unterminated last line is shipped ${after(source.partialFlushMs, 'when it is complete')}`],
    ['travels', travels(source, pipeline)],
  ]);
}

function framingText(framing: Framing, shipped: string): string {
  switch (framing.type) {
    case 'newline':
      return 'one record a line';
    case 'multiline':
      return `a record begins with each line that matches ${framing.firstlineSource}, and is shipped ${shipped}`;
    case 'continuation':
      return `lines that match ${framing.name} go on with the record before them, which is shipped ${shipped}`;
    case 'matching':
      return `a record ends with the line that makes format1… match, or is shipped ${shipped}`;
    default:
      return `a container's message (${framing.type}) is a record; one in parts is put together, or shipped ${shipped}`;
  }
}

function after(ms: number, never: string): string {
  return ms === 0 ? never : `after ${timeText(ms)}`;
}

function destination(source: TailSource, pipeline: Pipeline): string {
  if (source.tag.includes('*') && source.paths.some((path) => /[*?[{%]/.test(path)))
    return 'by file, * is its path with . for /';
  return [...tagsOf(source)].map((tag) => wayOf(source.label, tag, pipeline)).join(', ');
}

function tagsOf(source: TailSource): Set<string> {
  return new Set(source.paths.map((path) => tagOfPath(source.tag, path)));
}

function branchText({ filters, outputs }: Branch): string {
  return [...filters, ...outputs].map(({ id }) => id).join(' → ');
}

/** The rules as they are behind the filters, which is what the consumer gets. */
function travels(source: TailSource, pipeline: Pipeline): string {
  const rules = [...tagsOf(source)].flatMap((tag) =>
    branchesOf(pipeline, source.label, tag).map(
      ({ filters }) => createProgram(filters, source.rule, { tag, host: pipeline.system.host, way: '' }).rule,
    ),
  );
  return [...new Set(rules.length > 0 ? rules : [ruleText(source.rule)])].join('\n');
}

function inputText(source: PushSource, pipeline: Pipeline): string {
  const { id, where, label, tag } = source;
  const way = tag === undefined ? 'by the tag of each event' : wayOf(label, tag, pipeline);
  return section(`source ${id} (${where})`, [...source.describe(), ['label', label], ['goes to', way]]);
}

function wayOf(label: string, tag: string, pipeline: Pipeline): string {
  return branchesOf(pipeline, label, tag).map(branchText).join(' and ') || 'nowhere';
}

/** Where a filter does its work (D2). */
function placeOf({ edge, rewriteRule }: Filter): string {
  if (edge === undefined && rewriteRule === undefined) return 'nowhere: it changes nothing';
  if (edge === undefined) return 'when the document is made: it travels as steps of the rule';
  return rewriteRule === undefined ? 'at the edge' : 'at the edge, and when the document is made';
}

function stageText(label: string, stage: Stage): string {
  const within = label === '' ? '' : `in label ${label}, `;
  const title = `${stage.kind} ${stage.pattern} (${within}${stage.where})`;
  if (stage.kind === 'filter')
    return section(title, [
      ['filter', stage.filter.id],
      ...stage.filter.describe(),
      ['runs', placeOf(stage.filter)],
    ]);
  return section(title, [['goes to', targetText(stage.target)]]);
}

function targetText(target: Target): string {
  if (target.type === 'output') return target.output.id;
  if (target.type === 'relabel') return `label ${target.label}`;
  return target.targets.map(targetText).join('\n');
}

function outputText(output: Output): string {
  return section(`output ${output.id} (${output.where})`, [
    ...output.describe(),
    ['at stop', `ships what is read, for ${timeText(output.drainTimeoutMs)} at most`],
  ]);
}

/** Rows without a text are left out; further lines of a text are indented under its first. */
function section(title: string, rows: [string, string][]): string {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  const lines = rows
    .filter(([, text]) => text !== '')
    .map(([name, text]) => `  ${name.padEnd(width)}${text.replace(/\n/g, `\n  ${' '.repeat(width)}`)}`);
  return [title, ...lines].join('\n');
}
